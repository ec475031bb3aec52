import numpy as np
import pytest

from bids_brainage.evaluation.resampling import draws_of, interval, parts


def test_each_sample_has_as_many_clusters_as_there_are():
    weights = np.concatenate(list(draws_of(np.arange(50), 300)))
    assert weights.shape == (300, 50)
    assert (weights.sum(axis=1) == 50).all()
    assert weights.mean() == 1


def test_rows_of_a_cluster_are_drawn_together():
    clusters = np.array(["a", "b", "a", "c", "b", "a"])
    (weights,) = draws_of(clusters, 100)
    assert (weights[:, 0] == weights[:, 2]).all() and (weights[:, 0] == weights[:, 5]).all()
    assert (weights[:, 1] == weights[:, 4]).all()
    assert (weights[:, [0, 1, 3]].sum(axis=1) == 3).all()


def test_parts_are_small_and_do_not_change_the_draw():
    assert max(parts(2000, 100_000)) * 100_000 <= 1_000_000
    assert sum(parts(2003, 700)) == 2003
    first = np.concatenate(list(draws_of(np.arange(900), 1300, seed=4)))
    again = np.concatenate(list(draws_of(np.arange(900), 1300, seed=4)))
    assert (first == again).all()


def test_intervals_of_draws():
    assert interval(np.arange(1001.0)) == pytest.approx((25, 975))
    assert np.isnan(interval(np.array([1.0, np.nan, np.nan]))).all()


def test_intervals_of_a_mean_are_those_of_theory():
    values = np.random.default_rng(0).normal(10, 2, 400)
    means = np.concatenate([w @ values / 400 for w in draws_of(np.arange(400), 4000)])
    half = 1.96 * values.std() / 20
    assert interval(means) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.02)
