import numpy as np
import pytest

from bids_brainage.preprocessing.functional.grid import voxel_points
from bids_brainage.preprocessing.functional.load import RawSeries
from bids_brainage.preprocessing.functional.resample import Target, resample_run, scale_factor

SHAPE = (8, 9, 10)


@pytest.fixture
def series():
    stored = np.random.default_rng(0).integers(100, 900, (*SHAPE, 21)).astype(np.int16)
    return RawSeries(stored, 1.0, 0.0, np.diag([3.0, 3, 3, 1]), 2.0)


def target(shift=0.0):
    flat = np.arange(np.prod(SHAPE))
    points = voxel_points(SHAPE, np.diag([3.0, 3, 3, 1]), flat) + shift
    return Target(SHAPE, np.unravel_index(flat, SHAPE), points)


def test_without_any_move_the_run_stays(series):
    still = np.tile(np.eye(4), (21, 1, 1))
    data, view, far = resample_run(series, still, target(), None, 0, 2.0)
    assert data.dtype == np.int16
    np.testing.assert_array_equal(data, 2 * series.stored)
    assert view.all() and not far


def test_motion_is_undone(series):
    moved = np.tile(np.eye(4), (21, 1, 1))
    moved[[5, 9], 0, 3] = 3.0  # these volumes' head stands one voxel further to the right
    data, view, far = resample_run(series, moved, target(), None, 0, 1.0)
    np.testing.assert_array_equal(data[:-1, ..., 5], series.stored[1:, ..., 5])
    np.testing.assert_array_equal(data[..., 6], series.stored[..., 6])
    assert not view[-1].any()
    assert view[:-1].all() and not far


def test_a_single_volume_far_out_of_view_costs_the_run_no_voxels(series):
    moved = np.tile(np.eye(4), (21, 1, 1))
    moved[5, 0, 3] = 12.0  # half of it is out of view
    data, view, far = resample_run(series, moved, target(), None, 0, 1.0)
    assert far == [5] and view.all()
    np.testing.assert_array_equal(data[:-4, ..., 5], series.stored[4:, ..., 5])
    others = np.delete(data, 5, axis=-1).mean(axis=-1)
    np.testing.assert_allclose(data[-4:, ..., 5], others[-4:], atol=0.5)


def test_voxels_out_of_view_are_zero(series):
    still = np.tile(np.eye(4), (21, 1, 1))
    data, view, far = resample_run(series, still, target(1000), None, 0, 1.0)
    assert not data.any()
    assert not view.any() and not far


def test_scale_brings_the_brain_to_ten_thousand_and_fits():
    volume = np.full(SHAPE, 50.0)
    mask = np.ones(SHAPE, bool)
    assert scale_factor(volume, mask) * 50 == pytest.approx(10_000)
    volume[0, 0, 0] = 5000
    assert scale_factor(volume, mask) * 5000 < 32767
