"""Participant and session tables as people write them: any delimiter, encoding, header case."""

import csv
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from bids_brainage.bids.text import read_text

PARTICIPANT_COLUMNS = ("participantid", "participant", "participantlabel", "subjectid", "subject",
                       "subjectlabel", "subid", "sub", "subj", "id")  # fmt: skip
SESSION_COLUMNS = ("sessionid", "session", "ses", "sessionlabel", "sesid")


@dataclass(frozen=True, eq=False)
class Table:
    """Cells of a table as text, stripped, with the column names as written.

    Parameters
    ----------
    rows
        One tuple per row, as long as ``columns``.
    problem
        Why the table cannot be used, in plain words; empty if it can.
    """

    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    problem: str = ""

    def find(self, names: tuple[str, ...]) -> int | None:
        """Index of the first column with one of the normalised names, in the order of names."""
        known = [plain(column) for column in self.columns]
        return next((known.index(name) for name in names if name in known), None)


def plain(text: str) -> str:
    """Letters and digits of a name in lower case."""
    return re.sub(r"[\W_]+", "", text.lower())


def read_table(path: Path) -> Table | None:
    """Read a table; None if there is no such file. Cached per process until the file changes."""
    try:
        stat = path.stat()
    except OSError:
        broken = f"{path.name} is a broken link (with DataLad: datalad get)"
        return Table(problem=broken) if path.is_symlink() else None
    return _read(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=64)
def _read(path: Path, _mtime: int, _size: int) -> Table:
    try:
        text = read_text(path)
    except OSError as error:
        return Table(problem=f"{path.name} cannot be read ({error.strerror or error})")
    lines = [line for line in re.split(r"\r\n|\r|\n", text.replace("\0", "")) if line.strip()]
    if not lines:
        return Table(problem=f"{path.name} is empty")
    delimiter = _delimiter(lines[0])
    header = _cells(lines[0], delimiter)
    while len(header) > 1 and not header[-1]:
        header.pop()
    if header[0].lower().startswith(("sub-", "ses-")):
        return Table(problem=f"{path.name} has no header line, so its columns cannot be told")
    width = len(header)
    rows = []
    for line in lines[1:]:
        cells = _cells(line, delimiter)[:width]
        rows.append(tuple(cells + [""] * (width - len(cells))))
    return Table(tuple(header), tuple(rows))


def _delimiter(header: str) -> str:
    return next((d for d in ("\t", ";", ",") if d in header), " ")


def _cells(line: str, delimiter: str) -> list[str]:
    # A tab table is split by hand: one stray quote would swallow the lines after it.
    if delimiter == " ":
        cells = line.split()
    elif delimiter == "\t" or '"' not in line:
        cells = line.split(delimiter)
    else:
        try:
            cells = next(csv.reader([line], delimiter=delimiter))
        except csv.Error:
            cells = line.split(delimiter)
    return [cell.strip().strip("\"'").strip() for cell in cells]


def bare_label(cell: str, prefix: str) -> str:
    """Label without its prefix, for example ``01`` for ``sub-01`` or ``Sub-01``."""
    return cell[len(prefix) :] if cell.lower().startswith(prefix) else cell


def participant_labels(path: Path) -> set[str]:
    """Participant labels that a participants table lists; empty if it cannot be used."""
    table = read_table(path)
    column = table.find(PARTICIPANT_COLUMNS) if table else None
    if table is None or column is None:
        return set()
    return {bare_label(row[column], "sub-") for row in table.rows} - {""}
