import nibabel as nib
import numpy as np
import pytest

from bids_brainage.errors import InputError
from bids_brainage.preprocessing.brain_image import (
    SHAPE,
    grid_affine,
    grid_shape,
    load_brain,
    scale,
)


def brain(zooms=2.0):
    """An ellipsoid that grows brighter to the right, on the template's grid."""
    shape, affine = grid_shape(zooms), grid_affine(zooms)
    world = nib.affines.apply_affine(affine, np.stack(np.indices(shape), axis=-1))
    inside = (((world - [0, -18, 10]) / [65, 85, 60]) ** 2).sum(axis=-1) < 1
    return np.where(inside, 500 + 2 * world[..., 0], 0).astype(np.float32), affine


def write(path, data, affine):
    nib.Nifti1Image(data, affine).to_filename(path)
    return path


def test_image_on_the_grid_is_scaled_inside_the_brain(tmp_path):
    data, affine = brain()
    found = load_brain(write(tmp_path / "b.nii.gz", data, affine))
    assert found.shape == SHAPE
    assert found.dtype == np.float32
    assert not found[data == 0].any()
    assert found[data > 0].mean() == pytest.approx(0, abs=1e-4)
    assert found[data > 0].std() == pytest.approx(1, abs=1e-4)


def test_orientation_of_the_file_does_not_matter(tmp_path):
    data, affine = brain()
    plain = load_brain(write(tmp_path / "a.nii.gz", data, affine))
    flipped = nib.Nifti1Image(data, affine).as_reoriented([[0, -1], [2, 1], [1, 1]])
    flipped.to_filename(tmp_path / "b.nii.gz")
    np.testing.assert_allclose(load_brain(tmp_path / "b.nii.gz"), plain, atol=1e-5)


@pytest.mark.parametrize("zooms", [1.0, 3.0])
def test_image_on_another_grid_is_brought_to_it(tmp_path, zooms):
    data, affine = brain(zooms)
    found = load_brain(write(tmp_path / "b.nii", data, affine), zooms=4.0)
    wanted = load_brain(write(tmp_path / "c.nii", *brain(4.0)), zooms=4.0)
    assert found.shape == grid_shape(4.0) == (46, 55, 46)
    both = (found != 0) & (wanted != 0)
    assert both.sum() > 0.95 * (wanted != 0).sum()
    assert np.corrcoef(found[both], wanted[both])[0, 1] > 0.99


def test_grid_of_another_shape_has_the_centre_of_the_template(tmp_path):
    data, affine = brain()
    path = write(tmp_path / "b.nii", data, affine)
    found = load_brain(path, zooms=3.0, shape=(64, 64, 64))
    assert found.shape == (64, 64, 64)
    world = nib.affines.apply_affine(
        grid_affine(3.0, (64, 64, 64)), np.argwhere(found != 0).mean(axis=0)
    )
    np.testing.assert_allclose(world, [0, -18, 10], atol=0.5)
    assert (found != 0).sum() * 27 == pytest.approx((data != 0).sum() * 8, rel=0.03)


def test_coarser_grid_stays_where_the_image_is(tmp_path):
    path = write(tmp_path / "b.nii", *brain())
    found = load_brain(path, zooms=4.0)
    world = nib.affines.apply_affine(grid_affine(4.0), np.argwhere(found != 0).mean(axis=0))
    np.testing.assert_allclose(world, [0, -18, 10], atol=0.2)


def test_shape_of_the_templates_field_of_view_changes_nothing(tmp_path):
    path = write(tmp_path / "b.nii", *brain())
    found = load_brain(path, zooms=4.0, shape=grid_shape(4.0))
    np.testing.assert_array_equal(found, load_brain(path, zooms=4.0))


def test_mask_cuts_the_brain_out(tmp_path):
    data, affine = brain()
    mask = write(tmp_path / "m.nii", (data > 0).astype(np.uint8), affine)
    head = write(tmp_path / "h.nii", np.maximum(data, 5), affine)
    np.testing.assert_allclose(
        load_brain(head, mask), load_brain(write(tmp_path / "b.nii", data, affine)), atol=1e-5
    )


def test_older_scaling_counts_the_background(tmp_path):
    data, _ = brain()
    values = data[data != 0]
    n_out, n_in = (data == 0).sum(), len(values)
    spread = np.sqrt(values.var() + values.mean() ** 2 * n_out / n_in)
    found = scale(data, "whole")
    assert found[data != 0].std() == pytest.approx(values.std() / spread, rel=1e-4)


def test_scaling_by_the_median_keeps_the_background_below_the_brain():
    data, _ = brain()
    found = scale(data, "median")
    assert found.dtype == np.float32
    assert np.median(found[data != 0]) == pytest.approx(1)
    assert not found[data == 0].any()
    np.testing.assert_allclose(scale(7 * data, "median"), found, rtol=1e-5)
    with pytest.raises(ValueError, match="not above zero"):
        scale(-data, "median")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda data: data * 0, "0 cm3 of brain"),
        (lambda data: np.where(data > 0, 7, 0), "alike"),
        (lambda data: data + 100, "not zero outside"),
        (lambda data: np.full_like(data, np.nan), "0 cm3 of brain"),
    ],
)
def test_what_is_no_brain_is_refused(tmp_path, change, said):
    data, affine = brain()
    with pytest.raises(InputError, match=said) as error:
        load_brain(write(tmp_path / "b.nii", change(data).astype(np.float32), affine))
    assert "b.nii" in str(error.value)


def test_mask_of_another_image_is_refused(tmp_path):
    data, affine = brain()
    mask = write(tmp_path / "m.nii", np.ones((5, 5, 5), np.uint8), affine)
    with pytest.raises(InputError, match="brain mask has shape"):
        load_brain(write(tmp_path / "b.nii", data, affine), mask)
