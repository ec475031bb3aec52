"""The user's weights of SFCN predict in the App, from the brain that its recipe wants."""

import json

import nibabel as nib
import numpy as np
import pytest
import torch

from bids_brainage.bids.outputs import read_tsv
from bids_brainage.cli.app_command import main
from bids_brainage.models import sfcn
from bids_brainage.models.user_weights import git_blob
from bids_brainage.preprocessing.mean_brain import AFFINE, SHAPE
from tests.app.test_image_model import write_session
from tests.models.sfcn_files import write_state


def add_linear(output, label):
    """Add the brain registered by an affine alone to a session written before."""
    name = f"sub-{label}/anat/sub-{label}_space-MNI152NLin6Asym_res-1_desc-linear_T1w.nii.gz"
    data = np.zeros(SHAPE, np.int16)
    data[30:150, 30:190, 20:140] = np.random.default_rng(0).integers(500, 900, (120, 160, 120))
    nib.Nifti1Image(data, AFFINE).to_filename(output / name)
    path = output / f"sub-{label}" / f"sub-{label}_desc-extraction_log.json"
    log = json.loads(path.read_text())
    log["derivatives"]["anatomical"].append(name)
    path.write_text(json.dumps(log))


def predict(output, *words):
    return main([str(output), str(output), "participant", "--stage", "predict", "--device", "cpu",
                 "--models", "sfcn", *map(str, words)])  # fmt: skip


def row_of(output, label):
    return read_tsv(output / f"sub-{label}" / f"sub-{label}_desc-brainage_predictions.tsv")[0]


@pytest.fixture
def cheap(monkeypatch):
    """Let the networks tell the same of every image; returns what they tell."""
    told = {40: torch.full((40,), 1 / 40), 2: torch.tensor([0.3, 0.7])}

    def forward(network, image):
        return told[network.classes].log().expand(len(image), -1)

    monkeypatch.setattr(sfcn.SfcnNetwork, "forward", forward)
    return told


def test_published_file_of_2019_predicts_the_linear_brain(tmp_path):
    output = tmp_path / "out"
    write_session(output, "1", "F")
    add_linear(output, "1")
    weights = write_state(tmp_path / "age.p", legacy=True)
    assert predict(output, "--weights", weights) == 0
    row = row_of(output, "1")
    assert (row["status"], row["model"], row["modalities"]) == ("ok", "sfcn", "image")
    assert 42 < float(row["predicted_age"]) < 82
    assert 0 < float(row["predicted_age_spread"]) < 20
    assert row["predicted_sex"] == "n/a"
    assert row["within_age_range"] == "false"  # 40 years
    assert "warped" not in row["status_reason"]
    sidecar = json.loads((output / "sub-1" / "sub-1_desc-brainage_predictions.json").read_text())
    (found,) = sidecar["Models"]["sfcn"]["Weights"]
    assert found["blob"] == git_blob(weights.read_bytes())
    assert (found["file"], found["size"]) == ("age.p", weights.stat().st_size)


def test_warped_brain_is_predicted_and_said_so(tmp_path, cheap):
    output = tmp_path / "out"
    write_session(output, "1", "F")
    files = write_state(tmp_path / "age.p"), write_state(tmp_path / "sex.p", "sex")
    assert predict(output, "--weights", *files) == 0
    row = row_of(output, "1")
    assert float(row["predicted_age"]) == 62
    assert float(row["probability_female"]) == pytest.approx(0.3, abs=1e-4)
    assert row["predicted_sex"] == "M"
    assert "is warped to the template, model sfcn was trained on" in row["status_reason"]


def test_age_near_the_ends_is_flagged(tmp_path, cheap):
    output = tmp_path / "out"
    write_session(output, "1", "F")
    cheap[40] = torch.tensor([0.5, 0.5] + [1e-9] * 38)
    assert predict(output, "--weights", write_state(tmp_path / "age.p")) == 0
    row = row_of(output, "1")
    assert row["out_of_distribution"] == "true"
    assert "near an end of what model sfcn can tell" in row["status_reason"]


def test_session_without_an_image_says_so(tmp_path, cheap):
    output = tmp_path / "out"
    write_session(output, "1", "F")
    path = output / "sub-1" / "sub-1_desc-extraction_log.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"derivatives": {}}))
    assert predict(output, "--weights", write_state(tmp_path / "age.p")) == 1
    assert "no input that model sfcn takes" in row_of(output, "1")["status_reason"]


def test_other_weights_are_other_settings(tmp_path, cheap, capsys):
    output = tmp_path / "out"
    write_session(output, "1", "F")
    first, second = write_state(tmp_path / "a.p"), write_state(tmp_path / "b.p", seed=1)
    assert predict(output, "--weights", first) == 0
    assert predict(output, "--weights", second) == 73
    assert "made with other settings: models" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--models", "sfcn"), "--models sfcn without --weights"),
        (("--weights", "age.p"), "--weights without --models sfcn"),
    ],
)
def test_weights_and_model_go_together(tmp_path, capsys, words, message):
    assert main([str(tmp_path), str(tmp_path / "out"), "participant", *words]) == 2
    assert message in capsys.readouterr().err


def test_missing_weights_stop_the_run_with_66(tmp_path, capsys):
    output = tmp_path / "out"
    write_session(output, "1", "F")
    assert predict(output, "--weights", tmp_path / "absent.p") == 66
    error = capsys.readouterr().err
    assert "no such file of weights" in error
    assert "absent.p" in error
