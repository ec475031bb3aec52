import numpy as np
import pytest
from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import r2_score

from bids_brainage.evaluation.age_scores import AgeScores


@pytest.fixture
def people():
    rng = np.random.default_rng(1)
    age = rng.uniform(8, 80, 200).round(1)
    return age, 0.7 * age + 10 + rng.normal(0, 6, 200)


def expected(age, predicted):
    gap = predicted - age
    forward, backward = np.polyfit(age, predicted, 1), np.polyfit(predicted, age, 1)
    return {
        "mae": np.abs(gap).mean(),
        "rmse": np.sqrt((gap**2).mean()),
        "r2": r2_score(age, predicted),
        "pcc": pearsonr(age, predicted).statistic,
        "spearman": spearmanr(age, predicted).statistic,
        "sd": gap.std(),
        "bias": gap.mean(),
        "mae_median": np.abs(age - np.median(age)).mean(),
        "slope_predicted_on_age": forward[0],
        "intercept_predicted_on_age": forward[1],
        "slope_age_on_predicted": backward[0],
        "intercept_age_on_predicted": backward[1],
        "pcc_gap_age": pearsonr(age, gap).statistic,
    }


def test_scores_are_those_of_their_definitions(people):
    age, predicted = people
    found = AgeScores(age, predicted)(np.ones((1, 200)))
    whole = expected(age, predicted) | {
        "mae_over_range": np.abs(predicted - age).mean() / np.ptp(age)
    }
    assert {name: values[0] for name, values in found.items()} == pytest.approx(whole)


def test_scores_of_weights_are_those_of_repeated_rows(people):
    age, predicted = people
    rows = np.random.default_rng(2).integers(0, 200, 200)
    found = AgeScores(age, predicted)(np.bincount(rows, minlength=200)[None].astype(float))
    for name, value in expected(age[rows], predicted[rows]).items():
        assert found[name][0] == pytest.approx(value), name


def test_guessing_may_give_an_age_that_is_named(people):
    found = AgeScores(*people, reference=30.0)(np.ones((1, 200)))
    assert found["mae_median"][0] == pytest.approx(np.abs(people[0] - 30).mean())


def test_coverage_counts_those_with_an_interval():
    age = np.array([20.0, 30.0, 40.0])
    lower, upper = np.array([18.0, 31.0, np.nan]), np.array([22.0, 35.0, np.nan])
    found = AgeScores(age, age + 1, lower, upper)(np.ones((1, 3)))
    assert found["coverage"][0] == 0.5
    assert found["interval_width"][0] == 4
    assert "coverage" not in AgeScores(age, age)(np.ones((1, 3)))


def test_a_constant_prediction_has_an_error_but_no_correlation():
    found = AgeScores(np.arange(20.0, 40.0), np.full(20, 30.0))(np.ones((1, 20)))
    assert found["mae"][0] == pytest.approx(5)
    assert np.isnan(found["pcc"][0])
    assert np.isnan(found["slope_age_on_predicted"][0])


def test_a_constant_error_has_no_spread():
    age = np.arange(20.0, 40.0)
    found = AgeScores(age, age + 3)(np.ones((1, 20)))
    assert found["sd"][0] == 0
    assert np.isnan(found["pcc_gap_age"][0])


def test_gaps_of_constant_predictions_or_ages_still_spread(people):
    age, _ = people
    guess, weights = np.full(200, 40.0), np.ones((1, 200))
    constant = AgeScores(age, guess)(weights)
    assert constant["sd"][0] == pytest.approx(age.std())
    assert constant["pcc_gap_age"][0] == pytest.approx(-1)
    assert np.isnan(constant["pcc"][0])
    assert AgeScores(guess, age)(weights)["sd"][0] == pytest.approx(age.std())
