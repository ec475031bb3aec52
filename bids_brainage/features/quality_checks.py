"""Limits beyond which a preprocessing step did not work: the session fails instead of predicting.

Wider than what is merely worth a look: a small, an atrophied or a tilted head passes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bids_brainage.errors import InputError

_LOOK = "look at the figures of the report"


@dataclass(frozen=True)
class Range:
    """Plausible values of a quality column.

    Parameters
    ----------
    what
        The measure in words.
    unit
        Follows the value in the message; ``%`` shows a share of 1 in percent.
    meaning
        What a value outside tells, and the next step.
    """

    column: str
    low: float
    high: float
    what: str
    unit: str
    meaning: str

    def show(self, value: float) -> str:
        """Give a value with its unit."""
        return f"{value:.0%}" if self.unit == "%" else f"{value:.4g}{self.unit}"


_SEGMENTED = "the segmentation found no plausible brain: check that the image is a T1w of a head"
_FLIPPED = (
    "the brain does not lie in the template: check the orientation in the image's header "
    "(upside down or mirrored axes?)"
)

ANATOMY = (
    Range("intracranial_volume", 650, 2200, "intracranial volume", " mL", _SEGMENTED),
    Range("gm_fraction", 0.25, 0.70, "grey matter share of the intracranial volume", "%",
          _SEGMENTED),
    Range("wm_fraction", 0.15, 0.55, "white matter share of the intracranial volume", "%",
          _SEGMENTED),
    Range("csf_fraction", 0.01, 0.55, "CSF share of the intracranial volume", "%", _SEGMENTED),
    Range("t1w_brain_coverage", 0.80, 1.0, "share of the brain inside the field of view", "%",
          "the image cuts the brain off: use a T1w of the whole brain"),
    Range("registration_overlap", 0.85, 1.0, "overlap (Dice) with the template's brain", "",
          _FLIPPED),
    Range("registration_wm_overlap", 0.40, 1.0, "overlap (Dice) with the template's white matter",
          "", _FLIPPED),
    Range("landmark_distance", 0.0, 20.0, "mean distance of brain regions from their place", " mm",
          _FLIPPED),
)  # fmt: skip
FUNCTION = (
    Range("bold_brain_coverage", 0.50, 1.0, "share of the template's brain in the BOLD mask", "%",
          "the run covers too little of the brain, or was not registered to the T1w: "
          + _LOOK),
    Range("bold_registration_overlap", 0.5, 1.0, "overlap (Dice) of the BOLD mask with the "
          "template's brain", "", "the BOLD was not registered to the T1w: " + _LOOK),
    Range("tsnr", 2.0, float("inf"), "temporal signal-to-noise ratio", "",
          "the run holds noise or its motion could not be corrected: leave it out"),
)  # fmt: skip


def check_anatomy(quality: Mapping[str, float | None], place: str | Path = "") -> None:
    """Stop a session whose T1w was not segmented or registered plausibly.

    Parameters
    ----------
    quality
        What :func:`bids_brainage.features.image_quality.anatomical_quality` gave.
    place
        The raw image, for the message.

    Raises
    ------
    InputError
        If the segmentation is empty or a value lies outside :data:`ANATOMY`.
    """
    if not quality.get("intracranial_volume"):
        raise InputError("the segmentation found no brain (0 mL)", place=place, hint=_SEGMENTED)
    for name in ("registration_overlap", "landmark_distance"):
        if name in quality and quality[name] is None:
            what = name.replace("_", " ")
            raise InputError(f"the {what} cannot be measured", place=place, hint=_FLIPPED)
    _check(quality, ANATOMY, place)


def check_function(quality: Mapping[str, float | None], place: str | Path = "") -> None:
    """Stop a run whose brain mask or registration is not plausible.

    Parameters
    ----------
    quality
        What :func:`bids_brainage.features.image_quality.functional_quality` gave.
    place
        The raw run, for the message.

    Raises
    ------
    InputError
        If the mask is empty or a value lies outside :data:`FUNCTION`.
    """
    if not quality.get("bold_brain_coverage"):
        raise InputError(
            "the BOLD brain mask is empty in the standard space (0 % of the brain)",
            place=place,
            hint="check that the run shows a brain and belongs to this T1w",
        )
    _check(quality, FUNCTION, place)


def _check(
    quality: Mapping[str, float | None], ranges: tuple[Range, ...], place: str | Path
) -> None:
    for one in ranges:
        value = quality.get(one.column)
        if value is not None and not one.low <= value <= one.high:
            side = "under" if value < one.low else "over"
            limit = one.low if value < one.low else one.high
            raise InputError(
                f"{one.what} is {one.show(value)}, {side} {one.show(limit)}",
                place=place,
                hint=one.meaning,
            )
