"""``brainage traverse`` from an OUTPUT_DIR and from a table."""

import numpy as np
import pandas as pd
import pytest

from bids_brainage.app import trajectories, traverse
from bids_brainage.app.run import run
from bids_brainage.app.traverse import TraverseOptions, traverse_people
from bids_brainage.bids.outputs import read_json, read_tsv
from bids_brainage.cli.tool_command import main
from bids_brainage.config import RunConfig
from bids_brainage.errors import (
    InputError,
    MissingInputError,
    OutputError,
    SelectionError,
    UsageError,
)
from bids_brainage.records.trajectory import LONG
from tests.aging import MadeUpTraverser, made_up_person
from tests.people import Person, write_dataset

NAMES = ("Left-Hippocampus", "3rd-Ventricle", "lh_G_rectus_thickness", "CC_Central")
# Longer than a label, and no folder of its own.
ODD = "sub-../x"


@pytest.fixture(autouse=True)
def model(monkeypatch):
    """A made-up model of four measures in place of the shipped one."""
    traverser = MadeUpTraverser(NAMES)
    monkeypatch.setattr(traverse, "load_traverser", lambda _: traverser)
    return traverser


@pytest.fixture
def table(model, tmp_path):
    people = [
        {"participant_id": "sub-01", "age": 30.0, "sex": "F", **made_up_person(model, 1)},
        {"participant_id": "sub-02", "age": np.nan, "sex": "n/a",
         **made_up_person(model, 2, missing=NAMES[:1])},
        {"participant_id": ODD, "age": 93.0, "sex": "male", **made_up_person(model, 3)},
    ]  # fmt: skip
    path = tmp_path / "people.tsv"
    pd.DataFrame(people).to_csv(path, sep="\t", index=False, na_rep="n/a")
    return path


def test_everyone_of_a_table_gets_tables_and_a_figure(table, tmp_path, caplog):
    rows = traverse_people(TraverseOptions(table, tmp_path / "out"))
    assert [row["folder"] for row in rows] == ["sub-01", "sub-02", "sub-x"]
    folder = tmp_path / "out" / "sub-01"
    long = read_tsv(folder / "trajectory.tsv")
    assert list(long[0]) == list(LONG) and len(long) == 4 * 15
    assert {row["measure"] for row in long} == set(NAMES)
    own = read_tsv(folder / "deviations.tsv")
    assert [row["measure"] for row in own] == list(NAMES)
    about = read_json(folder / "deviations.json")
    assert (about["Age"], about["Sex"]) == (30, "F") and "deviation" in about
    assert (folder / "figures" / "trajectory.svg").read_text().lstrip().startswith("<?xml")
    assert read_tsv(tmp_path / "out" / "traverse.tsv")[1]["age"] == "n/a"
    assert "the age is not known" in rows[1]["remarks"]
    assert "93.0 years is outside" in rows[2]["remarks"] and rows[2]["sex"] == "M"
    assert "sub-02: the sex is not known" in caplog.text


def test_missing_measures_have_curves_and_no_deviation(table, tmp_path):
    traverse_people(TraverseOptions(table, tmp_path / "out", participants=("02",)))
    assert not (tmp_path / "out" / "sub-01").exists()
    first = read_tsv(tmp_path / "out" / "sub-02" / "deviations.tsv")[0]
    assert (first["value"], first["deviation"]) == ("n/a", "n/a")
    assert float(first["expected"]) > 0 and float(first["contribution"]) == 0


def test_ages_are_those_asked_for_and_none_that_the_model_does_not_know(table, tmp_path):
    options = TraverseOptions(table, tmp_path / "out", participants=("01",), ages=(60.0, 30.0))
    traverse_people(options)
    long = read_tsv(tmp_path / "out" / "sub-01" / "trajectory.tsv")
    assert [row["age"] for row in long[:2]] == ["30", "60"] and len(long) == 8
    at_own_age = [float(row["keeping_residual"]) for row in long[::2]]
    values = [float(row["value"]) for row in read_tsv(tmp_path / "out/sub-01/deviations.tsv")]
    assert at_own_age == pytest.approx(values, rel=1e-4)
    with pytest.raises(UsageError, match="--ages 95: model cvae knows ages from 8 to 82"):
        traverse_people(TraverseOptions(table, tmp_path / "out", ages=(95.0,)))


def test_age_and_sex_can_be_given_for_one_person_alone(table, tmp_path):
    (row,) = traverse_people(
        TraverseOptions(table, tmp_path, participants=("sub-02",), age=50.0, sex="M")
    )
    assert (row["age"], row["sex"]) == (50.0, "M")
    assert "not known" not in row["remarks"]
    with pytest.raises(UsageError, match="for 3 people"):
        traverse_people(TraverseOptions(table, tmp_path, age=50.0))


def test_what_cannot_be_used_is_told(table, tmp_path, model):
    with pytest.raises(SelectionError, match="sub-99"):
        traverse_people(TraverseOptions(table, tmp_path, participants=("99",)))
    with pytest.raises(MissingInputError, match="no such table"):
        traverse_people(TraverseOptions(tmp_path / "none.tsv", tmp_path))
    (tmp_path / "empty").mkdir()
    with pytest.raises(MissingInputError, match="no extracted session"):
        traverse_people(TraverseOptions(tmp_path / "empty", tmp_path / "out"))
    with pytest.raises(OutputError, match="inside the input"):
        traverse_people(TraverseOptions(tmp_path / "empty", tmp_path / "empty" / "out"))
    frame = pd.read_csv(table, sep="\t").iloc[[0, 0]]
    frame.to_csv(tmp_path / "twice.csv", index=False)
    with pytest.raises(InputError, match="2 rows of sub-01"):
        traverse_people(TraverseOptions(tmp_path / "twice.csv", tmp_path / "out"))
    frame["session_id"] = ["a", "b"]
    frame.to_csv(tmp_path / "twice.csv", index=False)
    rows = traverse_people(TraverseOptions(tmp_path / "twice.csv", tmp_path / "out"))
    assert [row["folder"] for row in rows] == ["sub-01_a", "sub-01_b"]
    frame[list(NAMES)] = np.nan
    frame.iloc[:1].to_csv(tmp_path / "none.csv", index=False)
    (row,) = traverse_people(TraverseOptions(tmp_path / "none.csv", tmp_path / "out"))
    assert row["remarks"] == "no measure" and "folder" not in row


def test_an_output_dir_gives_each_session_a_folder_and_the_app_the_same_numbers(
    tmp_path, monkeypatch, typical
):
    traverser = MadeUpTraverser()
    monkeypatch.setattr(traverse, "load_traverser", lambda _: traverser)
    monkeypatch.setattr(trajectories, "shipped_traverser", lambda: traverser)
    people = [
        Person("01", "a", age="30", sex="F", measures=made_up_person(traverser, 5)),
        Person("01", "b", age="30", sex="F", measures=typical),
        Person("02", age="50", sex="F"),
    ]
    output = tmp_path / "out"
    run(RunConfig(write_dataset(tmp_path / "bids", people), output), lambda _: None)
    words = ["traverse", str(output), "--output", str(tmp_path / "t")]
    assert main([*words, "--participant-label", "01"]) == 0
    app = read_tsv(output / "sub-01/ses-a/anat/sub-01_ses-a_desc-trajectory_morph.tsv")
    mine = read_tsv(tmp_path / "t" / "sub-01_ses-a" / "deviations.tsv")
    assert [{name: row[name] for name in mine[0]} for row in app] == mine
    assert main([*words, "--session-label", "b"]) == 0
    assert main(words) == 1
    last = read_tsv(tmp_path / "t" / "traverse.tsv")[-1]
    assert last["participant_id"] == "sub-02" and last["folder"] == "n/a"
    assert last["remarks"] != "n/a"


def test_ages_sexes_and_labels_of_a_table_are_read_as_people_write_them(model, tmp_path):
    cells = [("89+", "f"), ("25Y", "1"), ("-3", "M"), ("inf", "n/a"), ("", "")]
    people = [
        {"participant_id": f"sub-{i}" if i < 4 else "", "session_id": "01", "age": age, "sex": sex}
        | made_up_person(model, i)
        for i, (age, sex) in enumerate(cells)
    ]
    path = tmp_path / "people.csv"
    pd.DataFrame(people).to_csv(path, index=False)
    rows = traverse_people(TraverseOptions(path, tmp_path / "out"))
    assert [row["age"] for row in rows] == [89, 25, None, None, None]
    assert [row["sex"] for row in rows] == ["F", None, "M", None, None]
    assert [row["folder"] for row in rows][3:] == ["sub-3_01", "row-4_01"]
    assert "sex '1' is none of F, M" in rows[1]["remarks"]
    assert "age -3 in years is implausible" in rows[2]["remarks"]
    assert "age 'inf' cannot be read" in rows[3]["remarks"]
    assert rows[4]["remarks"].startswith("the age is not known")


def test_measures_in_other_units_and_missing_ones_are_told(table, tmp_path):
    frame = pd.read_csv(table, sep="\t").iloc[:2]
    frame.loc[0, list(NAMES)] *= 1000
    frame.to_csv(tmp_path / "units.csv", index=False)
    rows = traverse_people(TraverseOptions(tmp_path / "units.csv", tmp_path / "out"))
    assert "100% of the measures lie outside the range" in rows[0]["remarks"]
    assert "25% of the morphometry measures are missing" in rows[1]["remarks"]
    about = read_json(tmp_path / "out" / "sub-01" / "deviations.json")
    assert "check units" in about["Warnings"][0]


def test_labels_of_any_script_have_a_folder_and_alike_ones_are_named(model, tmp_path):
    path = tmp_path / "people.csv"

    def people(*labels):
        rows = [{"participant_id": label} | made_up_person(model, 1) for label in labels]
        pd.DataFrame(rows).to_csv(path, index=False)
        return traverse_people(TraverseOptions(path, tmp_path / "out"))

    names = ["\u65e5\u672c", "M\u00fcller", "..", "/tmp/x"]
    rows = people(*names)
    assert [row["folder"] for row in rows] == [*names[:2], "person", "tmpx"]
    assert {file.name for file in tmp_path.iterdir()} == {"people.csv", "out"}
    with pytest.raises(InputError, match="2 rows of sub/1 and sub 1"):
        people("sub/1", "sub 1")
