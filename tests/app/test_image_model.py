"""A model of images trained by the user predicts what the participant level preprocessed."""

import json
import weakref

import nibabel as nib
import numpy as np
import pytest
import torch

from bids_brainage.app import predictions
from bids_brainage.app.run import run
from bids_brainage.bids.extraction_logs import read_extraction
from bids_brainage.bids.outputs import read_tsv
from bids_brainage.config import RunConfig
from bids_brainage.predict.load import load_predictor
from bids_brainage.preprocessing.brain_image import grid_affine, grid_shape
from tests.predict.test_image_predictor import folder as folder  # a fixture

SPACE = "space-MNI152NLin6Asym_res-2"


def write_session(output, label, sex, *, with_image=True, zooms=2.0):
    anat = output / f"sub-{label}" / "anat"
    anat.mkdir(parents=True)
    data = np.zeros(grid_shape(zooms), np.float32)
    inside = data[tuple(slice(n // 5, -(n // 5)) for n in data.shape)]
    inside[:] = np.random.default_rng(int(label)).random(inside.shape) + 1
    names = []
    for kind, values in (("desc-preproc_T1w", data), ("desc-brain_mask", data > 0)):
        names.append(f"sub-{label}/anat/sub-{label}_{SPACE}_{kind}.nii.gz")
        image = nib.Nifti1Image(values.astype(np.float32), grid_affine(zooms))
        image.to_filename(output / names[-1])
    log = {"participant": label, "session": "", "status": "ok", "age": 40.0, "sex": sex,
           "derivatives": {"anatomical": names if with_image else []}}  # fmt: skip
    path = anat.parent / f"sub-{label}_desc-extraction_log.json"
    path.write_text(json.dumps(log))


@pytest.fixture
def rows(folder, tmp_path):
    for label, sex, image in (("1", "F", True), ("2", None, True), ("3", "F", False)):
        write_session(tmp_path, label, sex, with_image=image)
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


def test_images_read_ahead_give_the_same_tables_and_few_are_held(folder, tmp_path, monkeypatch):
    read, held, most = predictions.model_inputs, [], []

    def counted(*arguments, **named):
        found = read(*arguments, **named)
        if "image" in found[0]:
            held.append(weakref.ref(found[0]["image"]))
        most.append(sum(1 for kept in held if kept() is not None))
        return found

    monkeypatch.setattr(predictions, "model_inputs", counted)
    predictor, tables = load_predictor(str(folder), torch.device("cpu")), []
    for nprocs in (1, 3):
        output = tmp_path / str(nprocs)
        for label in range(1, 10):
            sex = "F" if label % 2 else None
            write_session(output, str(label), sex, with_image=label != 3, zooms=8.0)
        found = [read_extraction(path) for path in sorted(output.rglob("*_log.json"))]
        predictions.predict_sessions([predictor], found, output, nprocs=nprocs)
        tables.append([path.read_bytes() for path in sorted(output.rglob("*_predictions.tsv"))])
    assert len(tables[0]) == 9
    assert tables[0] == tables[1]
    assert max(most) <= 5
