"""People whose measures are looked at for other ages, from an OUTPUT_DIR or a table."""

import logging
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from bids_brainage.app.files import people_of_table
from bids_brainage.app.frames import read_frame
from bids_brainage.app.group import output_sessions
from bids_brainage.app.model_inputs import model_inputs
from bids_brainage.bids.ages import parse_age
from bids_brainage.bids.extraction_logs import read_extraction
from bids_brainage.bids.outputs import extraction_log
from bids_brainage.bids.selection import missing_labels, split_labels
from bids_brainage.errors import BrainAgeError, InputError, MissingInputError, SelectionError
from bids_brainage.predict.traverser import MODALITY, Traverser

logger = logging.getLogger(__name__)
WOMEN, MEN = {"f", "female", "woman"}, {"m", "male", "man"}


@dataclass(frozen=True)
class Person:
    """One person, or one session of one.

    Parameters
    ----------
    vector
        Measures in the order of the model; None where there are none.
    problem
        Why there are none, in words.
    """

    participant_id: str
    session_id: str = ""
    age: float | None = None
    sex: str | None = None
    vector: np.ndarray | None = None
    problem: str = ""
    remarks: tuple[str, ...] = field(default=())

    @property
    def name(self) -> str:
        """Name of the person's folder."""
        text = "_".join(part for part in (self.participant_id, self.session_id) if part)
        return re.sub(r"[^\w+-]", "", text) or "person"


def read_people(
    source: Path, traverser: Traverser, participants: Sequence[str], sessions: Sequence[str]
) -> list[Person]:
    """Read the people of an OUTPUT_DIR of the participant level, or of a table.

    Parameters
    ----------
    participants, sessions
        Labels of those wanted; empty for all.

    Raises
    ------
    MissingInputError, InputError, SelectionError
        If the input is absent or no such thing, two of its rows cannot be told apart, or nobody
        is chosen.
    """
    read = _of_output_dir if source.is_dir() else _of_table
    there = read(source, traverser)
    wanted = split_labels(participants, "sub-")
    chosen = split_labels(sessions, "ses-")
    problems = [
        *missing_labels("participant", "sub-", wanted, [_label(p.participant_id) for p in there]),
        *missing_labels("session", "ses-", chosen, [_label(p.session_id) for p in there]),
    ]
    for problem in problems:
        logger.warning("%s", problem)
    people = [
        person
        for person in there
        if (not wanted or _label(person.participant_id) in wanted)
        and (not chosen or _label(person.session_id) in chosen)
    ]
    if not people:
        raise SelectionError("; ".join(problems) or "nobody in the input", place=source)
    name, count = Counter(person.name for person in people).most_common(1)[0]
    if count > 1:
        # Labels that differ in other characters alone have the same folder.
        alike = dict.fromkeys(person.participant_id for person in people if person.name == name)
        raise InputError(f"{count} rows of {' and '.join(alike)}", place=source,
                         hint="tell them apart by session_id or by letters")  # fmt: skip
    return people


def _label(text: str) -> str:
    return text.removeprefix("sub-").removeprefix("ses-")


def _of_output_dir(folder: Path, traverser: Traverser) -> list[Person]:
    people = []
    for key in output_sessions(folder):
        log = extraction_log(folder, key)
        if not log.is_file():
            continue
        person = Person(key.participant_id, key.session_id if key.session else "")
        try:
            extraction = read_extraction(log, key)
        except BrainAgeError as error:
            people.append(replace(person, problem=f"the extraction log is broken: {error}"))
            continue
        vectors, problems = model_inputs(folder, extraction, traverser.card)
        person = replace(person, age=extraction.age, sex=extraction.sex)
        if MODALITY in vectors:
            people.append(replace(person, vector=vectors[MODALITY]))
        else:
            why = "; ".join(problems) or extraction.reason or "no FreeSurfer morphometry"
            people.append(replace(person, problem=why))
    if not people:
        raise MissingInputError(
            "no extracted session",
            place=folder,
            hint="give an OUTPUT_DIR of the participant level, or a table",
        )
    return people


def _of_table(path: Path, traverser: Traverser) -> list[Person]:
    frame = read_frame(path)
    labels, features = people_of_table(frame, path, traverser.card)
    ages, sexes, sessions = (_texts(frame, name) for name in ("age", "sex", "session_id"))
    people = []
    for number, (label, vectors) in enumerate(zip(labels, features, strict=True)):
        age, note = parse_age(ages[number])
        sex = sexes[number]
        word = sex.strip().lower()
        known = "F" if word in WOMEN else "M" if word in MEN else None
        remarks = [note] if note and ages[number] else []
        if word and not known:
            remarks.append(f"sex {sex!r} is none of F, M")
        vector = vectors[MODALITY]
        empty = not np.isfinite(vector).any()
        people.append(
            Person(
                f"row-{number}" if pd.isna(label) else str(label), sessions[number], age, known,
                None if empty else vector, "no measure" if empty else "", tuple(remarks),
            )
        )  # fmt: skip
    return people


def _texts(frame: pd.DataFrame, name: str) -> list[str]:
    """Cells of a column as they were written; empty where there is none."""
    if name not in frame:
        return [""] * len(frame)
    return ["" if pd.isna(cell) else str(cell) for cell in frame[name].tolist()]
