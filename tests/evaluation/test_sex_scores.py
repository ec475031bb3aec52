import numpy as np
import pytest
from sklearn import metrics

from bids_brainage.evaluation.sex_scores import HeadSizeScores, SexScores

ONCE = np.ones((1, 600))


@pytest.fixture
def people():
    """Women, probabilities and head sizes: what is told beyond the head is known."""
    rng = np.random.default_rng(3)
    female = (rng.random(600) < 0.6).astype(float)
    head = 1560 - 130 * female + rng.normal(0, 100, 600)
    return female, head, rng


def chance(odds):
    return 1 / (1 + np.exp(-odds))


def test_scores_are_those_of_their_definitions(people):
    female, _, rng = people
    probability = chance(2 * female - 1 + rng.normal(0, 1, 600))
    called = probability >= 0.5
    found = {name: values[0] for name, values in SexScores(female, probability)(ONCE).items()}
    assert found["accuracy"] == pytest.approx(metrics.accuracy_score(female, called))
    assert found["balanced_accuracy"] == pytest.approx(
        metrics.balanced_accuracy_score(female, called)
    )
    assert found["f1"] == pytest.approx(metrics.f1_score(female, called))
    assert found["precision"] == pytest.approx(metrics.precision_score(female, called))
    assert found["recall"] == pytest.approx(metrics.recall_score(female, called))
    assert found["brier"] == pytest.approx(metrics.brier_score_loss(female, probability))
    assert found["auc"] == pytest.approx(metrics.roc_auc_score(female, probability))


def test_one_sex_alone_has_no_balance():
    found = SexScores(np.ones(3), np.array([0.2, 0.7, 0.9]))(np.ones((1, 3)))
    assert np.isnan(found["balanced_accuracy"][0])
    assert np.isnan(found["calibration_slope"][0])


def test_what_head_size_alone_tells_is_nothing_beyond_it(people):
    female, head, rng = people
    told_by_head = chance((1480 - head) / 60 + rng.normal(0, 0.2, 600))
    found = {n: v[0] for n, v in HeadSizeScores(female, told_by_head, head)(ONCE).items()}
    assert found["auc_head_size"] > 0.75
    for name in ("auc_same_head_size", "auc_without_head_size"):
        assert found[name] == pytest.approx(0.5, abs=0.075)
    assert found["auc_head_size_strata"] < 0.6


def test_what_the_head_does_not_tell_remains(people):
    female, head, rng = people
    odds = 2 * female - 1 + rng.normal(0, 1, 600)
    whole = metrics.roc_auc_score(female, odds)
    found = {n: v[0] for n, v in HeadSizeScores(female, chance(odds), head)(ONCE).items()}
    assert found["auc_same_head_size"] == pytest.approx(whole, abs=0.02)
    assert found["auc_head_size_strata"] == pytest.approx(whole, abs=0.03)
    # Taking away all that goes with head size takes away a part of sex, too.
    assert 0.6 < found["auc_without_head_size"] < whole
