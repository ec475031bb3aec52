import nibabel as nib
import numpy as np
import pytest

from bids_brainage.preprocessing.stored_volumes import scaling, stored_volumes


def save(path, dtype=np.int16, *, pair=False, slope=1.0, intercept=0.0):
    data = np.random.default_rng(0).integers(0, 100, (7, 6, 5, 4))
    kind = nib.Nifti1Pair if pair else nib.Nifti1Image
    image = kind(data.astype(dtype), np.eye(4))
    image.header.set_data_dtype(dtype)
    image.header.set_slope_inter(slope, intercept)
    nib.save(image, path)
    return nib.load(path)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.nii.bz2", "a.img", "a.img.gz"])
@pytest.mark.parametrize("dtype", ["uint8", "<i2", ">i2", ">f4", "<f8"])
def test_volumes_are_those_of_nibabel(tmp_path, name, dtype):
    image = save(tmp_path / name, dtype, pair=".img" in name, slope=0.25, intercept=-3.0)
    volumes = list(stored_volumes(image))
    assert {volume.dtype.newbyteorder("=") for volume in volumes} == {
        np.dtype(dtype).newbyteorder("=")
    }
    slope, intercept = scaling(image)
    values = np.stack(volumes, axis=1).reshape(image.shape, order="F") * slope + intercept
    np.testing.assert_allclose(values, image.get_fdata(), rtol=1e-6)


def test_a_header_without_scaling_means_one_and_zero(tmp_path):
    assert scaling(save(tmp_path / "a.nii", slope=np.nan, intercept=np.nan)) == (1.0, 0.0)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_a_file_that_is_cut_off_is_told(tmp_path, name):
    path = tmp_path / name
    image = save(path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises((OSError, EOFError, ValueError)):
        list(stored_volumes(image))


@pytest.mark.parametrize("place", [60, -100, -6])
def test_damage_is_found_by_the_checksum(tmp_path, place):
    path = tmp_path / "a.nii.gz"
    image = save(path)
    content = bytearray(path.read_bytes())
    content[place] ^= 0x55
    path.write_bytes(content)
    with pytest.raises((OSError, EOFError, ValueError)):
        list(stored_volumes(image))
