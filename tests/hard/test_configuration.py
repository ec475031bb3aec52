"""Results of other settings never mix in one output."""

import json
from dataclasses import replace

import pytest

from bids_brainage.app import configuration, extract, predict_stage
from bids_brainage.app.run import run
from bids_brainage.config import RunConfig
from tests.hard.app import app, rows, tables


@pytest.fixture
def output(trio, tmp_path, without_pages):
    """An output made with the defaults."""
    assert app(trio, tmp_path / "out", "participant").code == 0
    return tmp_path / "out"


@pytest.mark.parametrize(
    ("words", "setting"),
    [
        (["--denoising", "24P"], "denoising"),
        (["--atlas", "AAL"], "atlas"),
        (["--models", "mavae"], "models"),
        (["--models", "mavae", "volumes"], "models"),
        (["--fd-threshold", "0.5"], "fd_threshold"),
        (["--no-raw"], "raw"),
        (["--task-id", "movie"], "task_ids"),
    ],
)
@pytest.mark.parametrize("chosen", [[], ["--participant-label", "02"]], ids=["all", "one"])
def test_other_settings_are_refused_before_anyone_is_touched(trio, output, words, setting, chosen):
    before = tables(output)
    done = app(trio, output, "participant", *words, *chosen)
    assert done.code == 73 and setting in done.err and "--force" in done.err
    assert tables(output) == before


def test_another_version_is_refused(trio, output, monkeypatch):
    monkeypatch.setattr(configuration, "__version__", "99.0.0")
    done = app(trio, output, "participant")
    assert done.code == 73 and "version" in done.err and "99.0.0" in done.err


def test_force_on_everyone_takes_the_new_settings_and_force_on_one_does_not(trio, output):
    path = output / "logs" / "configuration.json"
    before = path.read_bytes()
    forced = ["--denoising", "24P", "--force"]
    assert app(trio, output, "participant", *forced, "--participant-label", "01").code == 73
    assert path.read_bytes() == before
    assert app(trio, output, "participant", *forced).code == 0
    assert "24" in json.loads(path.read_text())["denoising"]["name"]
    assert app(trio, output, "participant").code == 73


@pytest.mark.parametrize(
    ("place", "stage", "setting"),
    [
        (extract, "all", {"denoising": "24P"}),
        (extract, "extract", {"denoising": "24P"}),
        (predict_stage, "predict", {"models": ("mavae",)}),
    ],
)
def test_other_settings_that_end_early_leave_no_mixture(
    trio, output, monkeypatch, place, stage, setting
):
    def stop(*_):
        raise KeyboardInterrupt

    name = "find_inputs" if place is extract else "read_extraction"
    config = RunConfig(trio, output, stage=stage, force=True, **setting)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(place, name, stop)
        run(config, str)
    assert rows(output) == {}
    assert "3 sessions (3 not ok)" in app(trio, output, "group").out
    assert run(replace(config, force=False, stage="all"), str) == 0
    assert len(rows(output)) == 3 and app(trio, output, "group").code == 0


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"hash": null}', "\xff"])
def test_a_damaged_configuration_is_refused_and_force_replaces_it(trio, output, content):
    path = output / "logs" / "configuration.json"
    path.write_bytes(content.encode("latin-1"))
    assert app(trio, output, "participant").code == 73
    assert app(trio, output, "participant", "--force").code == 0
    assert app(trio, output, "participant").code == 0
    assert {row["status"] for row in rows(output).values()} == {"ok"}


def test_changed_input_is_computed_again_and_the_rest_is_reused(trio, output):
    before = tables(output)
    home = trio / "derivatives" / "fmriprep" / "sourcedata" / "freesurfer"
    for path in (home / "sub-03" / "stats").iterdir():
        path.write_bytes((home / "sub-01" / "stats" / path.name).read_bytes())
    logs = [output / f"sub-0{n}" / f"sub-0{n}_desc-extraction_log.json" for n in (1, 2, 3)]
    stamps = [log.stat().st_mtime_ns for log in logs]
    assert app(trio, output, "participant").code == 0
    assert [log.stat().st_mtime_ns == s for log, s in zip(logs, stamps, strict=True)] == [
        True, True, False,
    ]  # fmt: skip
    found = rows(output)
    assert found["sub-03"]["predicted_age"] == found["sub-01"]["predicted_age"]
    changed = {name for name, content in tables(output).items() if before[name] != content}
    assert {name.split("/")[0] for name in changed} == {"sub-03"}
