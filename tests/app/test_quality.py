import pytest

from bids_brainage.app.quality import judge

FINE = {"mean_fd": 0.1, "censored_share": 0.0, "region_coverage": 1.0, "missing_measures": 0.0,
        "surface_holes": 20.0}  # fmt: skip


def test_nothing_measured_is_not_judged():
    assert judge({}) == ("n/a", "")


def test_fine_numbers_are_good():
    assert judge(FINE) == ("good", "")


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("mean_fd", 0.8, "0.80 mm"),
        ("censored_share", 0.6, "60%"),
        ("region_coverage", 0.8, "80%"),
        ("missing_measures", 0.5, "50%"),
        ("surface_holes", 300, "300 holes"),
    ],
)
def test_bad_numbers_are_named(column, value, said):
    flag, reasons = judge(FINE | {column: value})
    assert flag == "check"
    assert said in reasons


def test_modality_left_out_is_worth_a_look():
    assert judge(FINE, left_out=True) == ("check", "see status_reason")
