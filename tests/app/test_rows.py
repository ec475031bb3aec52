from dataclasses import replace

import numpy as np
import pytest

from bids_brainage.app.rows import make_row, predicted_values
from bids_brainage.evaluation.intervals import fit_intervals
from bids_brainage.records.extraction import Extraction
from bids_brainage.records.prediction import Prediction
from tests.models.test_cards import make_card

AGES = np.linspace(10, 60, 200)
INTERVALS = fit_intervals(AGES, AGES + np.random.default_rng(0).normal(0, 4, 200))
CARD = replace(make_card(), intervals={"morphometry": INTERVALS.as_dict()})
PREDICTION = Prediction(40.0, 0.6, ("morphometry",), 0.0, {"morphometry": 0.0})
SESSION = Extraction("01", "", "ok", age=35.0, sex="F")


def test_the_interval_holds_the_prediction():
    row = predicted_values(PREDICTION, CARD, 35.0)
    assert row["predicted_age_lower"] < 40.0 < row["predicted_age_upper"]
    assert 0.5 < row["probability_older"] <= 1


def test_without_an_age_there_is_no_gap_and_no_probability():
    row = predicted_values(PREDICTION, CARD)
    assert {"brain_age_gap", "probability_older"}.isdisjoint(row)


def test_a_model_without_intervals_gives_none():
    assert "predicted_age_lower" not in predicted_values(PREDICTION, make_card(), 35.0)


def test_gap_is_raw_beside_corrected():
    row = predicted_values(PREDICTION, CARD, 35.0)
    assert row["brain_age_gap"] == 5.0
    assert row["brain_age_gap_corrected"] == pytest.approx(40 - (0.8 * 35 + 4))


def test_warnings_of_the_session_reach_the_row():
    row = make_row(SESSION, CARD, PREDICTION, [], "", ["old totals"])
    assert row["warnings"] == "old totals" and row["status"] == "ok"


def test_a_session_without_features_fails_for_this_model():
    row = make_row(SESSION, CARD, None, [])
    assert row["status"] == "failed" and "no input that model small takes" in row["status_reason"]


def test_a_session_with_a_brain_in_template_space_alone_has_no_input_for_other_models():
    session = replace(SESSION, derivatives={"image": ["sub-01_T1w.nii.gz"]})
    row = make_row(session, CARD, None, [])
    assert row["status"] == "no_input" and "name a model of images" in row["status_reason"]
