import numpy as np
import pytest

from bids_brainage.evaluation.metrics import (
    balanced_accuracy,
    classification_metrics,
    regression_metrics,
)


def test_scores_of_known_errors():
    scores = regression_metrics(np.array([10.0, 20.0, 30.0]), np.array([12.0, 20.0, 27.0]))
    assert scores["n"] == 3
    assert scores["mae"] == pytest.approx(5 / 3)
    assert scores["rmse"] == pytest.approx(np.sqrt(13 / 3))
    assert scores["bias"] == pytest.approx(-1 / 3)
    assert scores["mae_median"] == pytest.approx(20 / 3)


def test_people_without_a_prediction_are_left_out():
    scores = regression_metrics(np.array([10.0, 20.0, np.nan]), np.array([11.0, np.nan, 3.0]))
    assert scores["n"] == 1
    assert scores["mae"] == 1


def test_correlation_with_a_constant_is_missing():
    assert np.isnan(regression_metrics(np.arange(4.0), np.ones(4))["pcc"])


def test_nobody_gives_missing_scores():
    empty = np.array([])
    assert regression_metrics(empty, empty)["n"] == 0
    assert np.isnan(classification_metrics(empty, empty)["auc"])


def test_sex_scores_take_female_as_positive():
    scores = classification_metrics(np.array([1, 1, 0, 0.0]), np.array([0.9, 0.4, 0.2, 0.1]))
    assert scores["accuracy"] == 0.75
    assert scores["recall"] == 0.5
    assert scores["precision"] == 1
    assert scores["auc"] == 1


def test_auc_needs_both_sexes():
    assert np.isnan(classification_metrics(np.zeros(3), np.array([0.1, 0.2, 0.3]))["auc"])


def test_balanced_accuracy_counts_every_class_the_same():
    truth, told = np.array([0, 0, 0, 1.0, np.nan]), np.array([0, 0, 0, 0.0, 1])
    assert balanced_accuracy(truth, told) == 0.5
    assert balanced_accuracy(truth[:3], told[:3]) == 1
    assert np.isnan(balanced_accuracy(truth[4:], told[4:]))
