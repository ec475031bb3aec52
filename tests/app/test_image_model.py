"""A model of images trained by the user predicts what the participant level preprocessed."""

import json

import nibabel as nib
import numpy as np
import pytest

from bids_brainage.app.run import run
from bids_brainage.bids.outputs import read_tsv
from bids_brainage.config import RunConfig
from bids_brainage.preprocessing.brain_image import grid_affine, grid_shape
from tests.predict.test_image_predictor import folder as folder  # a fixture

SPACE = "space-MNI152NLin6Asym_res-2"


def write_session(output, label, sex, *, image=True):
    anat = output / f"sub-{label}" / "anat"
    anat.mkdir(parents=True)
    shape, affine = grid_shape(), grid_affine()
    data = np.zeros(shape, np.float32)
    data[20:70, 20:90, 20:70] = np.random.default_rng(int(label)).random((50, 70, 50)) + 1
    names = []
    for kind, values in (("desc-preproc_T1w", data), ("desc-brain_mask", data > 0)):
        names.append(f"sub-{label}/anat/sub-{label}_{SPACE}_{kind}.nii.gz")
        nib.Nifti1Image(values.astype(np.float32), affine).to_filename(output / names[-1])
    log = {"participant": label, "session": "", "status": "ok", "age": 40.0, "sex": sex,
           "derivatives": {"anatomical": names if image else []}}  # fmt: skip
    path = anat.parent / f"sub-{label}_desc-extraction_log.json"
    path.write_text(json.dumps(log))


@pytest.fixture
def rows(folder, tmp_path):
    for label, sex, image in (("1", "F", True), ("2", None, True), ("3", "F", False)):
        write_session(tmp_path, label, sex, image=image)
    config = RunConfig(tmp_path, tmp_path, stage="predict", models=(str(folder),), device="cpu")
    assert run(config, lambda _: None) == 1
    return [
        read_tsv(tmp_path / f"sub-{n}" / f"sub-{n}_desc-brainage_predictions.tsv")[0]
        for n in (1, 2, 3)
    ]


def test_sessions_with_an_image_are_predicted_with_and_without_sex(rows):
    assert [row["status"] for row in rows] == ["ok", "ok", "failed"]
    for row in rows[:2]:
        assert row["modalities"] == "image"
        assert row["model"] == "mine"
        gap = float(row["predicted_age"]) - 40
        assert float(row["brain_age_gap"]) == pytest.approx(gap, abs=1e-3)
        assert row["predicted_sex"] == "n/a"


def test_session_without_an_image_says_so(rows):
    assert "no input that model mine takes" in rows[2]["status_reason"]
