"""Every way to write age and sex: read right or left out with the reason, never another's."""

import json

import pytest

from tests.hard.app import app, rows
from tests.people import Person, write_dataset

# Cell of the age column, age that is read.
AGES = {
    "plain": ("31", "31"), "decimal": ("31.5", "31.5"), "comma": ("31,5", "31.5"),
    "unit": ("31 years", "31"), "short": ("031Y", "31"), "iso": ("P31Y6M", "31.5"),
    "months": ("372 months", "31"), "open": ("89+", "89"), "above": (">89", "89"),
    "range": ("30-32", "31"), "quoted": ('"31"', "31"), "spaces": ("  31 ", "31"),
    "na": ("n/a", "n/a"), "empty": ("", "n/a"), "code": ("-999", "n/a"), "nan": ("NaN", "n/a"),
    "words": ("thirty-one", "n/a"), "negative": ("-31", "n/a"), "old": ("310", "n/a"),
    "date": ("1990-05-01", "n/a"), "huge": ("1e400", "n/a"), "formula": ("=31", "n/a"),
    "html": ("<b>31</b>", "n/a"), "minus": ("\N{MINUS SIGN}31", "n/a"),
    "arabic": ("\u0663\u0661", None),
}  # fmt: skip
SEXES = {
    "M": "M", "F": "F", "m": "M", "f": "F", "male": "M", "Female": "F", "MALE": "M", "man": "M",
    "woman": "F", "1": "n/a", "2": "n/a", "0": "n/a", "other": "n/a", "n/a": "n/a", "": "n/a",
    "X": "n/a", "=F": "n/a", "M;F": None,
}  # fmt: skip
HEADERS = (
    "participant_id\tage\tsex", "participant_id\tAge\tSex", "Participant_ID\tAGE\tGENDER",
    "participant_id\tage_years\tgender", "subject\tage (years)\tsex",
    "\ufeffparticipant_id\tage\tsex", "participant_id,age,sex", "participant_id;age;sex",
)  # fmt: skip


def run(tmp_path, typical, table, labels, encoding="utf-8"):
    bids = write_dataset(tmp_path / "bids", [Person(x, measures=typical) for x in labels])
    content = table if isinstance(table, bytes) else table.encode(encoding)
    (bids / "participants.tsv").write_bytes(content)
    done = app(bids, tmp_path / "out", "participant")
    assert done.code == 0
    return bids, rows(tmp_path / "out")


def test_every_way_to_write_an_age(tmp_path, typical, without_pages):
    lines = [f"sub-{name}\t{cell}\tF" for name, (cell, _) in AGES.items()]
    table = "\n".join(["participant_id\tage\tsex", *lines])
    _, found = run(tmp_path, typical, table, AGES)
    assert {n: found[f"sub-{n}"]["age"] for n, (_, age) in AGES.items() if age} == {
        n: age for n, (_, age) in AGES.items() if age
    }
    for row in found.values():
        assert (row["age"] == "n/a") == (row["brain_age_gap"] == "n/a")
        assert row["predicted_age"] != "n/a"


def test_every_way_to_write_a_sex(tmp_path, typical, without_pages):
    labels = [f"s{number}" for number in range(len(SEXES))]
    lines = [f"sub-{label}\t30\t{cell}" for label, cell in zip(labels, SEXES, strict=True)]
    _, found = run(tmp_path, typical, "\r\n".join(["participant_id\tage\tsex", *lines]), labels)
    given = dict(zip(labels, SEXES.values(), strict=True))
    assert {n: found[f"sub-{n}"]["sex"] for n, sex in given.items() if sex} == {
        n: sex for n, sex in given.items() if sex
    }


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_header_delimiter_and_line_end(tmp_path, typical, without_pages, header, end):
    mark = next(d for d in "\t;," if d in header)
    table = end.join([header, mark.join(["sub-02", "40", "M"]), mark.join(["sub-01", "30", "F"])])
    _, found = run(tmp_path, typical, table, ["01"])
    assert (found["sub-01"]["age"], found["sub-01"]["sex"]) == ("30", "F")


@pytest.mark.parametrize(
    "table",
    [
        b"", b"\n\n", b"participant_id\tage\tsex\n", b"sub-01\t30\tF\n", bytes(range(256)) * 20,
        b"participant_id\tage\nsub-01", b"age\tsex\n30\tF\n", b"\xff\xfep\x00",
        b"participant_id\tage\tsex\nsub-02\t30\tF\n", b'"' * 1000, b"\t" * 1000,
        b"participant_id\tage\tage\nsub-02\t1\t2\n", b"/annex/objects/MD5E-s9--0.tsv\n",
    ],
)  # fmt: skip
def test_no_table_spoils_the_prediction_or_lends_another_s_age(
    tmp_path, typical, without_pages, table
):
    _, found = run(tmp_path, typical, table, ["01"])
    assert found["sub-01"]["age"] == "n/a" and found["sub-01"]["predicted_age"] != "n/a"


def test_rows_are_never_taken_for_another_person(tmp_path, typical, without_pages):
    labels = ["01", "1", "001", "10", "1a", "A1", "a1"]
    lines = [f"sub-{label}\t{30 + number}\tF" for number, label in enumerate(labels)]
    lines += ["sub-2\t99\tF", "sub-01 \t98\tF", "sub-1\t97\tF", "../sub-10\t96\tF", "sub-1*\t95\tF"]
    _, found = run(tmp_path, typical, "\n".join(["participant_id\tage\tsex", *lines]), labels)
    assert {label: found[f"sub-{label}"]["age"] for label in labels} == {
        label: str(30 + number) for number, label in enumerate(labels)
    }


def test_sessions_have_their_own_ages(tmp_path, typical, without_pages):
    people = [Person("01", s, measures=typical) for s in ("a", "b", "c", "d")]
    bids = write_dataset(tmp_path / "bids", [*people, Person("02", "a", measures=typical)])
    (bids / "participants.tsv").write_text(
        "participant_id\tsession_id\tage\tsex\nsub-01\tses-a\t20\tF\nsub-01\tses-b\t21\tF\n"
        "sub-02\tses-a\t50\tM\n"
    )
    (bids / "sub-01" / "sub-01_sessions.tsv").write_bytes(
        b"\xef\xbb\xbfSession_ID\tAge\r\nses-b\t252 months\r\nses-c\tn/a\r\nses-d\t\r\n"
    )
    (bids / "sub-01" / "sub-01_sessions.json").write_text(json.dumps(["no object"]))
    assert app(bids, tmp_path / "out", "participant").code == 0
    found = rows(tmp_path / "out")
    assert found["sub-01_ses-a"]["age"] == "20" and found["sub-01_ses-b"]["age"] == "21"
    assert found["sub-02_ses-a"]["age"] == "50" and found["sub-02_ses-a"]["sex"] == "M"
    assert {found[f"sub-01_ses-{s}"]["age"] for s in "cd"} <= {"n/a", "20"}
    assert {found[f"sub-01_ses-{s}"]["sex"] for s in "abcd"} == {"F"}
