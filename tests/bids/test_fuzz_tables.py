"""Tables, ages and JSON of any content give a record or a note, never an exception."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bids_brainage.bids.ages import PER_YEAR, parse_age, unit_of
from bids_brainage.bids.dataset import open_dataset
from bids_brainage.bids.demographics import read_demographics
from bids_brainage.bids.outputs import read_json, read_tsv
from bids_brainage.bids.tables import participant_labels, read_table
from bids_brainage.bids.text import read_json_object
from bids_brainage.errors import DatasetError, InputError
from bids_brainage.records.raw import repetition_seconds
from bids_brainage.records.session import SessionKey
from tests.fuzzing import fuzz, json_values, mutated, no_hang, texts

TABLE = (
    b"participant_id\tage\tsex\tgroup\nsub-01\t25.5\tF\tcontrol\nsub-02\t31\tM\t\"patient\"\n"
    b"sub-03\t40-45\tfemale\tn/a\nsub-A4\tP50Y\t1\tn/a\n"
)  # fmt: skip
SIDECAR = json.dumps(
    {"age": {"Units": "years"}, "sex": {"Levels": {"1": "male", "2": {"Description": "female"}}}}
).encode()
AGES = ("25", "025Y", "25,5", "P25Y6M", "89+", "20-25", "n/a", "> 60", "30 years 2 months",
        "300 months", "under 18", "1e1", "25.5 yrs old")  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


def plausible(age):
    return age is None or (math.isfinite(age) and 0 <= age <= 120)


@fuzz
@given(st.one_of(texts, *(mutated(age.encode()) for age in AGES)), st.sampled_from([*PER_YEAR]))
def test_any_age_cell_is_a_plausible_number_or_none_with_a_reason(cell, unit):
    text = cell if isinstance(cell, str) else cell.decode("latin-1")
    with no_hang():
        age, note = parse_age(text, unit)
        unit_of(text)
    assert plausible(age)
    assert age is not None or note


@fuzz
@given(
    table=mutated(TABLE),
    sidecar=mutated(SIDECAR),
    sessions=mutated(b"session_id\tage\nses-1\t26\n"),
)
def test_any_tables_give_plausible_demographics(folder, table, sidecar, sessions):
    root = folder / "tables"
    (root / "sub-01" / "ses-1").mkdir(parents=True, exist_ok=True)
    (root / "participants.tsv").write_bytes(table)
    (root / "participants.json").write_bytes(sidecar)
    (root / "sub-01" / "sub-01_sessions.tsv").write_bytes(sessions)
    (root / "sub-01" / "sub-01_sessions.json").write_bytes(sidecar)
    with no_hang():
        dataset = open_dataset(root)
        for session in ("", "1"):
            found = read_demographics(dataset, SessionKey("01", session))
            assert plausible(found.age) and found.sex in (None, "F", "M")
            " ".join(found.notes).encode()
        read = read_table(root / "participants.tsv")
        assert all(
            "/" not in label or label for label in participant_labels(root / "participants.tsv")
        )
    assert read.problem or all(len(row) == len(read.columns) for row in read.rows)


@st.composite
def crowds(draw):
    """A table whose ages tell the people apart, written as people write tables."""
    labels = draw(st.lists(st.from_regex(r"[0-9aA+]{1,3}", fullmatch=True), min_size=1, max_size=5,
                           unique=True))  # fmt: skip
    absent = draw(st.sets(st.sampled_from(labels)))
    delimiter = draw(st.sampled_from(["\t", ";", ","]))
    other = st.text(st.characters(blacklist_characters="\r\n\t;,\0", codec="utf-8"), max_size=8)
    if delimiter == "\t":  # a stray quote is a stray quote there
        other = st.one_of(other, st.sampled_from(['"', "'", '"x', 'y"', ",", ";"]))
    else:
        other = other.map(lambda text: text.replace('"', ""))
    prefix = draw(st.sampled_from(["sub-", "", "Sub-"]))
    columns = draw(st.permutations(["participant_id", "age", "comment"]))
    rows = []
    for number, label in draw(st.permutations(list(enumerate(labels)))):
        if label not in absent:
            cells = {
                "participant_id": prefix + label,
                "age": str(20 + number),
                "comment": draw(other),
            }
            rows.append([cells[name] for name in columns])
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    text = end.join(delimiter.join(row) for row in [columns, *rows])
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
    return labels, absent, text.encode(encoding)


@fuzz
@given(crowds())
def test_nobody_gets_the_age_of_another_participant(folder, crowd):
    labels, absent, table = crowd
    root = folder / "_".join(["crowd", *labels]) / "ds"
    for label in labels:
        (root / f"sub-{label}").mkdir(parents=True, exist_ok=True)
    (root / "participants.tsv").write_bytes(table)
    dataset = open_dataset(root)
    for number, label in enumerate(labels):
        age = read_demographics(dataset, SessionKey(label)).age
        assert age in ((None,) if label in absent else (20 + number,))


@fuzz
@given(st.one_of(mutated(b'{"Name": "x", "DatasetType": "raw", "GeneratedBy": [{"Name": "y"}]}'),
                 json_values.map(lambda value: json.dumps(value).encode())))  # fmt: skip
def test_any_dataset_description_is_read_or_refused(folder, content):
    root = folder / "described"
    (root / "sub-01" / "anat").mkdir(parents=True, exist_ok=True)
    (root / "dataset_description.json").write_bytes(content)
    with no_hang():
        try:
            dataset = open_dataset(root)
        except DatasetError as error:
            assert error.place and error.hint
        else:
            assert dataset.participants == ("01",)
            f"{dataset.name} {' '.join(dataset.notes)}".encode()


@fuzz
@given(st.one_of(mutated(SIDECAR), json_values.map(lambda value: json.dumps(value).encode())))
def test_any_json_is_an_object_or_a_problem(folder, content):
    path = folder / "any.json"
    path.write_bytes(content)
    with no_hang():
        value, problem = read_json_object(path)
    assert isinstance(value, dict) and (not problem or not value)


@fuzz
@given(json_values)
def test_any_repetition_time_is_plausible_or_none(value):
    seconds, _ = repetition_seconds(value)
    assert seconds is None or 0.05 <= seconds <= 60


@fuzz
@given(mutated(b"participant_id\tstatus\nsub-01\tok\n"), mutated(b'{"status": "ok", "notes": []}'))
def test_own_files_damaged_by_others_are_read_or_refused_with_the_place(folder, table, content):
    for name, read, written in (("a.tsv", read_tsv, table), ("a.json", read_json, content)):
        path = folder / name
        path.write_bytes(written)
        with no_hang():
            try:
                read(path)
            except InputError as error:
                assert error.place == str(path)
