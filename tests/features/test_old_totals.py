import pytest

from bids_brainage.features.old_totals import PARTS, TOTAL, old_totals

PEOPLE = dict.fromkeys(PARTS, 3500.0)


@pytest.mark.parametrize("ratio", [1.0, 1.05, 1.4])
def test_later_totals_are_about_the_sum_of_their_parts(ratio):
    assert old_totals(PEOPLE | {TOTAL: ratio * 3500 * len(PARTS)}) == ""


def test_totals_with_the_cerebellum_are_told():
    assert "3.1 times the sum" in old_totals(PEOPLE | {TOTAL: 3.1 * 3500 * len(PARTS)})


@pytest.mark.parametrize("lacking", [TOTAL, PARTS[0]])
def test_nothing_is_said_without_the_measures(lacking):
    values = PEOPLE | {TOTAL: 200_000.0, lacking: float("nan")}
    assert old_totals(values) == ""
    del values[lacking]
    assert old_totals(values) == ""
