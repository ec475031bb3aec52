"""Measures of FreeSurfer in words, with the unit that pages show."""

import re
from dataclasses import dataclass

from bids_brainage.features.region_groups import place_of

# Where several measures are of one region.
_PARTS = {
    "Inf-Lat-Vent": "inferior horn",
    "Cerebellum-White-Matter": "white matter",
    "Cerebellum-Cortex": "cortex",
    "CC_Posterior": "posterior",
    "CC_Mid_Posterior": "middle posterior",
    "CC_Central": "central",
    "CC_Mid_Anterior": "middle anterior",
    "CC_Anterior": "anterior",
}
_SIDE = re.compile(r"^(Left|Right)-")
_SHORT = {
    "posterior": "post.", "anterior": "ant.", "superior": "sup.", "inferior": "inf.",
    "middle": "mid.", "gyrus": "g.", "sulcus": "s.", "transverse": "transv.",
    "cingulate": "cing.", "occipital": "occip.", "temporal": "temp.", "parietal": "par.",
    "medial": "med.", "lateral": "lat.", "insular": "ins.", "central": "centr.",
    "Left ": "L ", "Right ": "R ",
}  # fmt: skip
THICKNESS = "_thickness"
LONGEST = 36


@dataclass(frozen=True)
class Measure:
    """A measure as a reader sees it.

    Parameters
    ----------
    words
        Region with its side, and which part of it; of cortical regions the thickness is meant.
    unit
        What the page shows it in.
    factor
        From the table's unit to that one.
    """

    words: str
    unit: str
    factor: float

    @property
    def volume(self) -> bool:
        """Whether it is a volume, and no thickness."""
        return self.unit == "cm³"


def measure_of(name: str) -> Measure:
    """Describe a measure; a name that is not known stands for itself."""
    region = place_of(name).region
    if name.endswith(THICKNESS):
        return Measure(region, "mm", 1.0)
    part = _PARTS.get(_SIDE.sub("", name), "")
    return Measure(f"{region}, {part}" if part else region, "cm³", 1e-3)


def shortened(words: str, longest: int = LONGEST) -> str:
    """Abbreviate usual words until a text is short enough, and cut what is still too long."""
    for word, short in _SHORT.items():
        if len(words) <= longest:
            break
        words = words.replace(word, short)
    return words if len(words) <= longest else f"{words[: longest - 1].rstrip()}…"
