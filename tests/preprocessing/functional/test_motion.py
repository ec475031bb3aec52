import numpy as np
import pytest

from bids_brainage.errors import InputError
from bids_brainage.preprocessing.functional.load import RawSeries
from bids_brainage.preprocessing.functional.motion import RigidAligner, estimate_motion
from bids_brainage.preprocessing.functional.reference import rough_mask
from bids_brainage.preprocessing.functional.rigid import (
    apply,
    fsl_parameters,
    root_mean_square,
    small_motion,
)
from tests.preprocessing.functional import phantom

SURFACE = 60 * np.array([[1, -1, 0, 0, 0, 0], [0, 0, 1, -1, 0, 0], [0, 0, 0, 0, 1, -1.0]])


def error_mm(found, true):
    return np.linalg.norm(apply(found, SURFACE) - apply(true, SURFACE), axis=0).max()


@pytest.mark.parametrize("size", [0.3, 2.0, 6.0])
def test_known_motion_is_found_again(size):
    still = phantom.bold_volume()
    mask = rough_mask(still, np.full(3, 6.0))
    aligner = RigidAligner(still, phantom.BOLD_AFFINE, mask)
    random = np.random.default_rng(int(10 * size))
    step = np.concatenate([random.normal(size=3), np.deg2rad(random.normal(size=3))]) * size / 2
    true = small_motion(step, np.zeros(3))
    volume = phantom.bold_volume(true)
    volume += 8 * random.standard_normal(volume.shape, dtype=np.float32)
    # Voxels are 6 mm wide here; a brighter volume must not matter.
    assert error_mm(aligner.align(1.2 * volume), true) < 0.25


def test_motion_of_a_run_is_relative_to_the_mean_of_aligned_volumes(series, moves):
    motion = estimate_motion(series, 2)
    assert motion.matrices.shape == (len(moves), 4, 4)
    first = np.linalg.inv(motion.matrices[5])
    true = [move @ np.linalg.inv(moves[5]) for move in moves]
    errors = [error_mm(m @ first, t) for m, t in zip(motion.matrices, true, strict=True)]
    assert max(errors) < 0.2


def test_result_does_not_depend_on_threads(series):
    short = RawSeries(series.stored[..., :10], 1.0, 0.0, series.affine, 2.0)
    one = estimate_motion(short, 2, threads=1)
    three = estimate_motion(short, 2, threads=3)
    np.testing.assert_array_equal(one.matrices, three.matrices)


def test_volume_of_another_place_is_named(series):
    stored = series.stored.copy()
    stored[..., 7] = 0
    broken = RawSeries(stored, 1.0, 0.0, series.affine, 2.0)
    with pytest.raises(InputError, match="volume 8"):
        estimate_motion(broken, 2)


def test_parameters_follow_fsl():
    shape = (10, 12, 8)
    affine = np.diag([-3.0, 3, 4, 1])  # first axis to the left, as FSL's
    centre = apply(affine, (np.array(shape)[:, None] - 1) / 2)[:, 0]
    # The head moved 1 mm to the right, 2 forward, 3 up: bringing it back is the reverse.
    shifted = fsl_parameters(small_motion(np.array([1.0, 2, 3, 0, 0, 0]), centre), affine, shape)
    np.testing.assert_allclose(shifted, [1, -2, -3, 0, 0, 0], atol=1e-9)
    for axis, sign in enumerate([1, -1, -1]):
        turn = np.zeros(6)
        turn[3 + axis] = 0.02
        found = fsl_parameters(small_motion(turn, centre), affine, shape)
        wanted = np.zeros(6)
        wanted[3 + axis] = sign * 0.02
        np.testing.assert_allclose(found, wanted, atol=1e-9)


def test_parameters_do_not_depend_on_how_the_first_axis_is_stored():
    shape = (10, 12, 8)
    left = np.diag([-3.0, 3, 4, 1])
    left[0, 3] = 27
    right = np.diag([3.0, 3, 4, 1])
    move = small_motion(np.array([0.5, 0.2, -0.4, 0.02, 0.01, -0.03]), np.zeros(3))
    np.testing.assert_allclose(
        fsl_parameters(move, left, shape), fsl_parameters(move, right, shape), atol=1e-9
    )


def test_root_mean_square_of_a_shift_is_its_length():
    moves = np.stack([np.eye(4), small_motion(np.array([3.0, 4, 0, 0, 0, 0]), np.zeros(3))])
    moved = root_mean_square(moves, np.array([10.0, 20, 30]))
    assert np.isnan(moved[0])
    assert moved[1] == pytest.approx(5)
