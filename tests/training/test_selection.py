import numpy as np

from bids_brainage.training.selection import forest_filter


def test_the_informative_feature_is_kept():
    rng = np.random.default_rng(0)
    target = rng.normal(size=120)
    features = rng.normal(size=(120, 30))
    features[:, 17] = target + 0.1 * rng.normal(size=120)
    kept = forest_filter(features, target, 3, trees=30)
    assert 17 in kept
    assert (np.diff(kept) > 0).all()
    assert len(kept) == 3


def test_all_features_are_kept_if_there_are_no_more():
    assert forest_filter(np.zeros((5, 4)), np.zeros(5), 800).tolist() == [0, 1, 2, 3]


def test_the_filter_is_fixed_by_its_seed():
    rng = np.random.default_rng(0)
    features, target = rng.normal(size=(60, 20)), rng.normal(size=60)
    first, second = (forest_filter(features, target, 5, trees=10, seed=2) for _ in range(2))
    assert np.array_equal(first, second)
