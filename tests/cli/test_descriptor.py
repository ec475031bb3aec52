import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bids_brainage.cli.app_config import to_config
from bids_brainage.cli.app_parser import build_parser
from bids_brainage.cli.descriptor import build_descriptor
from bids_brainage.config import GroupOptions

ROOT = Path(__file__).resolve().parents[2]
DESCRIPTOR = ROOT / "boutiques.json"
BOSH = shutil.which("bosh", path=str(Path(sys.executable).parent))
# What is asked for, and what our own parser is to make of the command line.
INVOCATIONS = {
    "both levels": (
        {
            "bids_dir": "/data",
            "output_dir_name": "/out",
            "analysis_level": ["participant", "group"],
            "participant_labels": ["01", "02"],
            "session_labels": ["1", "2"],
            "task_ids": ["rest"],
            "nprocs": 2,
            "omp_nthreads": 1,
            "fd_threshold": 0.5,
            "validate": True,
            "dry_run": True,
        },
        {
            "levels": ("participant", "group"),
            "participant_labels": ("01", "02"),
            "session_labels": ("1", "2"),
            "task_ids": ("rest",),
            "nprocs": 2,
            "threads": 1,
            "fd_threshold": 0.5,
            "validate": True,
            "dry_run": True,
        },
    ),
    "extraction of a batch, names with spaces and quotes": (
        {
            "bids_dir": "/my data/it's",
            "output_dir_name": "/an old output",
            "output_dir": "/an old output",
            "analysis_level": ["participant"],
            "stage": "extract",
            "batch": "2/5",
            "bids_filter_file": "/my data/filter.json",
            "derivatives": ["fmriprep=/pre p/a", "/b"],
            "fs_subjects_dir": "/free surfer",
            "atlas": "/a b/$HOME;labels.nii.gz",
            "denoising": "/a b/preset.json",
            "work_dir": "/scratch/my work",
            "dummy_scans": 0,
            "ignore": ["slicetiming", "derivatives"],
        },
        {
            "bids_dir": Path("/my data/it's"),
            "output_dir": Path("/an old output"),
            "stage": "extract",
            "batch": (2, 5),
            "bids_filter_file": Path("/my data/filter.json"),
            "derivatives": ("fmriprep=/pre p/a", "/b"),
            "fs_subjects_dir": Path("/free surfer"),
            "atlas": "/a b/$HOME;labels.nii.gz",
            "denoising": "/a b/preset.json",
            "work_dir": Path("/scratch/my work"),
            "dummy_scans": 0,
            "slice_timing": False,
            "search_derivatives": False,
        },
    ),
    "prediction of everyone": (
        {
            "bids_dir": "/data",
            "output_dir_name": "out",
            "analysis_level": ["participant"],
            "stage": "predict",
            "models": ["mavae", "/my models/own", "sfcn"],
            "weights": ["/my models/age.p", "/my models/sex.p"],
            "device": "cuda:0",
            "batch_size": 256,
            "no_raw": True,
            "force": True,
            "config_file": "/my settings/run.toml",
        },
        {
            "stage": "predict",
            "models": ("mavae", "/my models/own", "sfcn"),
            "weights": (Path("/my models/age.p"), Path("/my models/sex.p")),
            "device": "cuda:0",
            "batch_size": 256,
            "raw": False,
            "force": True,
            "batch": None,
        },
    ),
    "statistics of the group level": (
        {
            "bids_dir": "/data",
            "output_dir_name": "out",
            "analysis_level": ["group"],
            "bias_fit": "group == 'control' and `my score` > 3",
            "bias_method": "cole",
            "harmonise": "combat",
            "site_column": "scan site",
            "group_by": ["group", "my score"],
            "covariates": ["sex"],
            "nipoppy_table": True,
        },
        {
            "levels": ("group",),
            "group": GroupOptions(
                "group == 'control' and `my score` > 3",
                "cole",
                "combat",
                "scan site",
                ("group", "my score"),
                ("sex",),
                True,
            ),
        },
    ),
    "the least": (
        {"bids_dir": "/data", "output_dir_name": "out", "analysis_level": ["group"]},
        {"levels": ("group",), "stage": "all", "participant_labels": ()},
    ),
}


def test_committed_descriptor_is_what_the_parser_gives():
    committed = json.loads(DESCRIPTOR.read_text(encoding="utf-8"))
    assert committed == json.loads(json.dumps(build_descriptor())), (
        "run: python -m bids_brainage.cli.descriptor > boutiques.json"
    )


def test_the_invocations_here_use_every_input():
    used = set().union(*(asked for asked, _ in INVOCATIONS.values()))
    assert used == {i["id"] for i in build_descriptor()["inputs"]}


def test_options_are_grouped_as_in_the_help():
    groups = {g["name"]: g["members"] for g in build_descriptor()["groups"]}
    assert groups["What to process"][:2] == ["participant_labels", "session_labels"]
    assert "stage" in groups["How to run"]
    positionals = {"bids_dir", "output_dir_name", "output_dir", "analysis_level"}
    grouped = {member for members in groups.values() for member in members}
    assert grouped | positionals == {i["id"] for i in build_descriptor()["inputs"]}


def test_keys_for_cbrain_name_inputs_and_outputs_of_the_descriptor():
    descriptor = build_descriptor()
    inputs = {i["id"]: i for i in descriptor["inputs"]}
    modules = descriptor["custom"]["cbrain:integrator_modules"]
    files = {name for name, i in inputs.items() if i["type"] == "File"}
    assert set(modules["BoutiquesFileTypeVerifier"]) == files
    assert set(modules["BoutiquesInputCopier"]) <= files
    subject = modules["BoutiquesBidsSingleSubjectMaker"]
    assert subject["dataset_input_id"] in files
    assert inputs[subject["subjects_input_id"]]["list"]
    assert set(modules["BoutiquesOutputFileTypeSetter"]) == {
        output["id"] for output in descriptor["output-files"]
    }


def test_an_exit_code_that_keeps_results_on_cbrain_is_one_that_has_results():
    descriptor = build_descriptor()
    kept = descriptor["custom"]["cbrain:integrator_modules"]["BoutiquesAllowedExitCodes"]
    failures = {code["code"]: code["description"] for code in descriptor["error-codes"]}
    assert kept == [0, 1]
    assert "Some sessions" in failures[1]


@pytest.mark.skipif(BOSH is None, reason="boutiques is not installed")
@pytest.mark.parametrize("rules", [(), ("--bids",)], ids=["boutiques", "BIDS Apps"])
def test_descriptor_is_valid_by_the_rules_of(rules):
    done = subprocess.run(
        [BOSH, "validate", *rules, DESCRIPTOR], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(BOSH is None, reason="boutiques is not installed")
@pytest.mark.parametrize(("asked", "expected"), INVOCATIONS.values(), ids=INVOCATIONS)
def test_simulated_command_line_is_read_back_by_our_parser(asked, expected, tmp_path):
    invocation = tmp_path / "invocation.json"
    invocation.write_text(json.dumps(asked))
    done = subprocess.run(
        [BOSH, "exec", "simulate", DESCRIPTOR, "-i", invocation],
        capture_output=True,
        text=True,
        check=True,
    )
    line = next(line for line in done.stdout.splitlines() if "mkdir -p" in line)
    words = shlex.split(line)
    config = to_config(build_parser().parse_args(words[words.index("bids_brainage") + 1 :]))
    assert {name: getattr(config, name) for name in expected} == expected
