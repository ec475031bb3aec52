import numpy as np
import pytest
from scipy.stats import rankdata, spearmanr
from sklearn.metrics import roc_auc_score

from bids_brainage.evaluation.ranks import Ranking, correlation


@pytest.fixture
def drawn():
    """Values with ties, and two samples as rows and as weights."""
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 60, (2, 60))
    weights = np.array([np.bincount(r, minlength=60) for r in rows], float)
    return rng.integers(0, 15, 60).astype(float), rng.normal(size=60).round(1), rows, weights


def test_midranks_of_weights_are_those_of_repeated_rows(drawn):
    values, _, rows, weights = drawn
    ranks = Ranking(values).midranks(weights)
    for sample, found in zip(rows, ranks, strict=True):
        assert found[sample] == pytest.approx(rankdata(values[sample]))


def test_spearman_of_weights_is_that_of_repeated_rows(drawn):
    values, others, rows, weights = drawn
    found = correlation(
        Ranking(values).midranks(weights), Ranking(others).midranks(weights), weights
    )
    expected = [spearmanr(values[sample], others[sample]).statistic for sample in rows]
    assert found == pytest.approx(expected)


def test_auc_of_weights_is_that_of_repeated_rows(drawn):
    values, others, rows, weights = drawn
    positive = (others > 0).astype(float)
    expected = [roc_auc_score(positive[sample], values[sample]) for sample in rows]
    assert Ranking(values).auc(positive, weights) == pytest.approx(expected)


def test_constants_and_a_single_kind_have_neither():
    weights = np.ones((1, 4))
    flat = Ranking(np.ones(4)).midranks(weights)
    assert np.isnan(correlation(flat, Ranking(np.arange(4.0)).midranks(weights), weights))[0]
    assert np.isnan(Ranking(np.arange(4.0)).auc(np.ones(4), weights))[0]
