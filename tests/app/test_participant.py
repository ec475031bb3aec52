import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from bids_brainage.app.run import run
from bids_brainage.bids.outputs import read_tsv
from bids_brainage.config import RunConfig
from bids_brainage.errors import (
    MissingInputError,
    ModelError,
    OutputError,
    SelectionError,
    UsageError,
)
from bids_brainage.records.prediction import columns
from tests.docs.outputs_page import undescribed
from tests.people import Person, write_dataset


def tree(folder: Path) -> dict[str, str]:
    return {
        str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


def test_every_session_has_a_row_with_a_status(rows):
    statuses = {key: row["status"] for key, row in rows.items()}
    assert statuses == {
        ("sub-01", "n/a"): "ok", ("sub-02", "n/a"): "ok", ("sub-03", "n/a"): "ok",
        ("sub-04", "ses-a"): "ok", ("sub-04", "ses-b"): "ok", ("sub-05", "n/a"): "no_input",
        ("sub-06", "n/a"): "ok", ("sub-07", "n/a"): "failed",
    }  # fmt: skip


def test_rows_that_are_not_ok_say_why_and_have_no_number(rows):
    for key in (("sub-05", "n/a"), ("sub-07", "n/a")):
        assert rows[key]["status_reason"] != "n/a"
        assert rows[key]["predicted_age"] == "n/a"


def test_prediction_rests_on_what_is_there(rows):
    assert rows["sub-01", "n/a"]["modalities"] == "morphometry+connectivity"
    assert rows["sub-02", "n/a"]["modalities"] == "morphometry"
    assert rows["sub-03", "n/a"]["modalities"] == "connectivity"


def test_broken_bold_costs_its_modality_only(rows):
    row = rows["sub-06", "n/a"]
    assert row["modalities"] == "morphometry"
    assert "connectivity left out" in row["status_reason"]


def test_columns_are_the_documented_ones_in_order(crowd):
    header = (crowd[1] / "group_brainage.tsv").read_text().splitlines()[0].split("\t")
    assert header == columns()
    assert set(columns()) <= set(json.loads((crowd[1] / "group_brainage.json").read_text()))


def test_every_file_is_described_in_the_docs(crowd):
    assert undescribed(crowd[1]) == []


def test_gap_is_predicted_minus_age(rows):
    row = rows["sub-02", "n/a"]
    assert float(row["brain_age_gap"]) == pytest.approx(
        float(row["predicted_age"]) - 41.5, abs=1e-3
    )
    assert rows["sub-03", "n/a"]["brain_age_gap"] == "n/a"


def test_exit_code_and_summary_agree(crowd):
    _, _, code, lines = crowd
    assert code == 1
    assert any("6 ok, 1 failed, 1 no_input" in line for line in lines)


def test_input_dataset_is_not_written_to(crowd, tmp_path):
    bids, *_ = crowd
    before = tree(bids)
    run(RunConfig(bids, tmp_path, participant_labels=("02",)), lambda _: None)
    assert tree(bids) == before


def test_serial_and_parallel_runs_agree_byte_for_byte(crowd, tmp_path):
    bids, output, *_ = crowd
    config = RunConfig(bids, tmp_path, levels=("participant", "group"), nprocs=2, batch_size=3)
    run(config, lambda _: None)
    for name in ("group_brainage.tsv", "phenotype/brainage.tsv"):
        assert (tmp_path / name).read_bytes() == (output / name).read_bytes()


def test_rerun_reuses_features_and_changes_nothing(crowd):
    bids, output, *_ = crowd
    log = output / "sub-01" / "sub-01_desc-extraction_log.json"
    before, stamp = tree(output), log.stat().st_mtime_ns
    run(RunConfig(bids, output, levels=("participant", "group")), lambda _: None)
    after = tree(output)
    assert log.stat().st_mtime_ns == stamp
    same = [n for n in before if n.endswith(".tsv")]
    assert same and all(before[name] == after[name] for name in same)


def test_changed_settings_are_refused_and_forced_for_everyone_only(crowd, tmp_path):
    bids, *_ = crowd
    one = {"bids_dir": bids, "output_dir": tmp_path, "session_labels": ("a",)}
    log = tmp_path / "sub-04" / "ses-a" / "sub-04_ses-a_desc-extraction_log.json"
    run(RunConfig(**one), lambda _: None)
    before = tree(tmp_path)
    for force in (False, True):
        with pytest.raises(OutputError, match=r"fd_threshold null, now 0\.2"):
            run(RunConfig(**one, fd_threshold=0.2, force=force), lambda _: None)
    assert tree(tmp_path) == before
    first = json.loads(log.read_text())["config_hash"]
    run(RunConfig(bids, tmp_path, fd_threshold=0.2, force=True), lambda _: None)
    assert json.loads(log.read_text())["config_hash"] != first
    run(RunConfig(**one, fd_threshold=0.2), lambda _: None)


def test_other_denoising_than_the_models_leaves_connectivity_out(crowd, tmp_path):
    config = RunConfig(crowd[0], tmp_path, participant_labels=("01",), denoising="24P")
    run(config, lambda _: None)
    row = read_tsv(tmp_path / "sub-01" / "sub-01_desc-brainage_predictions.tsv")[0]
    assert row["modalities"] == "morphometry"
    assert "24P" in row["status_reason"]


def test_killed_session_is_interrupted_at_group_level(crowd, tmp_path):
    bids, *_ = crowd
    config = RunConfig(bids, tmp_path, levels=("participant",), participant_labels=("02",))
    run(config, lambda _: None)
    marker = tmp_path / "logs" / "started" / "sub-09_ses-x.json"
    marker.parent.mkdir(parents=True, exist_ok=True)
    marker.write_text("{}")
    assert run(RunConfig(bids, tmp_path, levels=("group",)), lambda _: None) == 1
    table = read_tsv(tmp_path / "group_brainage.tsv")
    assert [(r["participant_id"], r["session_id"], r["model"], r["status"]) for r in table] == [
        ("sub-02", "n/a", "fusion", "ok"),
        ("sub-02", "n/a", "mavae", "ok"),
        ("sub-09", "ses-x", "n/a", "failed"),
    ]
    assert table[-1]["status_reason"].startswith("interrupted")


def test_group_level_reads_the_output_only(crowd, tmp_path):
    _, output, *_ = crowd
    table = (output / "group_brainage.tsv").read_bytes()
    run(RunConfig(tmp_path / "gone", output, levels=("group",)), lambda _: None)
    assert (output / "group_brainage.tsv").read_bytes() == table


def test_phenotype_has_one_row_per_participant_without_session(crowd):
    table = read_tsv(crowd[1] / "phenotype" / "brainage.tsv")
    assert [row["participant_id"] for row in table] == [f"sub-{n:02d}" for n in range(1, 8)]
    assert "session_id" not in table[0]


def test_pages_exist_for_everyone(crowd):
    for number in range(1, 8):
        assert (crowd[1] / f"sub-{number:02d}.html").is_file()
    assert (crowd[1] / "group_brainage.html").is_file()


def test_dataset_without_participants_table_predicts_without_gap(tmp_path, typical):
    bids = write_dataset(tmp_path / "bids", [Person("01", measures=typical)], participants=False)
    assert run(RunConfig(bids, tmp_path / "out"), lambda _: None) == 0
    row = read_tsv(tmp_path / "out" / "sub-01" / "sub-01_desc-brainage_predictions.tsv")[0]
    assert row["age"] == row["brain_age_gap"] == "n/a"
    assert float(row["predicted_age"]) > 0


def test_dry_run_says_what_is_used_and_writes_nothing(crowd, tmp_path):
    lines: list[str] = []
    output = tmp_path / "out"
    assert run(RunConfig(crowd[0], output, dry_run=True), lines.append) == 0
    assert any("sub-01" in line for line in lines)
    assert any("desc-preproc_bold.nii.gz" in line for line in lines)
    assert not output.exists()


def test_label_that_is_not_there_selects_nothing(crowd, tmp_path):
    with pytest.raises(SelectionError, match="99"):
        run(RunConfig(crowd[0], tmp_path, participant_labels=("99",)), lambda _: None)


def test_output_inside_itself_is_refused(crowd):
    with pytest.raises(OutputError):
        run(RunConfig(crowd[0], crowd[0]), lambda _: None)


def test_group_level_without_output_names_it(tmp_path):
    with pytest.raises(MissingInputError, match="nowhere"):
        run(RunConfig(tmp_path, tmp_path / "nowhere", levels=("group",)), lambda _: None)


def test_labels_may_carry_their_prefix(crowd, tmp_path):
    config = RunConfig(crowd[0], tmp_path, participant_labels=("sub-02",), dry_run=True)
    lines: list[str] = []
    run(config, lines.append)
    assert lines[-1] == "1 sessions, 1 with usable input"


@pytest.mark.parametrize(
    ("option", "error"),
    [
        ({"denoising": "compcorr"}, UsageError),
        ({"atlas": "/nowhere/atlas.nii.gz"}, MissingInputError),
        ({"models": ("nosuch",)}, ModelError),
        ({"device": "cuda:99"}, UsageError),
    ],
)
@pytest.mark.parametrize("dry_run", [True, False])
def test_wrong_setting_stops_before_any_session(crowd, tmp_path, option, error, dry_run):
    with pytest.raises(error):
        run(RunConfig(crowd[0], tmp_path / "out", dry_run=dry_run, **option), lambda _: None)
    assert not (tmp_path / "out").exists()


def test_foreign_datasets_are_never_written_to(crowd, tmp_path):
    bids, *_ = crowd
    other = tmp_path / "other"
    other.mkdir()
    (other / "dataset_description.json").write_text('{"Name": "mine", "BIDSVersion": "1.10.0"}')
    before = tree(bids)
    for output in (bids / "derivatives" / "fmriprep", other):
        with pytest.raises(OutputError, match="OUTPUT_DIR"):
            run(RunConfig(bids, output, participant_labels=("02",)), lambda _: None)
    assert tree(bids) == before
    assert [path.name for path in other.iterdir()] == ["dataset_description.json"]


def test_file_preset_never_passes_as_the_packaged_one(crowd, tmp_path):
    preset = tmp_path / "mine.json"
    preset.write_text('{"name": "compcor", "motion": "none", "trend": 1}')
    output = tmp_path / "out"
    run(RunConfig(crowd[0], output, participant_labels=("01",), denoising=str(preset)),
        lambda _: None)  # fmt: skip
    row = read_tsv(output / "sub-01" / "sub-01_desc-brainage_predictions.tsv")[0]
    assert row["modalities"] == "morphometry"
    assert "mine.json" in row["status_reason"]


def test_changed_preset_file_is_another_setting(crowd, tmp_path):
    preset = tmp_path / "mine.json"
    preset.write_text(json.dumps({"name": "mine", "motion": "none", "trend": 1}))
    config = RunConfig(crowd[0], tmp_path / "out", participant_labels=("03",),
                       denoising=str(preset))  # fmt: skip
    run(config, lambda _: None)
    preset.write_text(json.dumps({"name": "mine", "motion": "none", "trend": 2}))
    with pytest.raises(OutputError, match="denoising"):
        run(config, lambda _: None)


def test_empty_bold_beside_statistics_is_told_in_the_row(tmp_path, typical):
    person = Person("01", measures=typical, series=np.ones((30, 110)))
    bids = write_dataset(tmp_path / "bids", [person])
    for bold in (bids / "derivatives" / "fmriprep" / "sub-01" / "func").glob("*_bold.nii.gz"):
        bold.write_bytes(b"")
    assert run(RunConfig(bids, tmp_path / "out"), lambda _: None) == 0
    row = read_tsv(tmp_path / "out" / "sub-01" / "sub-01_desc-brainage_predictions.tsv")[0]
    assert row["status_reason"].startswith("connectivity left out")
    assert row["quality"] == "check"
    assert str(tmp_path) not in row["status_reason"]
