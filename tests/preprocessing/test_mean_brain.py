import nibabel as nib
import numpy as np
import pytest

from bids_brainage.errors import InputError
from bids_brainage.preprocessing.mean_brain import AFFINE, CUT, SHAPE, load_mean_brain


def brain():
    data = np.zeros(SHAPE, np.float32)
    data[25:155, 25:195, 15:140] = 100
    data[30:60, 40:90, 50:100] = 250  # left, back
    return data


def write(path, data, affine=AFFINE):
    nib.Nifti1Image(data, affine).to_filename(path)
    return path


def test_brain_is_divided_by_the_mean_of_the_whole_grid_and_cut(tmp_path):
    data = brain()
    found = load_mean_brain(write(tmp_path / "b.nii", data))
    assert (found.shape, found.dtype) == (CUT, np.float32)
    np.testing.assert_allclose(
        found, (data / data.mean(dtype=np.float64))[11:171, 13:205, 11:171], rtol=1e-6
    )


def test_axes_of_the_file_do_not_matter(tmp_path):
    data = brain()
    flip = np.diag([-1.0, 1, 1, 1])
    flip[0, 3] = SHAPE[0] - 1
    turned = write(tmp_path / "las.nii", data[::-1].copy(), AFFINE @ flip)
    np.testing.assert_array_equal(
        load_mean_brain(turned), load_mean_brain(write(tmp_path / "ras.nii", data))
    )


def test_coarser_image_is_interpolated(tmp_path):
    data = brain()
    affine = AFFINE @ np.diag([2.0, 2, 2, 1])
    found = load_mean_brain(write(tmp_path / "2mm.nii", data[::2, ::2, ::2].copy(), affine))
    wanted = load_mean_brain(write(tmp_path / "1mm.nii", data))
    assert np.corrcoef(found.ravel(), wanted.ravel())[0, 1] > 0.95


def test_mask_cuts_the_brain_out(tmp_path):
    data = brain()
    mask = np.zeros(SHAPE, np.uint8)
    mask[40:140, 40:180, 30:130] = 1
    found = load_mean_brain(write(tmp_path / "b.nii", data), write(tmp_path / "m.nii", mask))
    assert (found != 0).sum() == mask.sum()


def test_image_without_a_brain_is_refused(tmp_path):
    data = np.zeros(SHAPE, np.float32)
    data[60:80, 60:80, 60:80] = 1
    with pytest.raises(InputError, match="8 cm3 of brain"):
        load_mean_brain(write(tmp_path / "b.nii", data))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda data: np.where(data > 0, 7, 0), "alike"),
        (lambda data: np.where(data > 0, data - 200, 0), "not above zero"),
    ],
)
def test_brain_that_has_no_mean_to_divide_by_is_refused(tmp_path, change, said):
    with pytest.raises(InputError, match=said):
        load_mean_brain(write(tmp_path / "b.nii", change(brain()).astype(np.float32)))
