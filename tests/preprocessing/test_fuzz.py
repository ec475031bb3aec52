"""Confounds, atlases, presets and images of any content are read or refused with their place."""

import gzip
import json
import math

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bids_brainage.errors import BrainAgeError, InputError, UsageError
from bids_brainage.preprocessing.anatomical.load import read_t1w
from bids_brainage.preprocessing.atlas_files import read_atlas_file
from bids_brainage.preprocessing.bold import open_bold
from bids_brainage.preprocessing.confounds import MOTION, read_confounds
from bids_brainage.preprocessing.denoising import load_preset
from bids_brainage.preprocessing.functional.load import load_bold, metadata_number
from bids_brainage.preprocessing.functional.slice_timing import slice_times
from bids_brainage.preprocessing.images import image_data, open_nifti
from bids_brainage.records.inputs import BoldRun
from bids_brainage.records.raw import RawBold
from tests.fuzzing import fuzz, json_values, mutated, no_hang

COLUMNS = (*MOTION, "framewise_displacement", "a_comp_cor_00", "csf", "cosine00",
           "non_steady_state_outlier00")  # fmt: skip
ROWS = [["n/a" if name.startswith("frame") and not i else f"{0.1 * i + k:.3f}"
         for k, name in enumerate(COLUMNS)] for i in range(6)]  # fmt: skip
CONFOUNDS = "\n".join("\t".join(row) for row in [list(COLUMNS), *ROWS]).encode() + b"\n"
LABELS = b"index\tname\n1\tone\n2\ttwo\n"
PRESET = b'{"motion": "basic6", "compcor": {"components": 5, "mask": "combined"}, "trend": 1, ' \
         b'"band_pass": [0.01, 0.1], "fd_threshold": 0.5, "tissue_signals": ["csf"]}'  # fmt: skip


def nifti(shape: tuple[int, ...]) -> bytes:
    data = np.arange(math.prod(shape), dtype=np.int16).reshape(shape) % 3
    image = nib.Nifti1Image(data, np.diag([2.0, 2.0, 2.0, 1.0]))
    image.header.set_xyzt_units("mm", "sec")
    image.header["pixdim"][4] = 2.0
    return image.to_bytes()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


@fuzz
@given(mutated(CONFOUNDS), mutated(b'{"a_comp_cor_00": {"Mask": "combined"}}'))
def test_any_confounds_are_numbers_or_refused(folder, table, sidecar):
    path = folder / "sub-01_desc-confounds_timeseries.tsv"
    path.write_bytes(table)
    path.with_suffix(".json").write_bytes(sidecar)
    with no_hang():
        try:
            found = read_confounds(path, 6)
            assert all(len(values) == 6 for values in found.columns.values())
            assert np.isfinite(found.framewise_displacement()).all()
            assert all(0 <= volume < 6 for volume in found.non_steady_state())
            for name in [*found.components("combined"), *found.cosines()]:
                assert np.isfinite(found.get(name)).all()
        except InputError as error:
            assert error.place == str(path) and error.hint


@fuzz
@given(st.integers(1, 6), st.integers(0, len(COLUMNS) - 1), st.sampled_from(["9", "x", "", "n/a"]))
def test_a_row_of_more_cells_never_shifts_the_others(folder, line, position, cell):
    path = folder / "sub-02_desc-confounds_timeseries.tsv"
    lines = CONFOUNDS.decode().splitlines()
    cells = lines[line].split("\t")
    lines[line] = "\t".join([*cells[:position], cell, *cells[position:]])
    for kept in (lines, [lines[0], *["\t".join([*row.split("\t"), cell]) for row in lines[1:]]]):
        path.write_text("\n".join(kept) + "\n")
        try:
            found = read_confounds(path, 6)
        except InputError:
            continue
        assert found.columns["csf"][2] == pytest.approx(float(ROWS[2][8]))


@fuzz
@given(mutated(LABELS), st.sampled_from([".tsv", ".csv"]), st.booleans())
def test_any_label_table_names_the_regions_or_is_refused(folder, table, extension, packed):
    path = folder / f"atlas-x{extension[1]}_dseg.nii{'.gz' if packed else ''}"
    image = nifti((4, 4, 4))
    path.write_bytes(gzip.compress(image) if packed else image)
    beside = path.with_name(path.name.split(".")[0] + extension)
    beside.write_bytes(table)
    with no_hang():
        try:
            atlas = read_atlas_file(path)
        except BrainAgeError as error:
            assert error.place in (str(path), str(beside)) and error.hint
            return
    assert len(atlas.regions) == len(set(atlas.regions)) == len(atlas.values) == 2
    assert all(isinstance(name, str) for name in atlas.regions)


@fuzz
@given(st.one_of(mutated(PRESET), st.tuples(st.sampled_from(
    ["motion", "compcor", "trend", "band_pass", "fd_threshold", "tissue_signals", "cosines",
     "high_pass", "minimum_segment", "name", "global_signal"]), json_values).map(
         lambda pair: json.dumps(json.loads(PRESET) | dict([pair])).encode())))  # fmt: skip
def test_any_preset_is_whole_or_refused(folder, content):
    path = folder / "preset.json"
    path.write_bytes(content)
    with no_hang():
        try:
            preset = load_preset(path)
        except UsageError as error:
            assert error.place == str(path)
            return
    assert isinstance(preset.name, str) and isinstance(preset.minimum_segment, int)
    assert preset.fd_threshold is None or preset.fd_threshold > 0
    assert preset.high_pass is None or preset.high_pass >= 0
    assert json.dumps(preset.describe()).encode()


@fuzz
@given(st.integers(3, 4), st.booleans(), st.data())
def test_any_image_is_read_or_refused(folder, dimensions, packed, data):
    path = folder / ("any.nii.gz" if packed else "any.nii")
    valid = nifti((6, 6, 6, 24)[:dimensions])
    # The header decides what is read: most changes go there.
    header = data.draw(mutated(valid[:352]))
    content = header + (valid[352:] if data.draw(st.booleans()) else valid[352:-9])
    packed_content = gzip.compress(content)
    if packed and data.draw(st.booleans()):
        packed_content = data.draw(mutated(packed_content))
    path.write_bytes(packed_content if packed else content)
    run = RawBold(path, (), {"RepetitionTime": 2.0})
    readers = (
        lambda: image_data(open_nifti(path, "image", "copy it"), path, "image", "copy it"),
        lambda: read_atlas_file(path),
        lambda: read_t1w(path),
        lambda: open_bold(BoldRun(path, None, None, 2.0, "MNI152NLin6Asym")),
        lambda: load_bold(run).volume(0),
    )
    for read in readers:
        with no_hang(), np.errstate(all="ignore"):
            try:
                found = read()
            except BrainAgeError as error:
                assert error.place == str(path) and error.hint
                continue
        if read is readers[-1]:
            assert np.isfinite(found).all()


@pytest.mark.parametrize("shape", [(0, 6, 6), (6, 6, 0, 24)])
def test_images_without_voxels_are_refused(folder, shape):
    path = folder / "none.nii"
    path.write_bytes(nib.Nifti1Image(np.zeros(shape, np.int16), np.eye(4)).to_bytes())
    with pytest.raises(InputError, match="has no voxel"):
        open_nifti(path, "image", "copy it again")


@fuzz
@given(json_values, json_values)
def test_any_slice_times_are_used_or_not_with_a_reason(times, direction):
    found, reason = slice_times(
        {"SliceTiming": times, "SliceEncodingDirection": direction}, (3, 3, 4, 9), 2.0
    )
    assert reason
    assert found is None or np.isfinite(found.shifts).all()
    number = metadata_number({"EchoTime": times}, "EchoTime")
    assert number is None or isinstance(number, float)
