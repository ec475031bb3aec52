from dataclasses import replace

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from bids_brainage.errors import InputError
from bids_brainage.features.connectivity import (
    combine_runs,
    extract_run,
    extract_runs,
    series_correlation,
)
from bids_brainage.preprocessing.bold import open_bold, read_signals
from bids_brainage.preprocessing.denoising import Denoising, load_preset
from bids_brainage.records.features import RunSeries
from bids_brainage.records.inputs import BoldRun
from tests.features.synthetic_run import correlated_series, grid, motion_table, write_run

TREND_ONLY = Denoising("trend", trend=2)


def without_trend(series, order=2):
    basis = np.polynomial.legendre.legvander(np.linspace(-1, 1, len(series)), order)
    return series - basis @ np.linalg.lstsq(basis, series, rcond=None)[0]


@pytest.fixture(scope="module")
def painted(atlas, tmp_path_factory):
    series = correlated_series(80, 110)
    return write_run(tmp_path_factory.mktemp("run"), atlas, series), series


def test_painted_connectivity_is_recovered(atlas, painted):
    run, series = painted
    found = extract_run(run, atlas, TREND_ONLY)
    assert found.series.shape == (80, 110)
    assert found.regions == atlas.regions
    connectivity = combine_runs([found])
    np.testing.assert_allclose(connectivity.matrix, np.corrcoef(without_trend(series).T), atol=0.02)
    np.testing.assert_array_equal(connectivity.matrix, connectivity.matrix.T)
    assert connectivity.notes == ()


def test_series_are_z_scored(atlas, painted):
    found = extract_run(painted[0], atlas, load_preset("24P"))
    np.testing.assert_allclose(found.series.mean(axis=0), 0, atol=1e-10)
    np.testing.assert_allclose(found.series.std(axis=0, ddof=1), 1, atol=1e-10)


def test_series_equal_plain_nilearn(atlas, painted):
    from nilearn.maskers import NiftiLabelsMasker

    run = painted[0]
    table = pd.read_csv(run.confounds, sep="\t")
    labels = nib.Nifti1Image(
        np.asarray(nib.load(run.mask).dataobj) * _labels(atlas, run), nib.load(run.bold).affine
    )
    masker = NiftiLabelsMasker(labels, standardize="zscore_sample", reports=False)
    expected = masker.fit_transform(run.bold, confounds=table.to_numpy())
    found = extract_run(run, atlas, Denoising("basic", motion="basic6"))
    np.testing.assert_allclose(found.series, expected, atol=1e-4)


def _labels(atlas, run):
    from bids_brainage.preprocessing.templates import labels_on_grid

    reference = nib.load(run.mask)
    return np.asarray(labels_on_grid(atlas.labels, reference).dataobj).astype(np.int32)


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_region_means_equal_plain_nilearn(atlas, painted, tmp_path, dtype):
    from nilearn.maskers import NiftiLabelsMasker

    image = nib.load(painted[0].bold)
    stored = nib.Nifti1Image(image.get_fdata(), image.affine)
    stored.set_data_dtype(dtype)
    run = replace(painted[0], bold=tmp_path / "bold.nii.gz")
    nib.save(stored, run.bold)
    mask = np.asarray(nib.load(run.mask).dataobj)
    labels = nib.Nifti1Image(mask * _labels(atlas, run), image.affine)
    masker = NiftiLabelsMasker(labels, standardize=None, reports=False)
    expected = masker.fit_transform(run.bold)
    found = read_signals(run, open_bold(run), atlas, tissues=False)
    np.testing.assert_allclose(found.regions, expected, rtol=1e-6)
    np.testing.assert_allclose(
        found.global_signal, nib.load(run.bold).get_fdata()[mask > 0].mean(axis=0), rtol=1e-6
    )


def test_correlation_equals_numpy():
    series = correlated_series(150, 40)
    np.testing.assert_allclose(series_correlation(series), np.corrcoef(series.T), atol=1e-12)


def test_constant_and_missing_regions_are_nan_not_zero():
    series = correlated_series(60, 8).astype(np.float16)
    series[:, 2] = 0
    series[:, 5] = np.nan
    matrix = series_correlation(series)
    missing = np.isnan(matrix)
    assert missing[2].all() and missing[5].all() and missing[:, 2].all()
    kept = [0, 1, 3, 4, 6, 7]
    expected = np.corrcoef(series[:, kept].astype(float).T)
    np.testing.assert_allclose(matrix[np.ix_(kept, kept)], expected, atol=1e-12)


def test_all_regions_constant_give_nan():
    assert np.isnan(series_correlation(np.ones((30, 4)))).all()


def test_motion_is_regressed_out(atlas, tmp_path):
    table = motion_table(100)
    series = correlated_series(100, 110)
    drift = 400 * table["trans_x"].to_numpy() + 300 * table["trans_y"].to_numpy() ** 2
    run = write_run(tmp_path, atlas, series, confounds=table, drift=drift)
    values = table.to_numpy()
    change = np.diff(values, axis=0, prepend=values[:1])
    parameters = np.column_stack([values, change, values**2, change**2])
    residual = without_trend(np.column_stack([series, parameters]))
    residual, left = residual[:, :110], residual[:, 110:]
    residual = residual - left @ np.linalg.lstsq(left, residual, rcond=None)[0]
    expected = np.corrcoef(residual.T)
    raw = combine_runs([extract_run(run, atlas, TREND_ONLY)]).matrix
    cleaned = combine_runs([extract_run(run, atlas, load_preset("24P"))]).matrix
    assert np.abs(raw - expected).max() > 0.3
    np.testing.assert_allclose(cleaned, expected, atol=0.03)


def test_scrubbing_leaves_out_and_records_volumes(atlas, tmp_path):
    table = motion_table(90)
    table.loc[40:, "trans_z"] += 3.0
    run = write_run(tmp_path, atlas, correlated_series(90, 110), confounds=table)
    found = extract_run(run, atlas, load_preset("24P"), fd_threshold=1.0)
    assert found.n_censored == 1
    assert found.n_volumes == 90
    assert len(found.series) == 89
    assert 40 not in found.details["KeptVolumes"]
    assert found.details["Denoising"]["fd_threshold"] == 1.0
    assert found.mean_fd == pytest.approx(_power(table)[1:].mean())


def _power(table):
    change = table.diff().abs().fillna(0).to_numpy()
    return change[:, :3].sum(axis=1) + 50 * change[:, 3:].sum(axis=1)


def test_non_steady_state_volumes_are_dropped(atlas, tmp_path):
    table = motion_table(60)
    for index in range(3):
        table[f"non_steady_state_outlier{index:02d}"] = np.eye(60)[index]
    run = write_run(tmp_path, atlas, correlated_series(60, 110), confounds=table)
    found = extract_run(run, atlas, Denoising("basic", motion="basic6"))
    assert found.details["KeptVolumes"][0] == 3
    assert found.n_censored == 3


def test_compcor_is_computed_where_the_table_lacks_it(atlas, painted):
    found = extract_run(painted[0], atlas, load_preset())
    assert found.details["ComputedConfounds"] == [f"computed_comp_cor_{i:02d}" for i in range(5)]
    assert any("CompCor" in note for note in found.notes)


def test_real_run_without_compcor_or_cosines(atlas, shared):
    run = studyforrest(shared)
    found = extract_run(run, atlas, load_preset())
    assert found.series.shape == (156, 110)
    assert np.isfinite(found.series).all()
    assert found.mean_fd == pytest.approx(0.2025, abs=0.001)
    assert found.coverage.min() > 0.5
    assert any("MNI152NLin2009cAsym" in note for note in found.notes)
    matrix = combine_runs([found]).matrix
    left, right = (
        atlas.regions.index(f"{side}_Intracalcarine_Cortex") for side in ("Left", "Right")
    )
    assert matrix[left, right] > 0.7
    band = extract_run(run, atlas, load_preset("compcor-bandpass"))
    spectrum = np.abs(np.fft.rfft(band.series, axis=0)) ** 2
    frequency = np.fft.rfftfreq(156, 2.0)
    assert spectrum[frequency > 0.15].sum() < 0.02 * spectrum.sum()


def studyforrest(shared):
    folder = shared / "bids/studyforrest/derivatives/antsmini/sub-02/func"
    stem = "sub-02_task-oneback_run-1"
    space = f"{stem}_space-MNI152NLin2009cAsym_res-3_desc-"
    return BoldRun(
        bold=folder / f"{space}preproc_bold.nii.gz",
        mask=folder / f"{space}brain_mask.nii.gz",
        confounds=folder / f"{stem}_desc-confounds_timeseries.tsv",
        repetition_time=2.0,
        space="MNI152NLin2009cAsym",
        entities=(("sub", "02"), ("task", "oneback"), ("run", "1")),
    )


def test_rerun_gives_the_same_bytes(atlas, painted):
    first = extract_run(painted[0], atlas, load_preset())
    again = extract_run(painted[0], atlas, load_preset())
    assert first.series.tobytes() == again.series.tobytes()


def test_region_outside_the_mask_is_missing(atlas, tmp_path):
    run = write_run(tmp_path, atlas, correlated_series(50, 110))
    mask = nib.load(run.mask)
    data = np.asarray(mask.dataobj).copy()
    world = nib.affines.apply_affine(mask.affine, np.argwhere(data >= 0)).reshape(*data.shape, 3)
    data[world[..., 2] < -20] = 0
    nib.save(nib.Nifti1Image(data, mask.affine), run.mask)
    found = extract_run(run, atlas, TREND_ONLY)
    pole = atlas.regions.index("Left_Temporal_Fusiform_Cortex_anterior_division")
    assert found.coverage[pole] < 0.5
    assert np.isnan(found.series[:, pole]).all()
    matrix = combine_runs([found]).matrix
    assert np.isnan(matrix[pole]).all()
    assert np.isfinite(matrix).sum() > 80**2
    assert any("regions have less than 50%" in note for note in found.notes)


def test_mask_of_another_grid_is_resampled_with_a_note(atlas, painted):
    run, _ = painted
    other = grid(4.0)
    path = run.mask.with_name("other_mask.nii")
    nib.save(nib.Nifti1Image(np.ones(other.shape, dtype=np.uint8), other.affine), path)
    found = extract_run(replace(run, mask=path), atlas, TREND_ONLY)
    assert any("another grid" in note for note in found.notes)
    assert np.isfinite(found.series).all()


def test_no_mask_uses_the_template(atlas, painted):
    found = extract_run(replace(painted[0], mask=None), atlas, TREND_ONLY)
    assert any("template's brain mask" in note for note in found.notes)


def test_degrees_of_freedom_are_guarded(atlas, tmp_path):
    run = write_run(tmp_path, atlas, correlated_series(30, 110))
    with pytest.raises(InputError, match="30 volumes and 26 confounds leave 3"):
        extract_run(run, atlas, load_preset("24P"))


def test_too_much_motion_leaves_the_run_out(atlas, tmp_path):
    table = motion_table(60)
    table["trans_x"] += np.arange(60) % 2
    series = correlated_series(60, 110)
    moved = write_run(tmp_path / "a", atlas, series, confounds=table, name="sub-01_task-rest_run-1")
    calm = write_run(tmp_path / "b", atlas, series, name="sub-01_task-rest_run-2")
    bad, good = (extract_run(run, atlas, load_preset("24P"), 0.5) for run in (moved, calm))
    assert bad.series.shape == (0, 110)
    found = combine_runs([bad, good])
    assert found.runs == (good,)
    assert any("left out" in note for note in found.notes)
    with pytest.raises(InputError, match="after censoring"):
        combine_runs([bad])


def test_a_broken_run_does_not_spoil_the_others(atlas, painted):
    run, _ = painted
    broken = replace(run, bold=run.bold.with_name("absent_bold.nii"))
    found, notes = extract_runs([broken, run], atlas, TREND_ONLY)
    assert len(found) == 1
    assert len(notes) == 1
    with pytest.raises(InputError, match="cannot be read"):
        extract_runs([broken], atlas, TREND_ONLY)


def _series(run, values):
    regions = tuple(f"r{i}" for i in range(values.shape[1]))
    return RunSeries(run, values, regions, np.ones(len(regions)), 0.1, len(values), 0)


def test_runs_are_weighted_by_their_volumes(painted):
    long, short = correlated_series(120, 10, 1), correlated_series(40, 10, 2)
    found = combine_runs([_series(painted[0], values) for values in (long, short)])
    scaled = [(values - values.mean(0)) / values.std(0) for values in (long, short)]
    expected = np.corrcoef(np.concatenate(scaled).T)
    np.testing.assert_allclose(found.matrix, expected, atol=1e-6)
    assert "averaged by volumes (120, 40)" in found.notes[0]


def test_region_missing_in_one_run_is_taken_of_the_other(painted):
    first, second = correlated_series(60, 6, 1), correlated_series(60, 6, 2)
    first[:, 3] = np.nan
    found = combine_runs([_series(painted[0], values) for values in (first, second)])
    np.testing.assert_allclose(found.matrix[3], np.corrcoef(second.T)[3], atol=1e-6)


def test_runs_with_other_regions_are_refused(painted):
    runs = [_series(painted[0], correlated_series(60, n)) for n in (6, 7)]
    with pytest.raises(InputError, match="different regions"):
        combine_runs(runs)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("three_d", "3 dimensions"),
        ("short", "10 volumes"),
        ("nan", "no voxel of the brain mask carries signal"),
        ("sporadic_nan", "first in volume 31"),
        ("empty_mask", "mask is empty"),
        ("rows", "79 rows of confounds for 80 volumes"),
        ("native", "does not overlap"),
        ("shifted", "no region of atlas"),
        ("cut", "cut off"),
        ("flipped_bit", "damaged near volume"),
    ],
)
def test_broken_input_is_named(atlas, painted, tmp_path, damage, message):
    run = painted[0]
    image = nib.load(run.bold)
    data = np.asarray(image.dataobj).copy()
    affine = image.affine.copy()
    if damage == "three_d":
        data = data[..., 0]
    elif damage == "short":
        data = data[..., :10]
    elif damage == "nan":
        data[:] = np.nan
    elif damage == "sporadic_nan":
        data[10:14, 10:14, 10:14, 30] = np.nan
    elif damage == "native":
        affine[:3, 3] += 400
    elif damage == "shifted":
        run = replace(run, mask=tmp_path / "mask.nii")
        affine[:3, 3] += 400
        nib.save(nib.Nifti1Image(np.ones(data.shape[:3], np.uint8), affine), run.mask)
    elif damage == "empty_mask":
        run = replace(run, mask=tmp_path / "mask.nii")
        nib.save(nib.Nifti1Image(np.zeros(data.shape[:3], np.uint8), affine), run.mask)
    elif damage == "rows":
        table = pd.read_csv(run.confounds, sep="\t").iloc[:-1]
        run = replace(run, confounds=tmp_path / "confounds.tsv")
        table.to_csv(run.confounds, sep="\t", index=False)
    path = tmp_path / "bold.nii.gz"
    nib.save(nib.Nifti1Image(data, affine), path)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    if damage == "flipped_bit":
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    if damage == "native":
        run = replace(run, mask=None)
    with pytest.raises(InputError, match=message) as caught:
        extract_run(replace(run, bold=path), atlas, TREND_ONLY)
    assert caught.value.place
    assert caught.value.hint


def test_missing_confounds_are_named_with_a_way_out(atlas, painted):
    run = replace(painted[0], confounds=None)
    with pytest.raises(InputError, match="minimal") as caught:
        extract_run(run, atlas, load_preset())
    assert str(run.bold) in str(caught.value)
    found = extract_run(run, atlas, load_preset("minimal"))
    assert np.isnan(found.mean_fd)
    with pytest.raises(InputError, match="framewise displacement"):
        extract_run(run, atlas, load_preset("minimal"), fd_threshold=0.5)


def test_unknown_repetition_time_only_matters_for_filters(atlas, painted):
    run = replace(painted[0], repetition_time=None)
    assert extract_run(run, atlas, load_preset()).series.shape == (80, 110)
    for preset in ("compcor-bandpass", "simple"):
        with pytest.raises(InputError, match="repetition time"):
            extract_run(run, atlas, load_preset(preset))
