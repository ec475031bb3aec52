"""Raw images go through to features, derivatives, quality and a page; what fails says why."""

import json

import nibabel as nib
import numpy as np
import pytest

from bids_brainage.app.demo_series import bold_image
from bids_brainage.app.run import run
from bids_brainage.bids.outputs import read_json, read_tsv
from bids_brainage.config import RunConfig
from bids_brainage.preprocessing.templates import brain_template
from tests.docs.outputs_page import undescribed

N_VOLUMES = 60
STEM = "sub-01_ses-1"
FIRST = "sub-01/ses-1"


def write_image(path, image, sidecar):
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(image, path)
    path.with_name(path.name.replace(".nii.gz", ".json")).write_text(json.dumps(sidecar))


@pytest.fixture(scope="module")
def raw_dataset(tmp_path_factory):
    """A session with all, one with a run too short and no T1w, a T1w of noise, BOLD alone."""
    root = tmp_path_factory.mktemp("raw") / "ds"
    root.mkdir()
    (root / "dataset_description.json").write_text('{"Name": "raw", "BIDSVersion": "1.10.0"}')
    (root / "participants.tsv").write_text(
        "participant_id\tage\tsex\nsub-01\t30\tF\nsub-02\t31\tM\nsub-03\t32\tF\n"
    )
    template = brain_template(4.0)
    rng = np.random.default_rng(0)
    head = 500 * np.asarray(template.dataobj, dtype=np.float32)
    head += 5 * rng.normal(size=head.shape).astype(np.float32) * (head > 0)
    noise = rng.uniform(100, 200, size=(20, 24, 20)).astype(np.float32)
    bold, _ = bold_image(rng)
    sidecar = {"RepetitionTime": 2.0, "TaskName": "rest"}
    for stem, data in (("sub-01_ses-1", head.clip(0)), ("sub-02", noise)):
        folder = root / stem.replace("_", "/") / "anat"
        write_image(folder / f"{stem}_T1w.nii.gz", nib.Nifti1Image(data, template.affine), {})
    for stem, n_volumes in (("sub-01_ses-1", N_VOLUMES), ("sub-01_ses-2", 3), ("sub-03", 20)):
        folder = root / stem.replace("_", "/") / "func"
        image = bold.slicer[..., :n_volumes]
        write_image(folder / f"{stem}_task-rest_bold.nii.gz", image, sidecar)
    return root


@pytest.fixture(scope="module")
def output(raw_dataset, tmp_path_factory):
    """OUTPUT_DIR of a run of both levels, with the lines it said."""
    folder = tmp_path_factory.mktemp("out") / "out"
    said, steps = [], []
    config = RunConfig(raw_dataset, folder, levels=("participant", "group"), nprocs=1, threads=1)
    code = run(config, said.append, lambda *message: steps.append(message))
    assert code == 1, said
    return folder, steps


def rows_of(folder, participant, session="n/a"):
    rows = read_tsv(folder / "group_brainage.tsv")
    return [r for r in rows if (r["participant_id"], r["session_id"]) == (participant, session)]


def test_a_raw_session_gives_features_of_both_kinds(output):
    folder, _ = output
    log = read_json(folder / FIRST / f"{STEM}_desc-extraction_log.json")
    assert log["status"] == "ok"
    assert {"volumes", "regional_volumes", "connectivity", "anatomical", "functional"} <= set(
        log["derivatives"]
    )
    for kind in log["derivatives"].values():
        for name in [kind] if isinstance(kind, str) else kind:
            assert (folder / name).stat().st_size > 0, name
    volumes = {
        r["measure"]: r["value"]
        for r in read_tsv(folder / FIRST / "anat" / f"{STEM}_desc-volumes_morph.tsv")
    }
    assert 1.0e6 < float(volumes["ICV"]) < 2.2e6


def test_every_file_is_described_in_the_docs(output):
    assert undescribed(output[0]) == []


def test_each_number_names_what_it_rests_on(output):
    folder, _ = output
    rows = rows_of(folder, "sub-01", "ses-1")
    assert {r["model"]: r["modalities"] for r in rows}["mavae"] == "connectivity"
    assert all(r["intracranial_volume"] != "n/a" and r["tsnr"] != "n/a" for r in rows)


def test_noise_for_a_head_fails_loudly(output):
    row = rows_of(output[0], "sub-02")[0]
    assert row["status"] == "failed" and row["predicted_age"] == "n/a"
    assert "volumes left out" in row["status_reason"]


def test_a_run_of_three_volumes_fails_with_the_count(output):
    row = rows_of(output[0], "sub-01", "ses-2")[0]
    assert row["status"] == "failed"
    assert "connectivity left out" in row["status_reason"] and "3 volumes" in row["status_reason"]


def test_bold_without_any_t1w_says_so(output):
    row = rows_of(output[0], "sub-03")[0]
    assert row["status"] == "no_input"
    assert "no T1w image of this participant" in row["status_reason"]


def test_steps_are_told_as_they_begin(output):
    steps = output[1]
    assert (STEM, "") in steps
    assert any("registration" in text for stem, text in steps if stem == STEM)


def test_pages_show_the_steps(output):
    folder, _ = output
    page = (folder / "sub-01.html").read_text(encoding="utf-8")
    assert len(list((folder / "sub-01" / "figures").glob("*.png"))) >= 3
    assert "Registration to the template" in page
    assert "sub-02" in (folder / "sub-02.html").read_text(encoding="utf-8")


def test_a_rerun_reuses_the_session(raw_dataset, output):
    folder, _ = output
    log = folder / FIRST / f"{STEM}_desc-extraction_log.json"
    before = log.stat().st_mtime_ns
    config = RunConfig(raw_dataset, folder, session_labels=("1",), threads=1)
    assert run(config, lambda _: None) == 0
    assert log.stat().st_mtime_ns == before


def test_other_settings_take_the_slow_steps_from_the_work_folder(raw_dataset, output, tmp_path):
    folder, _ = output
    kept = {p: p.stat().st_mtime_ns for p in (folder / "work").rglob("done.json")}
    config = RunConfig(
        raw_dataset, tmp_path / "out", session_labels=("1",), threads=1, denoising="24P",
        models=("mavae",), work_dir=folder / "work",
    )  # fmt: skip
    run(config, lambda _: None)
    assert {p: p.stat().st_mtime_ns for p in (folder / "work").rglob("done.json")} == kept


def test_without_raw_there_is_no_input(raw_dataset, tmp_path):
    config = RunConfig(raw_dataset, tmp_path / "out", session_labels=("1",), raw=False)
    assert run(config, lambda _: None) == 1
    path = tmp_path / "out" / FIRST / f"{STEM}_desc-brainage_predictions.tsv"
    row = read_tsv(path)[0]
    assert row["status"] == "no_input" and "--no-raw" in row["status_reason"]
