import numpy as np

from bids_brainage.preprocessing.functional.dummy import non_steady_volumes


def level(*first):
    rest = 1000 + np.random.default_rng(0).normal(size=60)
    return np.append(first, rest)


def test_bright_volumes_at_the_start_are_counted():
    assert non_steady_volumes(level(1300, 1100, 1020), 30) == 3


def test_steady_run_has_none():
    assert non_steady_volumes(level(), 30) == 0


def test_later_outliers_do_not_count():
    values = level(1300)
    values[10] = 1500
    assert non_steady_volumes(values, 30) == 1


def test_drift_is_not_taken_for_it():
    assert non_steady_volumes(np.linspace(1000, 1020, 80), 30) == 0


def test_no_more_than_allowed():
    assert non_steady_volumes(level(1300, 1200, 1100), 2) == 2


def test_constant_signal_is_steady():
    assert non_steady_volumes(np.full(40, 5.0), 10) == 0
