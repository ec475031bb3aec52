import csv

import numpy as np
import pytest

from bids_brainage.preprocessing.regions import (
    mirrored_regions,
    region_table,
    region_tissues,
    regions_of_codes,
)
from bids_brainage.records.segmentation import TISSUES


def test_numbers_run_from_one_and_names_are_unique():
    table = region_table()
    assert [region.number for region in table] == list(range(1, len(table) + 1))
    assert len({r.name for r in table}) == len({r.abbreviation for r in table}) == len(table)


def test_a_code_belongs_to_one_region():
    codes = [code for region in region_table() for code in region.muse_codes]
    assert len(codes) == len(set(codes)) == 148


def test_every_left_region_has_its_right_one_of_the_same_tissue():
    table, mirror = (None, *region_table()), mirrored_regions()
    assert [mirror[m] for m in mirror] == list(range(len(mirror)))
    for region in table[1:]:
        other = table[mirror[region.number]]
        assert other.tissue == region.tissue
        assert {region.side, other.side} in ({"left", "right"}, {"middle"})


@pytest.mark.parametrize(
    ("code", "name"),
    [(48, "Left-Hippocampus"), (47, "Right-Hippocampus"), (35, "BrainStem"),
     (50, "Left-LateralVentricle"), (102, "Right-Insula"), (75, "Left-BasalForebrain")],
)  # fmt: skip
def test_codes_become_regions(code, name):
    number = regions_of_codes(np.array([[0, code]]))[0, 1]
    assert region_table()[number - 1].name == name


def test_unknown_codes_become_background():
    assert regions_of_codes(np.array([0, 2, 999])).tolist() == [0, 0, 0]


def test_tissues_are_those_of_the_labelled_heads(shared):
    path = shared / "bids/ixi-2mm/derivatives/dlmuse/dlmuse_tissues.tsv"
    with path.open(encoding="utf-8") as handle:
        wanted = {int(r["code"]): r["tissue"] for r in csv.DictReader(handle, delimiter="\t")}
    number = regions_of_codes(np.array(sorted(wanted)))
    found = [TISSUES[region_tissues()[n]] for n in number]
    assert found == [wanted[code] for code in sorted(wanted)]
