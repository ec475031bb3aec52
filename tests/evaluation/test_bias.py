import numpy as np
import pytest

from bids_brainage.errors import UsageError
from bids_brainage.evaluation.bias import BiasCorrection, fit_bias, refit_gap


def test_the_line_of_shrunk_predictions_is_recovered():
    age = np.linspace(10, 80, 50)
    line = fit_bias(age, 0.6 * age + 12)
    assert line.slope == pytest.approx(0.6)
    assert line.intercept == pytest.approx(12)


def test_too_few_people_leave_predictions_as_they_are():
    assert fit_bias(np.array([20.0, 30.0]), np.array([25.0, 26.0])) == BiasCorrection(1.0, 0.0)
    assert fit_bias(np.full(9, 20.0), np.arange(9.0)) == BiasCorrection(1.0, 0.0)


@pytest.fixture
def people():
    """Forty controls, ten patients whose scans look five years older, and shrunk predictions."""
    rng = np.random.default_rng(0)
    age = rng.uniform(20, 70, 50)
    control = np.arange(50) < 40
    predicted = 0.5 * age + 20 + rng.normal(scale=2, size=50) + np.where(control, 0, 5)
    return age, predicted, control, np.arange(50)


def by_hand(age, predicted, rows, i, method):
    degree = 2 if method == "quadratic" else 1
    line = np.polyfit(age[rows], predicted[rows], degree)
    gap = predicted[i] - np.polyval(line, age[i])
    return gap / line[0] if method == "cole" else gap


@pytest.mark.parametrize("method", ["beheshti", "cole", "quadratic"])
def test_controls_are_corrected_by_the_others_and_patients_by_all(people, method):
    age, predicted, control, person = people
    gap, _ = refit_gap(age, predicted, control, person, method)
    for i in (0, 17, 39):
        others = control & (person != i)
        assert gap[i] == pytest.approx(by_hand(age, predicted, others, i, method))
    assert gap[45] == pytest.approx(by_hand(age, predicted, control, 45, method))


def test_corrected_gaps_keep_the_groups_apart_and_lose_age(people):
    age, predicted, control, person = people
    gap, fit = refit_gap(age, predicted, control, person, "beheshti")
    assert abs(np.corrcoef(age[control], gap[control])[0, 1]) < 0.1
    assert 3 < gap[~control].mean() - gap[control].mean() < 7
    line = fit_bias(age[control], predicted[control])
    assert (fit.slope, fit.intercept) == pytest.approx((line.slope, line.intercept))
    assert (fit.n, fit.quadratic) == (40, 0)


def test_a_second_session_is_not_corrected_by_the_first(people):
    age, predicted, control, person = people
    again = np.append(person, 3)
    age, predicted = np.append(age, age[3] + 1), np.append(predicted, predicted[3] + 9)
    control = np.append(control, False)
    gap, _ = refit_gap(age, predicted, control, again, "beheshti")
    others = control & (again != 3)
    assert gap[-1] == pytest.approx(by_hand(age, predicted, others, -1, "beheshti"))


def test_the_curve_is_told_in_years_of_age():
    age = np.linspace(20, 60, 30)
    predicted = 10 + 0.3 * age + 0.01 * age**2
    _, fit = refit_gap(age, predicted, np.ones(30, bool), np.arange(30), "quadratic")
    assert (fit.intercept, fit.slope, fit.quadratic) == pytest.approx((10, 0.3, 0.01))


def test_ages_outside_of_the_reference_are_counted_and_missing_ones_left_out(people):
    age, predicted, control, person = people
    age[45], age[46] = 85, np.nan
    gap, fit = refit_gap(age, predicted, control, person, "beheshti")
    assert fit.n_outside >= 1
    assert np.isnan(gap[46]) and np.isfinite(gap[45])


def test_what_cannot_be_fitted_is_refused(people):
    age, predicted, control, person = people
    few = control & (person < 19)
    with pytest.raises(UsageError, match="19 reference people"):
        refit_gap(age, predicted, few, person, "beheshti")
    with pytest.raises(UsageError, match=r"span 0\.8 years"):
        refit_gap(30 + person / 50, predicted, control, person, "beheshti")
    with pytest.raises(UsageError, match="but one are alike"):
        refit_gap(np.where(person == 0, 60.0, 30.0), predicted, control, person, "beheshti")
    flat = 40 + np.sin(person)
    with pytest.raises(UsageError, match="hardly rises"):
        refit_gap(age, flat, control, person, "cole")
