"""The BABS configurations hold what BABS reads, and the command they make is understood."""

import os
import shlex
from pathlib import Path

import pytest
import yaml

from bids_brainage import __version__
from tests.integrations.arguments import accepted

FOLDER = Path(__file__).resolve().parents[2] / "integrations" / "babs"
CONFIGS = sorted(FOLDER.glob("*.yaml"))
SECTIONS = {
    "input_datasets",
    "bids_app_args",
    "singularity_args",
    "all_results_in_one_zip",
    "zip_foldernames",
    "cluster_resources",
    "script_preamble",
    "job_compute_space",
}
RESOURCES = {
    "interpreting_shell",
    "hard_memory_limit",
    "temporary_disk_space",
    "number_of_cpus",
    "hard_runtime_limit",
}


def load(path: Path) -> dict:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def command(config: dict, participant: str) -> list[str]:
    """The App's arguments as BABS writes them into a job."""
    first = next(iter(config["input_datasets"].values()))["path_in_babs"]
    folder = next(iter(config["zip_foldernames"]))
    options = dict(config["bids_app_args"])
    flag = options.pop("$SUBJECT_SELECTION_FLAG")
    text = " ".join(f"{name} {value}".strip() for name, value in options.items())
    text = text.replace("$BABS_TMPDIR", '"${PWD}/.git/tmp/wkdir"').replace("${PWD}", "/my job/ds")
    places = f"'/my job/ds/{first}' '/my job/ds/outputs/{folder}'"
    return shlex.split(f"{places} participant {text} {flag} {participant}")


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: p.stem)
def test_sections_and_resources_are_those_that_babs_reads(path):
    config = load(path)
    assert set(config) == SECTIONS
    assert set(config["cluster_resources"]) <= RESOURCES
    for dataset in config["input_datasets"].values():
        assert {"is_zipped", "origin_url", "path_in_babs"} == set(dataset)
    assert all(isinstance(value, str) for value in config["bids_app_args"].values())


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: p.stem)
def test_the_results_are_one_zip_of_this_version(path):
    config = load(path)
    assert config["all_results_in_one_zip"] is True
    assert config["zip_foldernames"] == {"bids_brainage": __version__.replace(".", "-")}


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: p.stem)
def test_the_command_of_a_job_is_read_by_our_parser(path, monkeypatch):
    for name in ("ID", "MIN", "MAX", "STEP", "COUNT"):
        monkeypatch.setitem(os.environ, f"SLURM_ARRAY_TASK_{name}", "7")
    config = accepted(command(load(path), "sub-01"))
    assert config.participant_labels == ("sub-01",)
    assert config.batch is None
    assert config.bids_dir == Path("/my job/ds/inputs/data/BIDS")
    assert config.work_dir == Path("/my job/ds/.git/tmp/wkdir")
    assert config.nprocs == int(load(path)["cluster_resources"]["number_of_cpus"])


def test_zipped_derivatives_are_given_where_babs_unpacks_them():
    config = load(FOLDER / "raw_and_fmriprep.yaml")
    name, dataset = list(config["input_datasets"].items())[1]
    assert dataset["is_zipped"]
    place = f"/my job/ds/{dataset['path_in_babs']}/{name}"
    settings = accepted(command(config, "sub-01"))
    assert settings.derivatives == (f"fmriprep={place}",)
    assert not settings.raw
