import numpy as np

from bids_brainage.preprocessing.scrubbing import kept_volumes


def test_without_threshold_only_unsteady_volumes_go():
    kept, steady = kept_volumes(6, [0, 1], np.array([0, 9, 9, 9, 9, 9.0]), None, 5)
    assert kept.tolist() == [2, 3, 4, 5]
    assert steady.tolist() == [False, False, True, True, True, True]


def test_threshold_is_inclusive():
    kept, _ = kept_volumes(4, [], np.array([0, 0.5, 0.51, 0.2]), 0.5, 0)
    assert kept.tolist() == [0, 1, 3]


def test_short_stretches_go_too():
    displacement = np.zeros(20)
    displacement[[3, 6, 15]] = 1
    kept, _ = kept_volumes(20, [], displacement, 0.5, 5)
    assert kept.tolist() == [*range(7, 15)]
    kept, _ = kept_volumes(20, [], displacement, 0.5, 0)
    assert len(kept) == 17


def test_calm_run_is_kept_whole_however_short():
    kept, _ = kept_volumes(4, [], np.zeros(4), 0.5, 5)
    assert kept.tolist() == [0, 1, 2, 3]
