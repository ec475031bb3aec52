import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from bids_brainage.evaluation.reliability import (
    CalibrationLine,
    logit,
    reliability_curve,
    wilson,
)


def test_the_curve_sets_shares_against_probabilities():
    curve = reliability_curve(np.array([0, 0, 1, 1.0]), np.array([0.05, 0.07, 0.95, 1.0]))
    assert [(one.low, one.n, one.observed) for one in curve] == [(0.0, 2, 0.0), (0.9, 2, 1.0)]
    assert curve[0].predicted == pytest.approx(0.06)
    assert all(one.lower <= one.observed <= one.upper for one in curve)


def test_wilsons_interval_of_a_share():
    # 15 of 50, as in Newcombe (1998) and many textbooks: .191 to .438.
    assert wilson(0.3, 50) == pytest.approx((0.191, 0.438), abs=0.001)


def test_the_line_is_that_of_logistic_regression():
    rng = np.random.default_rng(0)
    odds = rng.normal(0, 2, 500)
    truth = (rng.random(500) < 1 / (1 + np.exp(-(0.5 * odds + 0.3)))).astype(float)
    probability = 1 / (1 + np.exp(-odds))
    fit = LogisticRegression(C=1e9, tol=1e-8).fit(logit(probability)[:, None], truth)
    line = CalibrationLine(truth, probability)
    slope, intercept = line(np.ones((1, 500)))
    assert slope[0] == pytest.approx(fit.coef_[0, 0], rel=1e-3)
    assert intercept[0] == pytest.approx(fit.intercept_[0], rel=1e-2)
    weights = rng.multinomial(500, np.full(500, 1 / 500), 2).astype(float)
    fit.fit(logit(probability)[:, None], truth, sample_weight=weights[1])
    assert line(weights)[0][1] == pytest.approx(fit.coef_[0, 0], rel=1e-3)


def test_sexes_told_apart_without_error_have_no_line():
    line = CalibrationLine(np.array([0, 0, 1, 1.0]), np.array([0.1, 0.2, 0.8, 0.9]))
    assert np.isnan(line(np.ones((3, 4)))).all()
