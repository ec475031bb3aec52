import nibabel as nib
import numpy as np
import pytest

from bids_brainage.errors import InputError
from bids_brainage.preprocessing.functional.load import load_bold
from bids_brainage.records.raw import RawBold


def write(path, data, seconds=2.0, unit="sec", zoom=3.0):
    image = nib.Nifti1Image(data, np.diag([zoom, zoom, zoom, 1]))
    if data.ndim > 3:
        image.header.set_zooms((*[zoom] * 3, seconds, *[1] * (data.ndim - 4)))
    image.header.set_xyzt_units("mm", unit)
    nib.save(image, path)
    return path


@pytest.fixture
def data():
    return np.random.default_rng(0).integers(0, 900, (8, 9, 7, 22)).astype(np.int16)


def test_integers_stay_integers_and_are_scaled(tmp_path, data):
    scaled = nib.Nifti1Image(data * 0.5 + 7, np.diag([3.0, 3, 3, 1]))
    scaled.header.set_data_dtype(np.int16)
    nib.save(scaled, tmp_path / "a_bold.nii.gz")
    series = load_bold(RawBold(tmp_path / "a_bold.nii.gz", metadata={"RepetitionTime": 2}))
    assert series.stored.dtype == np.int16
    np.testing.assert_allclose(series.volume(3), data[..., 3] * 0.5 + 7, atol=0.05)
    assert series.volume(3).dtype == np.float32


def test_trailing_axes_of_one_are_dropped(tmp_path, data):
    path = write(tmp_path / "a_bold.nii", data[..., None])
    assert load_bold(RawBold(path)).stored.shape == data.shape


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d[..., 0], "3 dimensions, not 4"),
        (lambda d: d[..., :3], "3 volumes, fewer than 20"),
        (lambda d: d[:, :, :2], "too thin"),
        (lambda d: d * 0, "the run is empty"),
        (lambda d: d * (np.arange(22) != 4).astype(np.int16), "1 volumes are empty.*volume 5 of"),
        (lambda d: d.astype(np.complex64), "not plain numbers"),
    ],
)
def test_unusable_runs_say_why(tmp_path, data, change, message):
    path = write(tmp_path / "a_bold.nii.gz", change(data))
    with pytest.raises(InputError, match=message) as caught:
        load_bold(RawBold(path, metadata={"RepetitionTime": 2}))
    assert caught.value.place == str(path)


def test_voxels_in_metres_are_refused(tmp_path, data):
    with pytest.raises(InputError, match=r"0\.003 x 0\.003"):
        load_bold(RawBold(write(tmp_path / "a_bold.nii", data, zoom=0.003)))


def test_cut_off_file_is_named(tmp_path, data):
    path = write(tmp_path / "a_bold.nii", data)
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(InputError, match="cut off"):
        load_bold(RawBold(path))


def test_values_that_are_no_numbers_become_zero(tmp_path, data):
    broken = data.astype(np.float32)
    broken[2, 2, 2, :] = np.nan
    series = load_bold(RawBold(write(tmp_path / "a_bold.nii", broken)))
    assert series.stored[2, 2, 2].max() == 0
    assert any("22 values" in note for note in series.notes)


@pytest.mark.parametrize(
    ("metadata", "header", "unit", "seconds", "note"),
    [
        ({"RepetitionTime": 2}, 2, "sec", 2, ""),
        ({"RepetitionTime": 2000}, 2, "sec", 2, "milliseconds"),
        ({"RepetitionTime": 1.5}, 2, "sec", 1.5, "header says 2 s"),
        ({}, 2.5, "sec", 2.5, "header"),
        ({}, 2500, "msec", 2.5, "header"),
        ({}, 2500, "sec", 2.5, "header"),
        ({"VolumeTiming": [0, 3, 6, 9]}, 0, "sec", 3, "VolumeTiming"),
        ({"VolumeTiming": [0, float("nan"), 6]}, 2, "sec", 2, "no numbers"),
        ({"VolumeTiming": [0, 10**400]}, 2, "sec", 2, "no numbers"),
        ({"RepetitionTime": True}, 2, "sec", 2, "header"),
    ],
)
def test_repetition_time(tmp_path, data, metadata, header, unit, seconds, note):
    series = load_bold(RawBold(write(tmp_path / "a_bold.nii", data, header, unit), (), metadata))
    assert series.repetition_time == pytest.approx(seconds)
    assert note in " ".join(series.notes)
    assert bool(note) == bool(series.notes)


@pytest.mark.parametrize("header", [0, 0.001])
def test_unknown_repetition_time_says_what_to_add(tmp_path, data, header):
    with pytest.raises(InputError, match='"RepetitionTime" in seconds'):
        load_bold(RawBold(write(tmp_path / "a_bold.nii", data, header)))


def test_unevenly_spaced_volumes_are_refused(tmp_path, data):
    run = RawBold(write(tmp_path / "a_bold.nii", data, 0), (), {"VolumeTiming": [0, 2, 6, 8]})
    with pytest.raises(InputError, match="unevenly"):
        load_bold(run)
