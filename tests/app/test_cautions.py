import math
from dataclasses import replace

from bids_brainage.app.cautions import cautions, is_unusual
from bids_brainage.records.prediction import Prediction
from tests.models.test_cards import make_card

CARD = replace(make_card(), age_range={"morphometry": (10.0, 60.0)})
GOOD = Prediction(30.0, 0.5, ("morphometry",), 0.01, {"morphometry": 0.02}, percentile=50.0)


def test_a_usual_person_has_none():
    assert cautions(GOOD, CARD, 31.0) == [] and not is_unusual(GOOD, CARD)


def test_ages_outside_of_training_are_told():
    assert "the age of 70.0 years is outside" in cautions(GOOD, CARD, 70.0)[0]
    old = replace(GOOD, age=65.0)
    assert "the predicted age of 65.0 years" in cautions(old, CARD, None)[0]
    assert cautions(old, CARD, 59.0) == []


def test_extreme_measures_are_named():
    person = replace(GOOD, out_of_range=0.2, extremes=("x 5 (training 0 to 1)",))
    assert is_unusual(person, CARD)
    assert "20% of the measures" in cautions(person, CARD, 30.0)[0]
    assert "such as x 5" in cautions(person, CARD, 30.0)[0]


def test_an_unusual_whole_is_told():
    person = replace(GOOD, percentile=99.5)
    assert is_unusual(person, CARD) and "99.5 %" in cautions(person, CARD, 30.0)[0]
    most = replace(GOOD, percentile=100.0)
    assert "those of all training people" in cautions(most, CARD, 30.0)[0]


def test_missing_blocks_are_named():
    person = replace(GOOD, missing={"morphometry": 0.5}, missing_blocks=("cortical thickness",))
    assert is_unusual(person, CARD)
    assert cautions(person, CARD, 30.0) == [
        "50% of the morphometry measures are missing, among them all cortical thickness"
    ]


def test_what_the_model_does_not_know_is_no_warning():
    assert cautions(replace(GOOD, percentile=math.nan), replace(CARD, age_range={}), 90.0) == []


def test_what_was_known_before_comes_last():
    person = replace(GOOD, percentile=99.9)
    assert cautions(person, CARD, 30.0, ["old totals"])[-1] == "old totals"
