"""Quality numbers of a session and what is worth a look."""

from collections.abc import Iterator, Mapping

# Column, limit, whether more is worse, and what to say.
LIMITS = (
    ("mean_fd", 0.5, True, "mean framewise displacement {:.2f} mm is above {} mm"),
    ("censored_share", 0.5, True, "{:.0%} of the volumes were left out"),
    ("region_coverage", 0.95, False, "only {:.0%} of the atlas regions have a time series"),
    ("missing_measures", 0.1, True, "{:.0%} of the model's morphometry measures are missing"),
    ("surface_holes", 200, True, "{:.0f} holes in the FreeSurfer surfaces"),
)


def judge(numbers: Mapping[str, float | None], *, left_out: bool = False) -> tuple[str, str]:
    """Return the overall flag (``good``, ``check`` or ``n/a``) and the reasons for ``check``.

    Parameters
    ----------
    numbers
        Quality columns of a session.
    left_out
        Whether a modality that was there could not be used.
    """
    if all(numbers.get(name) is None for name, *_ in LIMITS):
        return "n/a", ""
    reasons = list(_reasons(numbers))
    if left_out:
        reasons.append("see status_reason")
    return ("check", "; ".join(reasons)) if reasons else ("good", "")


def _reasons(numbers: Mapping[str, float | None]) -> Iterator[str]:
    for name, limit, more_is_worse, text in LIMITS:
        value = numbers.get(name)
        if value is not None and (value > limit if more_is_worse else value < limit):
            yield text.format(value, limit)
