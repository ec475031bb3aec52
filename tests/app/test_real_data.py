"""The App on real files, where the shared data is there; labelled for what they are."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bids_brainage.app.run import run
from bids_brainage.bids.outputs import read_json, read_tsv
from bids_brainage.config import RunConfig
from bids_brainage.features.vectors import connectivity_matrix
from bids_brainage.models.store import load_model
from bids_brainage.predict.device import resolve_device
from bids_brainage.predict.load import load_predictor
from tests.people import Person, write_dataset

VALIDATOR = shutil.which("bids-validator-deno", path=str(Path(sys.executable).parent))


@pytest.fixture(scope="module")
def chimera(shared, tmp_path_factory) -> Path:
    """Output for one person's real BOLD with another person's real recon-all: nobody's brain."""
    root = tmp_path_factory.mktemp("chimera")
    bids = root / "bids"
    shutil.copytree(shared / "bids" / "studyforrest", bids, copy_function=shutil.copyfile)
    for folder in [bids, *bids.rglob("*")]:
        folder.chmod(0o755 if folder.is_dir() else 0o644)
    stats = bids / "derivatives" / "freesurfer" / "sub-02" / "stats"
    shutil.copytree(shared / "deriv" / "freesurfer" / "bert" / "stats", stats)
    (bids / "participants.tsv").write_text("participant_id\tage\tsex\nsub-02\t30-35\tn/a\n")
    config = RunConfig(bids, root / "out", levels=("participant", "group"), task_ids=("oneback",))
    assert run(config, lambda _: None) == 0
    return root / "out"


def test_chimera_goes_from_real_files_to_a_row(chimera):
    row, model = read_tsv(chimera / "group_brainage.tsv")
    assert (row["model"], model["model"]) == ("fusion", "mavae")
    assert row["status"] == "ok"
    assert row["modalities"] == "morphometry+connectivity"
    assert 5 < float(row["predicted_age"]) < 90
    assert row["age"] == "32.5"
    assert float(row["region_coverage"]) > 0.9
    assert 0 < float(row["mean_fd"]) < 1


def test_what_was_computed_for_the_chimera_is_recorded(chimera):
    log = read_json(chimera / "sub-02" / "sub-02_desc-extraction_log.json")
    assert any("CompCor" in note for note in log["notes"])
    assert any("MNI152NLin6Asym" in note for note in log["notes"])
    series = read_json(next((chimera / "sub-02" / "func").glob("*_timeseries.json")))
    assert series["RepetitionTime"] == 2.0
    assert len(series["FramewiseDisplacement"]) == 156


@pytest.mark.skipif(VALIDATOR is None, reason="the BIDS validator is not installed")
def test_output_is_valid_bids(chimera):
    done = subprocess.run(
        [VALIDATOR, "--format", "json", chimera], capture_output=True, text=True, check=False
    )
    issues = json.loads(done.stdout)["issues"]["issues"]
    assert [i for i in issues if i["severity"] == "error"] == []


@pytest.fixture(scope="module")
def tables(shared) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """Four people of the training tables who have both modalities: measures and series."""
    folder = shared / "data"
    frame = pd.read_csv(folder / "morphometry.tsv.gz", sep="\t", na_values="n/a")
    frame = frame.set_index("participant_id")
    with np.load(folder / "abide1_timeseries_HarvardOxford.npz") as archive:
        keep = archive["region_ids"] != 3455
        chosen = [name for name in archive.files if name in frame.index][10:600:150]
        series = {name: archive[name][:, keep].astype(float) for name in chosen}
    return frame.loc[chosen], series


@pytest.fixture(scope="module")
def rebuilt(tables, tmp_path_factory) -> dict[str, dict[str, str]]:
    """Rows of those people after being written as stats files and painted BOLD."""
    frame, series = tables
    root = tmp_path_factory.mktemp("rebuilt")
    people = [
        Person(name.removeprefix("sub-"), age=str(row["age"]), sex=row["sex"],
               measures=row.iloc[5:].astype(float).dropna().to_dict(), series=series[name])
        for name, row in frame.iterrows()
    ]  # fmt: skip
    run(
        RunConfig(
            write_dataset(root / "bids", people), root / "out", levels=("participant", "group")
        ),
        lambda _: None,
    )
    found = {row["participant_id"]: row for row in read_tsv(root / "out" / "group_brainage.tsv")}
    for name in frame.index:
        matrix = next((root / "out" / name / "func").glob("*_relmat.tsv"))
        found[name]["relmat"] = str(matrix)
    return found


def test_rebuilt_people_are_found_with_age_sex_and_both_modalities(tables, rebuilt):
    for name, person in tables[0].iterrows():
        row = rebuilt[name]
        assert row["status"] == "ok"
        assert row["modalities"] == "morphometry+connectivity"
        assert float(row["age"]) == pytest.approx(person["age"])
        assert row["sex"] == person["sex"]


def test_connectivity_of_painted_series_is_that_of_the_table(tables, rebuilt):
    for name, series in tables[1].items():
        matrix, _ = connectivity_matrix(Path(rebuilt[name]["relmat"]))
        edges = np.triu_indices(len(matrix), 1)
        with np.errstate(invalid="ignore"):
            truth = np.corrcoef(series.T)[edges]
        both = np.isfinite(truth) & np.isfinite(matrix[edges])
        assert both.mean() > 0.9
        assert np.corrcoef(truth[both], matrix[edges][both])[0, 1] > 0.9


def test_morphometry_prediction_from_files_is_that_from_the_table(tables, tmp_path):
    frame, _ = tables
    people = [
        Person(name.removeprefix("sub-"), measures=row.iloc[5:].astype(float).dropna().to_dict())
        for name, row in frame.iterrows()
    ]
    run(RunConfig(write_dataset(tmp_path / "bids", people), tmp_path / "out"), lambda _: None)
    names = list(load_model("mavae")[1].inputs["morphometry"].names)
    vectors = frame[names].astype(float).to_numpy()
    predictor = load_predictor("mavae", resolve_device("cpu"))
    expected = predictor.predict([{"morphometry": vector} for vector in vectors])
    for name, wanted in zip(frame.index, expected, strict=True):
        row = read_tsv(tmp_path / "out" / name / f"{name}_desc-brainage_predictions.tsv")[0]
        assert float(row["predicted_age"]) == pytest.approx(wanted.age, abs=0.01)
