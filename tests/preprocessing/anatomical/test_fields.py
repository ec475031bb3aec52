import nibabel as nib
import numpy as np
import pytest
import SimpleITK

from bids_brainage.preprocessing.anatomical.fields import (
    carry_points,
    field_points,
    grid_points,
    jacobian,
    make_field,
    resample,
)
from bids_brainage.preprocessing.anatomical.itk import from_itk, to_itk

SHAPE = (20, 24, 22)
AFFINE = np.array([[4.0, 0, 0, -40], [0, 4.0, 0, -50], [0, 0, 4.0, -44], [0, 0, 0, 1]])


@pytest.fixture
def smooth_map():
    """Points moved by an affine part and a smooth part."""
    points = grid_points(SHAPE, AFFINE).astype(np.float64)
    turned = points @ np.array([[1.1, 0.1, 0], [-0.1, 1.0, 0.05], [0, 0, 0.9]]).T + [2, -3, 4]
    return turned + 1.5 * np.sin(points[..., ::-1] / 15)


def test_grid_points_are_the_voxel_centres():
    points = grid_points(SHAPE, AFFINE)
    np.testing.assert_allclose(points[3, 5, 7], nib.affines.apply_affine(AFFINE, [3, 5, 7]))


def test_a_field_gives_back_the_points_it_was_made_of(smooth_map):
    field = make_field(smooth_map, AFFINE)
    assert field.shape == (*SHAPE, 1, 3)
    assert field.header.get_intent()[0] == "vector"
    np.testing.assert_allclose(field_points(field), smooth_map, atol=1e-3)
    np.testing.assert_allclose(
        carry_points(field, grid_points(SHAPE, AFFINE)), smooth_map, atol=1e-2
    )


def test_itk_applies_a_field_from_file_as_we_do(smooth_map, tmp_path):
    random = np.random.default_rng(1)
    oblique = nib.affines.from_matvec(
        nib.eulerangles.euler2mat(0.2, 0.1, 0.3) @ np.diag([3.0, 4, 5]), [-50, -60, -70]
    )
    image = nib.Nifti1Image(random.random((40, 36, 32)).astype(np.float32), oblique)
    field = make_field(smooth_map, AFFINE)
    nib.save(field, tmp_path / "xfm.nii.gz")
    read = SimpleITK.ReadImage(str(tmp_path / "xfm.nii.gz"), SimpleITK.sitkVectorFloat64)
    theirs = SimpleITK.Resample(
        to_itk(np.asarray(image.dataobj), oblique),
        to_itk(np.zeros(SHAPE), AFFINE),
        SimpleITK.DisplacementFieldTransform(read),
        SimpleITK.sitkLinear,
    )
    ours = np.asarray(resample(image, field).dataobj)
    # At the very edge of the image ITK still takes half a voxel more.
    same = np.isclose(ours, from_itk(theirs), atol=2e-3)
    assert same[ours > 0].mean() > 0.97


def test_the_jacobian_is_the_change_of_volume(smooth_map):
    points = grid_points(SHAPE, AFFINE)
    larger = jacobian(make_field(points * np.array([1.1, 1.2, 1.0], "f4"), AFFINE))
    np.testing.assert_allclose(np.asarray(larger.dataobj), 1.32, rtol=1e-4)
    folded = jacobian(make_field(points * np.array([-1, 1, 1], "f4"), AFFINE))
    assert np.asarray(folded.dataobj).max() < 0


def test_modulated_volume_is_native_volume(smooth_map):
    field = make_field(smooth_map, AFFINE)
    x, y, z = np.moveaxis(grid_points((50, 50, 50), np.diag([2.0, 2, 2, 1])), -1, 0) - 50
    ball = (x**2 + y**2 + z**2 < 22**2).astype(np.float32)
    affine = np.diag([2.0, 2, 2, 1])
    affine[:3, 3] = -50
    image = nib.Nifti1Image(ball, affine)
    carried = np.asarray(resample(image, field).dataobj)
    modulated = (carried * np.asarray(jacobian(field).dataobj)).sum() * 4**3
    assert modulated == pytest.approx(ball.sum() * 8, rel=0.02)
