import json
import math
import os

import pytest

from bids_brainage.bids.output_dataset import prepare_output
from bids_brainage.bids.outputs import (
    format_cell,
    read_json,
    read_tsv,
    remove_leftovers,
    session_file,
    write_json,
    write_tsv,
)
from bids_brainage.errors import InputError, OutputError
from bids_brainage.records.session import SessionKey


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (None, "n/a"),
        (math.nan, "n/a"),
        ("", "n/a"),
        (True, "true"),
        (0.1 + 0.2, "0.3"),
        (7, "7"),
        ("a\tb\nc", "a b c"),
        (1e-12, "1e-12"),
    ],
)
def test_cells_are_plain_bids(value, cell):
    assert format_cell(value) == cell


def test_table_is_read_back(tmp_path):
    rows = [{"a": 'quote " and, comma', "b": None}, {"a": "sub-01", "b": 2.5}]
    path = write_tsv(tmp_path / "x" / "t.tsv", rows, ("a", "b"))
    assert read_tsv(path) == [{"a": 'quote " and, comma', "b": "n/a"}, {"a": "sub-01", "b": "2.5"}]


@pytest.mark.parametrize("text", ["=1+1", "@SUM(A1)", "+cmd|' /C calc'!A0", "-2+3", "\t=1+1"])
def test_a_spreadsheet_takes_no_cell_for_a_formula(text):
    assert format_cell(text) == "'" + text.strip()
    assert format_cell(format_cell(text)) == format_cell(text)


@pytest.mark.parametrize("text", ["-2.5", "+3", "-.5e-07", "-1E5", "n/a", "sub-01", "ses-+1"])
def test_numbers_and_labels_that_were_read_as_text_stay_as_they_are(text):
    assert format_cell(text) == text


def test_leftovers_of_killed_writers_go_and_files_being_written_stay(tmp_path):
    old, new = tmp_path / ".t.tsv.0123abcd.tmp", tmp_path / ".t.tsv.89abcdef.tmp"
    mine = tmp_path / ".bidsignore"
    for path in (old, new, mine):
        path.write_text("half")
    for path in (old, mine):
        os.utime(path, (1, 1))
    remove_leftovers(tmp_path, tmp_path / "absent")
    assert sorted(tmp_path.iterdir()) == sorted([new, mine])


def test_nan_becomes_null(tmp_path):
    path = write_json(tmp_path / "t.json", {"x": [math.nan, 1.0]})
    assert json.loads(path.read_text()) == {"x": [None, 1.0]}


def test_session_files_carry_their_entities(tmp_path):
    path = session_file(tmp_path, SessionKey("01", "pre"), "desc-x_morph.tsv", "anat")
    assert path == tmp_path / "sub-01" / "ses-pre" / "anat" / "sub-01_ses-pre_desc-x_morph.tsv"


def test_no_half_written_file_stays(tmp_path):
    (tmp_path / "taken").write_text("a file, not a folder")
    with pytest.raises(OutputError, match="taken"):
        write_json(tmp_path / "taken" / "t.json", {})
    assert [p.name for p in tmp_path.iterdir()] == ["taken"]


def test_output_is_a_derivative_dataset(tmp_path):
    prepare_output(tmp_path / "out", tmp_path, {"raw": tmp_path})
    description = read_json(tmp_path / "out" / "dataset_description.json")
    assert description["DatasetType"] == "derivative"
    assert description["GeneratedBy"][0]["Name"] == "bids_brainage"


@pytest.mark.parametrize("content", ["", "{", "\xff"])
def test_damaged_files_are_named(tmp_path, content):
    path = tmp_path / "t.json"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(InputError, match=r"t\.json"):
        read_json(path)
