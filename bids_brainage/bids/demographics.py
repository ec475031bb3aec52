"""Age and sex of a session from the dataset's tables; they never fail a run."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from bids_brainage.bids.ages import parse_age, unit_of
from bids_brainage.bids.dataset import Dataset
from bids_brainage.bids.tables import (
    PARTICIPANT_COLUMNS,
    SESSION_COLUMNS,
    Table,
    bare_label,
    plain,
    read_table,
)
from bids_brainage.bids.text import read_json_object
from bids_brainage.records.session import Demographics, SessionKey

AGE_COLUMNS = (
    "age", "ageatscan", "agescan", "scanage", "ageatmri", "agemri", "ageatsession", "ageatvisit",
    "ageattesting", "ageattest", "ageatassessment", "ageyears", "ageinyears", "ageyrs", "ageyr",
    "agey", "participantage", "subjectage", "interviewage", "agegroup", "agerange", "agebin",
)  # fmt: skip
SEX_COLUMNS = ("sex", "biologicalsex", "sexatbirth", "birthsex", "sexassignedatbirth",
               "participantsex", "subjectsex", "sexmf", "sexfm", "gender", "gendermf",
               "participantgender", "sexgender", "gendersex")  # fmt: skip
MALE = frozenset({"m", "male", "man", "men", "boy", "masculine", "mann", "männlich", "maennlich",
                  "homme", "hombre", "uomo"})  # fmt: skip
FEMALE = frozenset({"f", "female", "woman", "women", "girl", "feminine", "w", "weiblich", "frau",
                    "femme", "mujer", "donna", "fem"})  # fmt: skip
MISSING_SEX = frozenset({"", "n/a", "na", "n.a.", "nan", "none", "null", "unknown", "unk", "-",
                         ".", "?", "-9", "-99", "-999", "999", "9999"})  # fmt: skip
NOT_AGE = frozenset({"onset", "diagnosis", "education", "menarche", "mother", "father", "parent",
                     "parental", "mental", "bone", "brain", "predicted", "gestational", "birth",
                     "corrected", "gap", "delta", "equivalent"})  # fmt: skip
UNIT_NAMES = {"interviewage": "months"}


@dataclass(frozen=True)
class _Row:
    """One row of a table, with the descriptions of its columns."""

    table: Table
    cells: tuple[str, ...]
    described: dict[str, Any]
    source: str
    notes: tuple[str, ...] = ()


def read_demographics(dataset: Dataset, key: SessionKey) -> Demographics:
    """Age and sex of a session: its sessions table first, then the participants table.

    Tables are read once per process. Whatever is wrong becomes a note.
    """
    notes: list[str] = []
    age: float | None = None
    sex: str | None = None
    missing: dict[str, str] = {}
    for row in table_rows(dataset, key, notes):
        used = False
        if age is None:
            age, note = _age(row)
            missing["age"] = _better(missing.get("age", ""), note if age is None else "")
            used |= age is not None
            if age is not None:
                notes.append(f"age {age:g} from {row.source}" + (f": {note}" if note else ""))
        if sex is None:
            sex, note = _sex(row)
            missing["sex"] = _better(missing.get("sex", ""), note if sex is None else "")
            used |= sex is not None
            if sex is not None:
                notes.append(f"sex {sex} from {row.source}")
        if used:
            notes += row.notes
        if age is not None and sex is not None:
            break
    for name, value in (("age", age), ("sex", sex)):
        if value is None:
            notes.append(missing.get(name) or f"no {name} in the dataset's tables")
    return Demographics(age, sex, tuple(dict.fromkeys(notes)))


def _better(first: str, second: str) -> str:
    """The more telling of two reasons: a value that cannot be used beats a missing column."""
    telling = [text for text in (first, second) if text and not text.startswith("no ")]
    return (telling or [first or second])[0]


def table_rows(dataset: Dataset, key: SessionKey, notes: list[str]) -> Iterator[_Row]:
    """Rows of a session: of its sessions table first, then of the participants tables."""
    if key.session:
        for root in dataset.table_roots:
            stem = f"{key.participant_id}_sessions"
            path = root / key.participant_id / f"{stem}.tsv"
            table = _usable(path, notes)
            column = table.find(SESSION_COLUMNS) if table else None
            if table is None or column is None:
                continue
            rows, remarks = _session_rows(table.rows, column, key)
            if rows:
                described = _described(root / "sessions.json") | _described(
                    path.with_suffix(".json")
                )
                yield _Row(table, rows[0], described, path.name, tuple(remarks))
    for root in dataset.table_roots:
        path = root / "participants.tsv"
        table = _usable(path, notes)
        if table is not None:
            row = _participant_row(dataset, key, table, path, notes)
            if row is not None:
                yield row
            elif table.rows:
                notes.append(f"{path.name} has no row of {key.participant_id}")


def _usable(path: Path, notes: list[str]) -> Table | None:
    table = read_table(path)
    if table is not None and table.problem:
        notes.append(table.problem)
        return None
    return table


def _participant_row(
    dataset: Dataset, key: SessionKey, table: Table, path: Path, notes: list[str]
) -> _Row | None:
    column = table.find(PARTICIPANT_COLUMNS)
    if column is None:
        notes.append(f"{path.name} has no participant_id column")
        return None
    labels = _row_index(table, column)
    rows = labels.get(key.participant, [])
    remarks: list[str] = []
    if not rows:
        near = [label for label in labels if _same_number(label, key.participant)]
        near = [label for label in near if label not in dataset.participants]
        alike = [label for label in dataset.participants if _same_number(label, key.participant)]
        if near and (len(near) > 1 or len(alike) > 1):
            notes.append(f"{path.name}: it is not clear which of {', '.join(map(repr, near))} is "
                         f"{', '.join(f'sub-{label}' for label in alike)}")  # fmt: skip
        if len(near) != 1 or len(alike) > 1:
            return None
        rows = labels[near[0]]
        remarks.append(f"row '{rows[0][column]}' is taken for {key.participant_id}")
    session = table.find(SESSION_COLUMNS)
    if session is not None and key.session:
        own, taken = _session_rows(rows, session, key)
        remarks += taken
        if not own and any(bare_label(r[session], "ses-") for r in rows):
            remarks.append(f"{path.name} has no row of {key.session_id}; the first row is used")
        rows = own or rows
    if len(rows) > 1:
        remarks.append(f"{path.name} has {len(rows)} rows of {key.stem}; the first is used")
    return _Row(table, rows[0], _described(path.with_suffix(".json")), path.name, tuple(remarks))


def _session_rows(
    rows: Sequence[tuple[str, ...]], column: int, key: SessionKey
) -> tuple[list[tuple[str, ...]], list[str]]:
    """Rows of the session, and a remark where leading zeros of its label were lost."""
    labels = [bare_label(row[column], "ses-") for row in rows]
    if key.session in labels:
        return [r for r, label in zip(rows, labels, strict=True) if label == key.session], []
    near = {label for label in labels if _same_number(label, key.session)}
    found = [r for r, label in zip(rows, labels, strict=True) if label in near]
    if len(near) != 1:
        return [], []
    return found, [f"row '{found[0][column]}' is taken for {key.session_id}"]


@lru_cache(maxsize=8)
def _row_index(table: Table, column: int) -> dict[str, list[tuple[str, ...]]]:
    index: dict[str, list[tuple[str, ...]]] = {}
    for row in table.rows:
        index.setdefault(bare_label(row[column], "sub-"), []).append(row)
    return index


def _same_number(first: str, second: str) -> bool:
    """Whether spreadsheet software may have cut the leading zeros of one label."""
    numbers = all(text.isascii() and text.isdecimal() for text in (first, second))
    return numbers and first.lstrip("0") == second.lstrip("0")


def _described(path: Path) -> dict[str, Any]:
    try:
        return _read_described(path, path.stat().st_mtime_ns)
    except OSError:
        return {}


@lru_cache(maxsize=64)
def _read_described(path: Path, _mtime: int) -> dict[str, Any]:
    content, _ = read_json_object(path)
    return {plain(str(k)): v for k, v in content.items() if isinstance(v, dict)}


def _age_columns(table: Table) -> list[int]:
    names = [plain(column) for column in table.columns]
    known = [names.index(name) for name in AGE_COLUMNS if name in names]
    others = []
    for index, column in enumerate(table.columns):
        split = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", column).lower()
        words = set(re.split(r"[\W_\d]+", split))
        if index not in known and "age" in words and not words & NOT_AGE:
            others.append(index)
    return known + others


def _age(row: _Row) -> tuple[float | None, str]:
    problem = "no age column"
    for index in _age_columns(row.table):
        column = row.table.columns[index]
        stated = row.described.get(plain(column), {})
        unit, remark = _unit(column, stated)
        age, note = parse_age(row.cells[index], unit)
        if age is not None:
            return age, "; ".join(text for text in (note, remark) if text)
        problem = note
    return None, f"{problem} ({row.source})"


def _unit(column: str, described: dict[str, Any]) -> tuple[str, str]:
    stated = str(described.get("Units") or described.get("units") or described.get("Unit") or "")
    unit = unit_of(stated)
    if unit is None:
        words = re.split(r"[\W_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", column).lower())[1:]
        named = [w for w in words if len(w) > 1 and w.isalpha()]
        unit = unit_of(" ".join(named)) or UNIT_NAMES.get(plain(column))
        if stated and unit is None:
            return "years", f"unit '{stated[:40]}' is not known, years are assumed"
    unit = unit or "years"
    return unit, "" if unit == "years" else f"given in {unit}"


def _sex(row: _Row) -> tuple[str | None, str]:
    problem = f"no sex column ({row.source})"
    names = [plain(column) for column in row.table.columns]
    for name in SEX_COLUMNS:
        if name in names:
            cell = row.cells[names.index(name)]
            sex, note = _read_sex(cell, row.described.get(name, {}))
            if sex is not None:
                return sex, note
            problem = f"{note} ({row.source})"
    return None, problem


def _read_sex(cell: str, described: dict[str, Any]) -> tuple[str | None, str]:
    levels = described.get("Levels") or described.get("levels")
    meanings = {}
    for code, meaning in levels.items() if isinstance(levels, dict) else ():
        told = _word(meaning)
        if told:
            meanings[_code(str(code))] = told
        elif reverse := _word(code):  # written the other way round: {"male": 1}
            meanings[_code(str(meaning))] = reverse
    sex = meanings.get(_code(cell)) or _word(cell)
    if sex is not None:
        return sex, ""
    if cell.lower() in MISSING_SEX:
        return None, "sex is missing"
    if re.fullmatch(r"-?\d+(\.0+)?", cell):
        return None, (f"sex code {cell} is not explained: add Levels to participants.json, for "
                      'example {"sex": {"Levels": {"1": "male", "2": "female"}}}')  # fmt: skip
    return None, f"sex '{cell[:40]}' is neither female nor male"


def _code(text: str) -> str:
    code = text.strip().lower()
    number = re.fullmatch(r"0*(\d+?)(\.0+)?", code)
    return number[1] if number else code


def _word(meaning: Any) -> str | None:
    if isinstance(meaning, dict):
        texts = [meaning.get("LongName"), meaning.get("Label"), meaning.get("Description")]
        return next((w for w in map(_word, texts) if w), None)
    words = str(meaning).strip().lower()
    first = re.split(r"[\s,;(/]+", words)[0] if words else ""
    return "M" if first in MALE else "F" if first in FEMALE else None
