import nibabel as nib
import numpy as np
import pytest

from bids_brainage.preprocessing.functional.grid import (
    displaced,
    output_grid,
    sample,
    voxel_points,
)

STANDARD = nib.Nifti1Image(
    np.zeros((91, 109, 91), np.uint8),
    np.array([[2.0, 0, 0, -90], [0, 2, 0, -126], [0, 0, 2, -72], [0, 0, 0, 1]]),
)


@pytest.mark.parametrize(
    ("zooms", "size", "shape"),
    [
        ((3, 3, 3.3), 3, (61, 73, 61)),
        ((2, 2, 2), 2, (91, 109, 91)),
        ((1.5, 1.5, 1.5), 2, (91, 109, 91)),
        ((3.44, 3.44, 5), 3.4, (54, 65, 54)),
    ],
)
def test_output_grid(zooms, size, shape):
    found, affine = output_grid(STANDARD, np.array(zooms))
    assert found == shape
    np.testing.assert_allclose(nib.affines.voxel_sizes(affine), size)
    # Same middle.
    middle = nib.affines.apply_affine(affine, (np.array(found) - 1) / 2)
    np.testing.assert_allclose(middle, [0, -18, 18], atol=size)


def test_field_moves_points_in_lps():
    vectors = np.zeros((5, 5, 5, 1, 3), np.float32)
    vectors[...] = [1, 2, 3]
    field = nib.Nifti1Image(vectors, np.diag([10.0, 10, 10, 1]))
    points = np.array([[20.0, 100], [20, 20], [20, -50]])
    np.testing.assert_allclose(displaced(points, field), points + [[-1], [-2], [3]])


def test_sampling_at_voxels_gives_their_values():
    affine = np.array([[0.0, -2, 0, 5], [3, 0, 0, 1], [0, 0, 4, 2], [0, 0, 0, 1]])
    volume = np.random.default_rng(0).normal(size=(4, 5, 6))
    where = np.array([0, 17, 90])
    values = sample(volume, affine, voxel_points(volume.shape, affine, where))
    np.testing.assert_allclose(values, volume.ravel()[where])
