import numpy as np
import pytest

from bids_brainage.evaluation.evaluate import compare, evaluate_model, remarks
from tests.evaluation.made_up import make_people


def test_models_are_compared_on_the_people_they_share():
    good, poor = make_people(60, error=2.0), make_people(60, error=8.0, seed=1)
    poor = poor.where(np.arange(60) < 50)
    (row,) = compare({"poor": poor, "good": good}, draws=300)
    assert row["n"] == row["participants"] == 50
    assert row["gain"] == pytest.approx(row["mae_first"] - row["mae_second"])
    assert row["verdict"] == "second is better"
    assert row["lower"] < row["gain"] < row["upper"]


def test_the_order_of_rows_does_not_matter():
    one, two = make_people(30, error=2.0), make_people(30, error=8.0, seed=1)
    turned = two.where(np.arange(30)[::-1])
    assert compare({"a": one, "b": turned}, draws=50) == compare({"a": one, "b": two}, draws=50)


def test_rows_of_other_ages_are_not_of_the_same_session():
    people = make_people(30)
    age = people.age + np.where(np.arange(30) < 10, 1.0, 0.0)
    (row,) = compare({"a": people, "b": make_people(30, age=age)}, draws=20)
    assert row["n"] == 20


def test_agreement_of_repeats():
    people = make_people(80, sessions=2, error=5.0)
    ages, gaps = evaluate_model("m", people, draws=10).agreement
    assert (ages["participants"], ages["sessions"], ages["years_between"]) == (80, 2, 1)
    # Noise of 1 year beside 5 years that stay with the person.
    assert gaps["icc"] == pytest.approx(25 / 26, abs=0.03)
    assert gaps["sd_difference"] == pytest.approx(np.sqrt(2), abs=0.3)
    assert ages["mean_difference"] == pytest.approx(gaps["mean_difference"] + 1)
    assert evaluate_model("m", make_people(), draws=10).agreement == []


def test_too_few_sites_to_resample_are_remarked():
    people = make_people(60, cluster=np.repeat(["a", "b"], 30))
    assert "too few sites to resample (2)" in remarks("m", people, "site")[0]


def test_few_people_and_corrected_predictions_are_remarked():
    people = make_people(20)
    assert any("few rows (20)" in text for text in remarks("m", people, "participant"))
    people = make_people(60)
    slope, intercept = np.polyfit(people.age, people.predicted, 1)
    corrected = people.predicted + people.age - (slope * people.age + intercept)
    people = make_people(60, predicted=corrected)
    assert any("correction for age bias" in text for text in remarks("m", people, "participant"))
    assert remarks("m", make_people(60), "participant") == []
