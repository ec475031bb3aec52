"""The Nextflow module and workflow: what their tasks run, and what they say about themselves."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from bids_brainage import __version__
from bids_brainage.cli.descriptor import IMAGE
from tests.integrations.arguments import accepted
from tests.integrations.nextflow_task import FOLDER, task_script

MODULE = (FOLDER / "main.nf").read_text(encoding="utf-8")
WORKFLOW = (FOLDER / "bids_brainage.nf").read_text(encoding="utf-8")
SETTINGS = (FOLDER / "nextflow.config").read_text(encoding="utf-8")
META = yaml.safe_load((FOLDER / "meta.yml").read_text(encoding="utf-8"))
# In place of the App: writes its arguments down and ends with the given code.
STAND_IN = '#!/bin/sh\nprintf "%s\\n" "$@" > arguments.txt\nexit {code}\n'
needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")


def run_task(folder: Path, script: str, code: int = 0) -> tuple[int, list[str]]:
    """Run a task's script as Nextflow does, with a stand-in for the App."""
    commands = folder / "commands"
    commands.mkdir()
    app = commands / "bids_brainage"
    app.write_text(STAND_IN.format(code=code))
    app.chmod(0o755)
    done = subprocess.run(
        ["bash", "-ue", "-c", script],
        cwd=folder,
        env={"PATH": f"{commands}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, (folder / "arguments.txt").read_text().splitlines()


def commands() -> list[str]:
    """The calls of the workflow, of one participant and of one batch."""
    (extract,) = re.findall(r'"(participant --stage extract )\$\{selection\}"', WORKFLOW)
    selections = re.findall(r'"(--(?:batch|participant-label) [^"]*)"', WORKFLOW)
    values = {"folder.name": "sub-01", "i": "2", "params.batches": "5"}
    filled = [
        re.sub(r"\$\{([\w.]+)\}", lambda found: values[found[1]], text) for text in selections
    ]
    return [*(extract + text for text in filled), "participant --stage predict", "group"]


@needs_bash
@pytest.mark.parametrize("command", commands())
def test_the_call_of_a_task_is_read_by_our_parser(command, tmp_path):
    script = task_script(command, "input/ds", "derivatives1/prep derivatives2/b", "--no-raw", 3)
    code, words = run_task(tmp_path, script)
    config = accepted(words)
    assert code == 0
    assert (config.bids_dir, config.output_dir) == (Path("input/ds"), Path("output"))
    assert config.derivatives == ("derivatives1/prep", "derivatives2/b")
    assert (config.nprocs, config.raw) == (3, False)
    assert config.levels == (command.split()[0],)


def test_workflow_extracts_by_participant_or_by_batch_then_predicts_then_gathers():
    configs = [accepted(["bids", "out", *shlex.split(command)]) for command in commands()]
    assert {c.stage for c in configs[:2]} == {"extract"}
    assert {(c.batch, c.participant_labels) for c in configs[:2]} == {
        ((2, 5), ()),
        (None, ("sub-01",)),
    }
    assert [(c.levels, c.stage) for c in configs[2:]] == [
        (("participant",), "predict"),
        (("group",), "all"),
    ]


@needs_bash
@pytest.mark.parametrize(("code", "expected"), [(0, 0), (1, 0), (16, 16), (73, 73)])
def test_failed_sessions_do_not_fail_a_task_and_everything_else_does(code, expected, tmp_path):
    assert run_task(tmp_path, task_script("group", "input/ds"), code)[0] == expected


@needs_bash
def test_earlier_outputs_are_put_together_before_the_app_runs(tmp_path):
    for number, name in ((1, "sub-01"), (2, "sub-02")):
        folder = tmp_path / f"earlier{number}" / "output"
        (folder / name).mkdir(parents=True)
        (folder / name / "log.json").write_text(name)
        (folder / ".bidsignore").write_text("*.html\n")
    run_task(tmp_path, task_script("participant --stage predict", "input/ds"))
    found = {str(p.relative_to(tmp_path / "output")) for p in (tmp_path / "output").rglob("*")}
    assert {"sub-01/log.json", "sub-02/log.json", ".bidsignore"} <= found


def test_module_takes_the_image_of_this_version():
    assert re.findall(r"container '(.+)'", MODULE) == [f"docker.io/{IMAGE}"]
    assert IMAGE.endswith(__version__)


def test_meta_describes_the_inputs_and_outputs_of_the_module():
    inputs = re.findall(
        r"(?:val|path)\(?\s*(\w+)", re.search(r"input:(.*?)output:", MODULE, re.S)[1]
    )
    described = [next(iter(e)) for entry in META["input"] for e in listed(entry)]
    assert described == inputs
    emitted = re.findall(r"emit: (\w+)", MODULE)
    assert list(META["output"]) == emitted
    assert META["topics"]["versions"] == META["output"]["versions_bids_brainage"]
    (version,) = re.findall(r"eval\('(.+?)'\)", MODULE)
    assert version in META["topics"]["versions"][0][2]
    assert len(META["keywords"]) >= 3
    assert {"name", "description", "tools", "authors"} <= set(META)


def listed(entry: list | dict) -> list[dict]:
    return entry if isinstance(entry, list) else [entry]


def test_containers_run_offline_and_a_gpu_is_asked_for_prediction_only():
    assert "--network=none" in SETTINGS
    gpu = SETTINGS[SETTINGS.index("gpu {") :]
    assert re.findall(r"withName: (\w+)", gpu) == ["PREDICT"]
    assert "'--gpus all' : '--nv'" in gpu


@pytest.mark.skipif(shutil.which("nextflow") is None, reason="Nextflow is not installed")
def test_nextflow_runs_the_workflow_with_stubs(tmp_path):
    bids = tmp_path / "bids"
    (bids / "sub-01").mkdir(parents=True)
    done = subprocess.run(
        ["nextflow", "run", FOLDER / "bids_brainage.nf", "-stub", "--bids", bids],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    if "Cannot download nextflow" in done.stdout + done.stderr:
        pytest.skip("Nextflow is not installed whole")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "results" / "output" / "group_brainage.tsv").is_file()
