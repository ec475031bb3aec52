"""Files of labels, one per person: arrays, and tables matched by subject or by order."""

import csv
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bids_brainage.errors import InputError, MissingInputError
from bids_brainage.training.array_files import BROKEN

logger = logging.getLogger(__name__)
SUBJECT = "Subject"


def read_texts(path: Path, column: str, subjects: Sequence[str] | None = None) -> list[str]:
    """Read labels as texts in the order of the people, from an array or a table.

    Parameters
    ----------
    column
        ``age`` or ``sex``.
    subjects
        People in order, to whom a table with a column Subject is matched.

    Raises
    ------
    MissingInputError, InputError
        If the file is absent, cannot be read, or does not fit the people.
    """
    if not path.is_file():
        raise MissingInputError("no such file of labels", place=path)
    texts = _array_texts(path) if path.suffix == ".npy" else _table_texts(path, column, subjects)
    if subjects is not None and len(texts) != len(subjects):
        raise InputError(
            f"{len(texts)} labels for {len(subjects)} people",
            place=path,
            hint="one label per person in the same order, or a column Subject",
        )
    return texts


def _array_texts(path: Path) -> list[str]:
    try:
        values = np.load(path, allow_pickle=False)
    except BROKEN as error:
        raise InputError(f"cannot read the array: {error}", place=path) from error
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "fiubU":
        raise InputError("not an array of numbers or texts", place=path)
    flat = values.reshape(-1)
    return [f"{v:g}" if flat.dtype.kind in "fiub" else str(v) for v in flat]


def _table_texts(path: Path, column: str, subjects: Sequence[str] | None) -> list[str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            delimiter = "\t" if path.suffix == ".tsv" else ","
            rows = [row for row in csv.reader(handle, delimiter=delimiter) if row]
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(f"cannot read the table: {error}", place=path) from error
    if not rows:
        raise InputError("the table is empty", place=path)
    header = [name.strip().lower() for name in rows[0]]
    wanted = {"age": ("age", "bin", "age_bin"), "sex": ("sex", "gender")}[column]
    at = next((header.index(name) for name in wanted if name in header), None)
    if at is None:
        if len(header) > 1:
            raise InputError(f"no column {column}", place=path, hint=f"columns: Subject, {column}")
        # One column; a header that is no label is passed over.
        titled = header[0] in ("label", "labels", "0", "x") and len(rows) - 1 == len(subjects or ())
        return [row[0] for row in rows[titled:]]
    named = SUBJECT.lower() in header
    try:
        if not named or subjects is None:
            return [row[at] for row in rows[1:]]
        key = header.index(SUBJECT.lower())
        known: dict[str, str] = {}
        for row in rows[1:]:
            subject, text = row[key].strip(), row[at]
            if known.setdefault(subject, text).strip() != text.strip():
                raise InputError(f"{column} of subject {subject} is both '{known[subject]}' and "
                                 f"'{text}'", place=path, hint="keep one")  # fmt: skip
    except IndexError as error:
        raise InputError("a row is shorter than the header", place=path) from error
    if unknown := [subject for subject in subjects if subject not in known]:
        if len(unknown) == len(subjects):
            raise InputError(f"none of {len(subjects)} people, such as {unknown[0]}, is in it",
                             place=path, hint="write subjects as in the table")  # fmt: skip
        logger.warning("%s has no %s of %d people, such as %s", path, column, len(unknown),
                       unknown[0])  # fmt: skip
    return [known.get(subject, "") for subject in subjects]
