import json
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest

from bids_brainage.errors import InputError
from bids_brainage.preprocessing.bold import BoldSignals
from bids_brainage.preprocessing.confounds import read_confounds
from bids_brainage.preprocessing.denoising import load_preset, preset_names
from bids_brainage.preprocessing.design import confound_design, needs_tissues
from bids_brainage.preprocessing.functional.outputs import write_functional
from bids_brainage.preprocessing.functional.pipeline import preprocess_bold
from bids_brainage.preprocessing.functional.rigid import apply
from bids_brainage.preprocessing.step_cache import StepCache
from tests.preprocessing.functional import phantom

N_VOLUMES = 40
SURFACE = 60 * np.array([[1, -1, 0, 0, 0, 0], [0, 0, 1, -1, 0, 0], [0, 0, 0, 0, 1, -1.0]])


@pytest.fixture(scope="module")
def written(result, tmp_path_factory):
    folder = tmp_path_factory.mktemp("out") / "func"
    return write_functional(result, folder, "sub-01_task-rest_run-1", ["bids:raw:x_bold.nii"])


def test_run_stands_in_standard_space(result):
    assert result.bold.get_data_dtype() == np.int16
    assert result.bold.shape == (*result.mask.shape, N_VOLUMES)
    assert result.bold.header.get_zooms() == pytest.approx((6, 6, 6, 2))
    truth = phantom.tissues(phantom.world(result.mask.shape, result.bold.affine))
    mask = np.asarray(result.mask.dataobj) > 0
    expected = (phantom.INTENSITY @ truth).reshape(mask.shape)[mask]
    found = np.asarray(result.bold.dataobj)[mask].mean(axis=1)
    assert np.corrcoef(expected, found)[0, 1] > 0.95
    head = (truth[0] < 0.5).reshape(mask.shape)
    assert 2 * (mask & head).sum() / (mask.sum() + head.sum()) > 0.9


def test_registration_and_motion_are_those_of_the_head(result, moves):
    # Of the jerk: framewise displacement stands out there and after it.
    displacement = result.confounds["framewise_displacement"]
    assert set(np.argsort(np.nan_to_num(displacement))[-2:]) == {25, 26}
    error = apply(result.to_t1w, SURFACE) - apply(moves[N_VOLUMES // 2], SURFACE)
    assert np.linalg.norm(error, axis=0).max() < 1.5


def test_unsteady_volumes_stay_and_are_marked(result):
    assert result.details["NonSteadyVolumes"] == 2
    assert "non_steady_state_outlier01" in result.confounds
    assert "non_steady_state_outlier02" not in result.confounds


def test_every_choice_is_noted(result):
    text = " ".join(result.notes)
    assert "first 2 volumes are not steady" in text
    assert "slices are shifted" in text
    assert "distortion is not corrected" in text


def test_second_call_takes_steps_from_the_work_folder(run, anatomy, work, result, monkeypatch):
    def refuse(*_args, **_options):
        raise AssertionError("computed again")

    place = "bids_brainage.preprocessing.functional.pipeline."
    for name in ("estimate_motion", "register_to_t1w", "resample_run"):
        monkeypatch.setattr(place + name, refuse)
    again = preprocess_bold(run, anatomy, work)
    np.testing.assert_array_equal(np.asarray(again.bold.dataobj), np.asarray(result.bold.dataobj))
    np.testing.assert_array_equal(again.confounds["csf"], result.confounds["csf"])
    with pytest.raises(AssertionError, match="computed again"):
        preprocess_bold(run, anatomy, work, slice_timing=False)
    with pytest.raises(AssertionError, match="computed again"):
        preprocess_bold(run, anatomy, work, dummy_scans=1)


def test_too_many_dummy_scans_are_refused(run, anatomy):
    with pytest.raises(InputError, match="25 dummy scans leave 15 of 40 volumes") as caught:
        preprocess_bold(run, anatomy, StepCache(), dummy_scans=25)
    assert caught.value.place == str(run.path)


def test_short_run_is_refused(run, anatomy, tmp_path):
    image = nib.load(run.path)
    path = tmp_path / "short_bold.nii"
    nib.save(image.slicer[..., :16], path)
    with pytest.raises(InputError, match="16 volumes, fewer than 20"):
        preprocess_bold(replace(run, path=path), anatomy, StepCache())


def test_files_have_fmriprep_names(written):
    names = {
        path.name.removeprefix("sub-01_task-rest_run-1_") for path in written.bold.parent.iterdir()
    }
    images = {
        "space-MNI152NLin6Asym_desc-preproc_bold",
        "space-MNI152NLin6Asym_desc-brain_mask",
        "space-MNI152NLin6Asym_boldref",
        "space-T1w_boldref",
        "boldref",
        "desc-brain_mask",
    }
    tables = {"desc-confounds_timeseries.tsv", "desc-confounds_timeseries.json"}
    transform = {f"from-boldref_to-T1w_mode-image_xfm{end}" for end in (".txt", ".json")}
    assert names == {
        *(name + end for name in images for end in (".nii.gz", ".json")), *tables, *transform,
    }  # fmt: skip
    assert written.space == "MNI152NLin6Asym"
    assert written.label == "task-rest_run-1_space-MNI152NLin6Asym"
    assert written.repetition_time == 2


def test_sidecar_tells_what_was_done(written):
    content = json.loads(written.bold.with_name(written.bold.name[:-7] + ".json").read_text())
    assert content["RepetitionTime"] == 2
    assert content["TaskName"] == "rest"
    assert content["SliceTimingCorrected"] is True
    assert content["StartTime"] == pytest.approx(0.615)
    assert content["Sources"] == ["bids:raw:x_bold.nii"]
    assert content["Registration"]["Method"] == "boundary"


def test_transform_is_itk_in_lps(written, result):
    text = (written.bold.parent / (
        "sub-01_task-rest_run-1_from-boldref_to-T1w_mode-image_xfm.txt"
    )).read_text()  # fmt: skip
    line = next(line for line in text.splitlines() if line.startswith("Parameters:"))
    numbers = np.array(line.split()[1:], dtype=float)
    flip = np.diag([-1.0, -1, 1])
    np.testing.assert_allclose(
        numbers[:9].reshape(3, 3), flip @ result.to_t1w[:3, :3] @ flip, atol=1e-8
    )
    np.testing.assert_allclose(numbers[9:], flip @ result.to_t1w[:3, 3], atol=1e-6)


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_takes_the_written_table(written, name):
    preset = load_preset(name)
    table = read_confounds(written.confounds, N_VOLUMES)
    assert table.non_steady_state() == [0, 1]
    assert not needs_tissues(preset, table)
    steady = np.arange(N_VOLUMES) >= 2
    empty = BoldSignals(np.empty((N_VOLUMES, 0)), np.empty(0), None, None, np.ones(N_VOLUMES))
    design = confound_design(preset, table, empty, steady, 2.0)
    assert design.computed == []
    assert np.isfinite(design.matrix(N_VOLUMES)).all()
