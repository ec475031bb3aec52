"""Extraction and prediction apart, and in batches, give what one run gives."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest

from bids_brainage.app import pages
from bids_brainage.app.run import run
from bids_brainage.bids.outputs import predictions_file, read_tsv
from bids_brainage.config import RunConfig
from bids_brainage.errors import MissingInputError, OutputError, SelectionError
from bids_brainage.records.session import SessionKey
from tests.people import Person, network_series, write_dataset


def quiet(_: str) -> None:
    pass


@pytest.fixture(scope="module")
def staged(crowd, tmp_path_factory):
    """Output of three batches of extraction, their exit codes, and the group table before."""
    output = tmp_path_factory.mktemp("staged")
    config = RunConfig(crowd[0], output, stage="extract")
    codes = [run(replace(config, batch=(number, 3)), quiet) for number in (1, 2, 3)]
    run(replace(config, levels=("group",)), quiet)
    before = read_tsv(output / "group_brainage.tsv")
    predict = replace(config, stage="predict", batch_size=3)
    lines: list[str] = []
    codes.append(run(predict, lines.append))
    run(replace(config, levels=("group",)), quiet)
    return predict, codes, before, lines


def test_extraction_writes_neither_predictions_nor_pages(crowd, tmp_path):
    run(RunConfig(crowd[0], tmp_path, stage="extract", participant_labels=("02",)), quiet)
    names = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert "sub-02_desc-extraction_log.json" in names
    assert not any("predictions" in name or name.endswith(".html") for name in names)
    assert not list((tmp_path / "logs" / "started").iterdir())


def test_exit_codes_of_batches_tell_whose_session_failed(staged):
    # sub-05 (no input) and sub-07 (broken) are dealt to batches 2 and 1.
    assert staged[1] == [1, 1, 0, 1]


def test_group_before_prediction_says_what_to_run(staged):
    extracted = "features extracted, not predicted: run participant --stage predict"
    told = {row["participant_id"]: (row["status"], row["status_reason"]) for row in staged[2]}
    assert told["sub-01"] == ("failed", extracted)
    assert told["sub-05"][0] == "no_input"
    assert told["sub-07"][0] == "failed" and told["sub-07"][1] != extracted


def test_stages_and_batches_give_the_table_of_one_run(crowd, staged):
    for name in ("group_brainage.tsv", "phenotype/brainage.tsv"):
        assert (staged[0].output_dir / name).read_bytes() == (crowd[1] / name).read_bytes()


def test_prediction_counts_its_sessions(staged):
    assert any(line.startswith("8 of 8 extracted sessions are predicted") for line in staged[3])
    assert any("6 ok, 1 failed, 1 no_input" in line for line in staged[3])


def test_predicted_sessions_are_left_alone(staged):
    config, *_ = staged
    stamps = {p: p.stat().st_mtime_ns for p in config.output_dir.rglob("*_predictions.tsv")}
    lines: list[str] = []
    assert run(config, lines.append) == 1
    assert lines[0].startswith("0 of 8 extracted")
    assert "6 ok, 1 failed, 1 no_input" in lines[-1]
    assert stamps == {p: p.stat().st_mtime_ns for p in stamps}


def test_broken_log_costs_its_session_only(crowd, tmp_path):
    config = RunConfig(crowd[0], tmp_path, stage="extract", participant_labels=("01", "02"))
    run(config, quiet)
    (tmp_path / "sub-01" / "sub-01_desc-extraction_log.json").write_text("[1")
    lines: list[str] = []
    assert run(replace(config, stage="predict"), lines.append) == 1
    assert "1 ok, 1 failed" in lines[-1]
    assert (tmp_path / "sub-02" / "sub-02_desc-brainage_predictions.tsv").is_file()
    run(replace(config, levels=("group",)), quiet)
    rows = read_tsv(tmp_path / "group_brainage.tsv")
    assert [row["status"] for row in rows] == ["failed", "ok", "ok"]
    assert rows[0]["status_reason"].startswith("the extraction log is broken")


def test_the_log_of_another_participant_gives_nobody_a_prediction(crowd, tmp_path):
    config = RunConfig(crowd[0], tmp_path, stage="extract", participant_labels=("01", "02"))
    run(config, quiet)
    logs = [tmp_path / f"sub-{n}" / f"sub-{n}_desc-extraction_log.json" for n in ("01", "02")]
    logs[0].write_bytes(logs[1].read_bytes())
    lines: list[str] = []
    assert run(replace(config, stage="predict"), lines.append) == 1
    assert "1 ok, 1 failed" in lines[-1] and any("the log is of sub-02" in line for line in lines)


def test_broken_and_foreign_predictions_are_told_and_made_again(crowd, staged, tmp_path):
    output = shutil.copytree(staged[0].output_dir, tmp_path / "out")
    config = replace(staged[0], output_dir=output)
    table = predictions_file(output, SessionKey("01"))
    good = table.read_bytes()
    foreign = predictions_file(output, SessionKey("02")).read_bytes()
    for content, reason in (("", "empty"), ("a\tb\n1\t2\n", "not whole"), (foreign, "of sub-02")):
        table.write_bytes(content if isinstance(content, bytes) else content.encode())
        run(replace(config, levels=("group",)), quiet)
        row = read_tsv(output / "group_brainage.tsv")[0]
        assert row["participant_id"] == "sub-01" and row["status"] == "failed"
        assert reason in row["status_reason"]
        lines: list[str] = []
        assert run(config, lines.append) == 1
        assert "6 ok, 1 failed, 1 no_input" in lines[-1]
        assert table.read_bytes() == good


def test_files_outside_of_sessions_are_predicted_beside_sessions(tmp_path, typical):
    people = [
        Person("01", "a", age="30", sex="F", measures=typical),
        Person("01", age="30", sex="F", series=network_series(1)),
    ]
    config = RunConfig(write_dataset(tmp_path / "bids", people), tmp_path / "out", stage="extract")
    assert run(config, quiet) == 0
    assert run(replace(config, stage="predict", levels=("participant", "group")), quiet) == 0
    sessions = [row["session_id"] for row in read_tsv(tmp_path / "out" / "group_brainage.tsv")]
    assert list(dict.fromkeys(sessions)) == ["n/a", "ses-a"]


def test_labels_that_were_not_extracted_are_told(staged, caplog):
    with pytest.raises(SelectionError, match="sub-99, sub-1"):
        run(replace(staged[0], participant_labels=("99", "sub-1")), quiet)
    run(replace(staged[0], participant_labels=("02", "99")), quiet)
    assert "no extracted participant sub-99" in caplog.text


def test_predicting_again_with_other_features_is_refused(staged):
    config = replace(staged[0], force=True, fd_threshold=0.3)
    with pytest.raises(OutputError, match="fd_threshold"):
        run(config, quiet)
    with pytest.raises(MissingInputError, match="filter"):
        run(replace(staged[0], bids_filter_file=staged[0].output_dir / "no.json"), quiet)


def test_failed_extraction_takes_earlier_predictions_away(crowd, tmp_path, monkeypatch):
    from bids_brainage.app import extract

    config = RunConfig(crowd[0], tmp_path, participant_labels=("02",), force=True)
    run(config, quiet)
    monkeypatch.setattr(extract, "find_inputs", lambda *_: 1 / 0)
    assert run(replace(config, stage="extract"), quiet) == 1
    assert not list(tmp_path.rglob("*_predictions.*"))
    assert json.loads((tmp_path / "sub-02" / "sub-02_desc-extraction_log.json").read_text())[
        "reason"
    ].startswith("unexpected ZeroDivisionError")


def test_participants_keep_their_sessions_in_one_batch(crowd, tmp_path):
    lines: list[str] = []
    run(RunConfig(crowd[0], tmp_path, batch=(4, 7), dry_run=True), lines.append)
    assert lines[0] == "batch 4/7: 1 participants"
    assert lines[-1] == "2 sessions, 2 with usable input"


def test_batch_without_participants_is_no_error(crowd, tmp_path):
    lines: list[str] = []
    assert run(RunConfig(crowd[0], tmp_path, batch=(9, 9)), lines.append) == 0
    assert lines == ["batch 9/9: 0 participants"]


def test_nothing_extracted_is_told(crowd, tmp_path):
    with pytest.raises(MissingInputError, match="nowhere"):
        run(RunConfig(crowd[0], tmp_path / "nowhere", stage="predict"), quiet)
    with pytest.raises(SelectionError, match="no extracted session"):
        run(RunConfig(crowd[0], tmp_path, stage="predict"), quiet)


def test_methods_of_many_are_left_to_the_group_level(crowd, tmp_path, monkeypatch):
    monkeypatch.setattr(pages, "FEW", 1)
    config = RunConfig(crowd[0], tmp_path, participant_labels=("01", "02"))
    run(config, quiet)
    assert not (tmp_path / "logs" / "CITATION.md").exists()
    run(replace(config, levels=("group",)), quiet)
    assert (tmp_path / "logs" / "CITATION.md").is_file()


def test_pages_that_an_ended_run_left_out_are_written_by_the_next(staged):
    page = staged[0].output_dir / "sub-02.html"
    page.unlink()
    stamp = (staged[0].output_dir / "sub-01.html").stat().st_mtime_ns
    run(staged[0], quiet)
    assert page.is_file()
    assert (staged[0].output_dir / "sub-01.html").stat().st_mtime_ns == stamp


def test_extraction_of_derivatives_loads_no_network_library():
    code = (
        "import sys\nfrom bids_brainage.app import configuration, participant\n"
        "from bids_brainage.app.extract import extract_session\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
