from dataclasses import replace

import numpy as np
import pytest

from bids_brainage.models.cards import TrainingSample
from bids_brainage.models.find import list_models
from bids_brainage.training.card_words import with_words
from bids_brainage.training.mavae_card import decade_errors
from tests.models.test_cards import make_card

CARDS = {card.name: card for card in list_models()}
BARE = {"purpose": "", "failures": (), "ethics": ()}


def score(n, mae, median, bias):
    return {"n": n, "mae": mae, "mae_median": median, "bias": bias}


@pytest.fixture
def card():
    decades = {"20": {"n": 50, "coverage": 0.9}, "50": {"n": 30, "coverage": 0.5},
               "70": {"n": 4, "coverage": 1.0}}  # fmt: skip
    scores = {
        "out_of_fold": score(84, 5, 8, 0),
        "per_dataset": {"a": score(50, 3.0, 4.0, 0), "b": score(34, 5.0, 4.5, 0)},
        "per_decade": {
            "20": score(50, 3, 5, 1.0),
            "50": score(30, 9, 9, -8.25),
            "70": score(4, 20, 20, -20),
        },
        "per_site": {f"a/{i}": score(25, 5, 5, i - 2.5) for i in range(5)},
        "interval": {"per_decade": decades},
    }
    samples = (TrainingSample("abide1", 60, 15, 45, 6, 14, 64, {"x": 30, "y": 30}),
               TrainingSample("b", 40, 20, 20, 20, 30, 70, {"z": 40}))  # fmt: skip
    return make_card(
        metrics={"morphometry": scores}, training=samples,
        bias_correction={"morphometry": {"slope": 0.7, "intercept": 6.0}},
    )  # fmt: skip


@pytest.mark.parametrize("name", sorted(CARDS))
def test_words_of_shipped_cards_are_what_training_would_write(name):
    shipped = CARDS[name]
    again = with_words(replace(shipped, **BARE))
    assert again.purpose and again.failures and again.ethics
    assert again == shipped, "run: python -m bids_brainage.training.card_words"


def test_failures_come_from_the_scores(card):
    told = " ".join(with_words(card).failures)
    assert "off by age, - is too young: 50 to 59 by -8.2 years" in told
    assert "rises by 0.70 years" in told
    assert "too rarely at ages of 50 to 59 (50% of 30)" in told
    assert "hardly tested at ages of 70 to 79: 4 people" in told
    assert "median age of b: 5.0 against 4.5" in told and "median age of a" not in told
    assert "a/0 -2.5" in told
    assert "b: scored with other people of the same site" in told


def test_ethics_tell_whom_the_model_knows(card):
    told = " ".join(with_words(card).ethics)
    assert "35 of 100 training people are women (abide1 25%, b 50%)" in told
    assert "autism" in told and "abide1: United States and Europe" in told
    assert "single person" in told


def test_a_family_without_words_keeps_its_card():
    card = make_card(family="tsan")
    assert with_words(card) == card


def test_errors_are_told_by_decade():
    found = decade_errors(np.array([21.0, 29.9, 51.0]), np.array([23.0, 28.9, 41.0]))
    assert found == {
        "20": {"n": 2, "mae": 1.5, "bias": 0.5},
        "50": {"n": 1, "mae": 10.0, "bias": -10.0},
    }
