"""Quality numbers of a session and what is worth a look."""

from collections.abc import Iterator, Mapping

# Column, limit, whether more is worse, and what to say.
LIMITS = (
    ("mean_fd", 0.5, True, "mean framewise displacement {:.2f} mm is above {} mm"),
    ("censored_share", 0.5, True, "{:.0%} of the volumes were left out"),
    ("region_coverage", 0.95, False, "only {:.0%} of the atlas regions have a time series"),
    ("missing_measures", 0.1, True, "{:.0%} of the model's morphometry measures are missing"),
    ("surface_holes", 200, True, "{:.0f} holes in the FreeSurfer surfaces"),
    ("t1w_voxel_size", 2.5, True, "voxels of {:.1f} mm are too coarse for volumes"),
    ("t1w_snr", 6, False, "T1w signal-to-noise ratio {:.1f} is below {}"),
    ("t1w_cnr", 1.0, False, "T1w contrast-to-noise ratio {:.2f} is below {}"),
    ("intracranial_volume", 1000, False, "intracranial volume {:.0f} mL is below {} mL"),
    ("intracranial_volume", 1950, True, "intracranial volume {:.0f} mL is above {} mL"),
    ("csf_fraction", 0.40, True, "{:.0%} of the intracranial volume is CSF"),
    ("registration_overlap", 0.93, False, "the brain overlaps with the template by {:.2f} only"),
    ("registration_wm_overlap", 0.60, False,
     "white matter overlaps with the template by {:.2f} only"),
    ("landmark_distance", 8, True, "regions lie {:.0f} mm from their place in the template"),
    ("mirror_overlap", 0.94, False, "left and right of the brain differ (overlap {:.2f})"),
    ("head_rotation", 40, True, "the head is turned by {:.0f} degrees"),
    ("t1w_brain_coverage", 0.98, False, "only {:.0%} of the brain is inside the T1w"),
    ("high_motion_share", 0.25, True, "{:.0%} of the volumes moved more than 0.5 mm"),
    ("tsnr", 20, False, "BOLD temporal signal-to-noise ratio {:.0f} is below {}"),
    ("bold_registration_overlap", 0.85, False,
     "the BOLD brain overlaps with the template by {:.2f} only"),
    ("bold_brain_coverage", 0.75, False, "BOLD covers {:.0%} of the brain only"),
)  # fmt: skip


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
