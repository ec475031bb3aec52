"""Region in words, and lobe or group of structures, of FreeSurfer's measures and our volumes."""

import csv
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources

OTHER = "Other"
_SIDES = {"lh": "Left", "rh": "Right", "Left": "Left", "Right": "Right"}
_MEASURE = re.compile(r"^(?:(lh|rh)_?|(Left|Right)[-_])?(.+?)(?:_thickness)?$")


@dataclass(frozen=True)
class Place:
    """Where a measure was taken.

    Parameters
    ----------
    region
        In words, with its side.
    group
        Lobe or group of structures, of both sides.
    """

    region: str
    group: str


def place_of(measure: str) -> Place:
    """Find the region and group of a measure; one that is not in the table stands for itself."""
    found = _MEASURE.match(measure)
    first, second, plain = found.groups() if found else (None, None, measure)
    side = _SIDES.get(first or second or "", "")
    region, group = _table().get(plain, (plain.replace("_", " "), OTHER))
    words = f"{side} {region}" if side else region
    return Place(words[:1].upper() + words[1:], group)


@cache
def _table() -> dict[str, tuple[str, str]]:
    path = resources.files("bids_brainage") / "data" / "region_groups.tsv"
    rows = csv.DictReader(path.read_text(encoding="utf-8").splitlines(), delimiter="\t")
    return {row["measure"]: (row["region"], row["group"]) for row in rows}
