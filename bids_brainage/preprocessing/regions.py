"""Regions that the segmentation tells apart: groups of MUSE codes, left and right apart."""

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np

from bids_brainage.records.segmentation import TISSUES


@dataclass(frozen=True)
class Region:
    """One region.

    Parameters
    ----------
    number
        Label in region images, from 1.
    name, abbreviation
        How tables and figures call it.
    side
        ``left``, ``right`` or ``middle``.
    tissue
        ``GM``, ``WM`` or ``CSF``.
    muse_codes
        Codes of the MUSE atlas (10.1016/j.neuroimage.2015.11.073) that it joins.
    """

    number: int
    name: str
    abbreviation: str
    side: str
    tissue: str
    muse_codes: tuple[int, ...]


@cache
def region_table() -> tuple[Region, ...]:
    """Return all regions in the order of their numbers, 1, 2, 3 …."""
    text = (resources.files("bids_brainage") / "data" / "regions.tsv").read_text(encoding="utf-8")
    return tuple(
        Region(
            number=int(row["number"]),
            name=row["name"],
            abbreviation=row["abbreviation"],
            side=row["side"],
            tissue=row["tissue"],
            muse_codes=tuple(int(code) for code in row["muse_codes"].split(",")),
        )
        for row in csv.DictReader(text.splitlines(), delimiter="\t")
    )


@cache
def region_tissues() -> tuple[int, ...]:
    """Return the tissue number of every region number, 0 for the background."""
    return (0, *(TISSUES.index(region.tissue) for region in region_table()))


@cache
def mirrored_regions() -> tuple[int, ...]:
    """Return the number of every region after left and right are exchanged, 0 for 0."""
    by_name = {region.name: region.number for region in region_table()}
    swap = {"Left-": "Right-", "Right-": "Left-"}
    mirrored = [0]
    for region in region_table():
        start, separator, rest = region.name.partition("-")
        mirrored.append(by_name[swap.get(start + separator, start + separator) + rest])
    return tuple(mirrored)


def regions_of_codes(codes: np.ndarray) -> np.ndarray:
    """Turn an image of MUSE codes into region numbers; unknown codes become 0."""
    table = np.zeros(max(int(codes.max()), 207) + 1, np.int16)
    for region in region_table():
        table[list(region.muse_codes)] = region.number
    return table[codes]
