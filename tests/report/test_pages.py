import math

import pytest

from bids_brainage.report import pages
from bids_brainage.report.answer import age_axis, rests_on, yes


@pytest.mark.parametrize(
    ("value", "signed", "text"),
    [
        (3.14, False, "3.1"),
        (3.14, True, "+3.1"),
        (-3.14, True, "\N{MINUS SIGN}3.1"),
        (-0.01, True, "0.0"),
        (math.nan, True, "n/a"),
    ],
)
def test_years_have_one_decimal_and_a_true_minus(value, signed, text):
    assert pages.years(value, signed) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "n/a"), (math.nan, "n/a"), (True, "yes"), (206.0, "206"), (0.98181, "0.9818")],
)
def test_recorded_values_are_short(value, text):
    assert pages.compact(value) == text


def test_links_are_quoted():
    assert pages.link('sub-1/a b"<.svg') == "sub-1/a%20b%22%3C.svg"


@pytest.mark.parametrize("cell", ["true", "True", "1"])
def test_true_cells(cell):
    assert yes(cell) is True


@pytest.mark.parametrize("cell", ["n/a", None, "perhaps"])
def test_cells_that_say_neither(cell):
    assert yes(cell) is None


def test_inputs_are_named_in_words():
    assert rests_on("morphometry+own") == (
        "brain morphometry (FreeSurfer thickness and volumes) and own"
    )


@pytest.mark.parametrize("values", [(30, 35), (2, 1), (80, 140), (50, -12)])
def test_all_ages_lie_on_the_axis(values):
    axis = age_axis(*map(float, values), math.nan, math.nan)
    assert 0 <= axis.age <= 100
    assert 0 <= axis.predicted <= 100
    assert 3 <= len(axis.ticks) <= 11


def test_no_axis_without_a_prediction():
    assert age_axis(30.0, math.nan, math.nan, math.nan) is None
