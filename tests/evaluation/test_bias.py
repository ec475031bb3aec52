import numpy as np
import pytest

from bids_brainage.evaluation.bias import BiasCorrection, fit_bias


def test_the_line_of_shrunk_predictions_is_recovered():
    age = np.linspace(10, 80, 50)
    line = fit_bias(age, 0.6 * age + 12)
    assert line.slope == pytest.approx(0.6)
    assert line.intercept == pytest.approx(12)


def test_corrected_gaps_do_not_depend_on_age():
    age = np.linspace(10, 80, 50)
    gap = np.sin(age)
    predicted = 0.6 * age + 12 + gap
    line = fit_bias(age, predicted)
    assert abs(np.corrcoef(age, line.corrected_gap(age, predicted))[0, 1]) < 1e-9


def test_too_few_people_leave_predictions_as_they_are():
    assert fit_bias(np.array([20.0, 30.0]), np.array([25.0, 26.0])) == BiasCorrection(1.0, 0.0)
    assert fit_bias(np.full(9, 20.0), np.arange(9.0)) == BiasCorrection(1.0, 0.0)
