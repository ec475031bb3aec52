"""The nipoppy bundle is whole, current, and what it asks for is understood."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bids_brainage import __version__
from bids_brainage.cli.descriptor import IMAGE
from tests.integrations.arguments import accepted

ROOT = Path(__file__).resolve().parents[2]
BUNDLE = ROOT / "integrations" / "nipoppy"
BOSH = shutil.which("bosh", path=str(Path(sys.executable).parent))
# What nipoppy puts in place of its variables.
VALUES = {
    "NIPOPPY_DPATH_BIDS": "/study/bids",
    "NIPOPPY_DPATH_PIPELINE_OUTPUT": "/study/derivatives/bids_brainage/0.1.0/output",
    "NIPOPPY_DPATH_PIPELINE_WORK": "/study/scratch/work",
    "NIPOPPY_PARTICIPANT_ID": "01",
    "NIPOPPY_BIDS_PARTICIPANT_ID": "sub-01",
    "NIPOPPY_BIDS_SESSION_ID": "ses-1",
    "FMRIPREP_OUTPUT_DIR": "/study/derivatives/fmriprep/output",
    "HPC_ACCOUNT_NAME": "",
}


def load(name: str) -> dict:
    text = (BUNDLE / name).read_text(encoding="utf-8")
    return json.loads(re.sub(r"\[\[(\w+)\]\]", lambda m: VALUES.get(m[1], m[0]), text))


CONFIG = load("config.json")
STEPS = {step["NAME"]: step for step in CONFIG["STEPS"]}


def test_the_bundled_descriptor_is_the_committed_one():
    assert (BUNDLE / "descriptor.json").read_bytes() == (ROOT / "boutiques.json").read_bytes(), (
        "run: cp boutiques.json integrations/nipoppy/descriptor.json"
    )


def test_name_version_and_image_are_those_of_the_app():
    assert (CONFIG["NAME"], CONFIG["VERSION"]) == ("bids_brainage", __version__)
    uri = CONFIG["CONTAINER_INFO"]["URI"]
    for key in ("NAME", "VERSION"):
        uri = uri.replace(f"[[PIPELINE_{key}]]", CONFIG[key])
    assert uri == f"docker://{IMAGE}"


def test_every_file_of_a_step_is_there_and_every_file_belongs_to_a_step():
    named = {v for step in STEPS.values() for k, v in step.items() if k.endswith("_FILE")}
    assert {p.name for p in BUNDLE.iterdir()} == named | {"config.json"}


@pytest.mark.parametrize("name", [p.name for p in sorted(BUNDLE.glob("*.json"))])
def test_every_variable_is_nipoppys_or_declared(name):
    found = set(re.findall(r"\[\[(\w+)\]\]", (BUNDLE / name).read_text(encoding="utf-8")))
    known = {"PIPELINE_NAME", "PIPELINE_VERSION", "NIPOPPY_DPATH_CONTAINERS", *VALUES}
    assert found <= known
    declared = {v for v in found if not v.startswith(("NIPOPPY", "PIPELINE", "HPC"))}
    assert declared <= set(CONFIG["VARIABLES"])


@pytest.mark.skipif(BOSH is None, reason="boutiques is not installed")
@pytest.mark.parametrize(
    ("step", "levels", "stage", "labels"),
    [
        ("extract", ("participant",), "extract", ("01",)),
        ("predict", ("participant",), "predict", ()),
        ("group", ("group",), "all", ()),
    ],
)
def test_the_command_line_of_a_step_is_read_by_our_parser(step, levels, stage, labels, tmp_path):
    invocation = tmp_path / "invocation.json"
    invocation.write_text(json.dumps(load(STEPS[step]["INVOCATION_FILE"])))
    done = subprocess.run(
        [BOSH, "exec", "simulate", BUNDLE / "descriptor.json", "-i", invocation],
        capture_output=True,
        text=True,
        check=True,
    )
    words = shlex.split(next(line for line in done.stdout.splitlines() if "mkdir -p" in line))
    config = accepted(words[words.index("bids_brainage") + 1 :])
    assert (config.levels, config.stage, config.participant_labels) == (levels, stage, labels)
    assert config.bids_dir == Path(VALUES["NIPOPPY_DPATH_BIDS"])


def test_extraction_runs_per_participant_and_the_rest_once():
    levels = {name: step["ANALYSIS_LEVEL"] for name, step in STEPS.items()}
    assert levels == {"extract": "participant", "predict": "group", "group": "group"}


def test_trackers_ask_for_files_that_the_app_writes():
    paths = [path for step in STEPS.values() for path in load(step["TRACKER_CONFIG_FILE"])["PATHS"]]
    written = (
        "sub-01/ses-1/sub-01_ses-1_desc-extraction_log.json",
        "sub-01/ses-1/anat/sub-01_ses-1_desc-freesurfer_morph.tsv",
        "sub-01/ses-1/sub-01_ses-1_desc-brainage_predictions.tsv",
        "group_brainage.tsv",
    )
    for path in paths:
        assert any(Path(name).match(path) for name in written), path
