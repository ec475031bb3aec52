import numpy as np
import pytest

from bids_brainage.preprocessing.functional.compcor import components, cosines, high_passed


def test_cosines_span_periods_from_128_seconds():
    basis = cosines(150, 2.0)
    assert basis.shape == (150, 4)
    np.testing.assert_allclose(basis.T @ basis, np.eye(4), atol=1e-12)
    np.testing.assert_allclose(basis.sum(axis=0), 0, atol=1e-9)
    assert cosines(20, 0.5).shape == (20, 0)


def test_drift_is_gone():
    drift = cosines(100, 2.0)
    series = 1000 + 50 * drift @ np.ones((drift.shape[1], 3))
    np.testing.assert_allclose(high_passed(series, drift), 0, atol=1e-9)


def test_a_shared_signal_is_the_first_component():
    random = np.random.default_rng(0)
    signal = random.normal(size=80)
    voxels = 1000 + np.outer(signal, random.normal(size=60) * 5) + random.normal(size=(80, 60))
    voxels[:3] *= 2
    found = components(voxels, cosines(77, 2.0), 3)
    assert abs(np.corrcoef(found.series[3:, 0], signal[3:])[0, 1]) > 0.97
    assert not found.series[:3].any()
    assert found.series.shape[1] == 10
    assert np.all(np.diff(found.singular_values) <= 0)
    assert found.explained[0] > 0.5


def test_half_the_variance_is_kept():
    voxels = 100 + np.random.default_rng(1).normal(size=(90, 500))
    found = components(voxels, np.empty((90, 0)), 0)
    assert found.series.shape[1] > 10
    assert found.explained.sum() == pytest.approx(0.5, abs=0.03)


def test_too_few_voxels_give_none():
    assert components(np.random.default_rng(0).normal(size=(50, 5)), np.empty((50, 0)), 0) is None
    assert components(np.ones((50, 100)), np.empty((50, 0)), 0) is None
