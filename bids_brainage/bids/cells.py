"""Any column of the dataset's participants and sessions tables, session by session."""

import difflib
from collections.abc import Iterable

from bids_brainage.bids.dataset import Dataset
from bids_brainage.bids.demographics import table_rows
from bids_brainage.bids.expression import MISSING
from bids_brainage.bids.tables import PARTICIPANT_COLUMNS, SESSION_COLUMNS, plain
from bids_brainage.errors import UsageError
from bids_brainage.records.session import SessionKey

SHOWN = 30
IDENTIFIERS = frozenset({*PARTICIPANT_COLUMNS, *SESSION_COLUMNS})


def read_cells(dataset: Dataset, key: SessionKey) -> dict[str, str]:
    """Cells of a session by column: its sessions table's first, then the participants table's.

    A missing cell of the first table is filled from the next; identifiers are left out.
    """
    cells: dict[str, str] = {}
    for row in table_rows(dataset, key, []):
        for name, cell in zip(row.table.columns, row.cells, strict=True):
            missing = cells.get(name, "").strip().lower() in MISSING
            if plain(name) not in IDENTIFIERS and missing:
                cells[name] = cell
    return cells


def find_column(name: str, columns: Iterable[str], place: str) -> str:
    """Spelling of a column as the tables have it; capitals need not agree where it is clear.

    Parameters
    ----------
    place
        Option, for the message.

    Raises
    ------
    UsageError
        If there is no such column; with those that are alike and those there are.
    """
    known = list(dict.fromkeys(columns))
    if name in known:
        return name
    alike = [column for column in known if column.lower() == name.lower()]
    if len(alike) == 1:
        return alike[0]
    lower = {column.lower(): column for column in known}
    near = [lower[m] for m in difflib.get_close_matches(name.lower(), lower, n=3)]
    listed = ", ".join(known[:SHOWN]) + (", …" if len(known) > SHOWN else "")
    meant = f"did you mean {' or '.join(near)}? " if near else ""
    raise UsageError(
        f"no column '{name}' in the dataset's tables or the group table",
        place=place,
        hint=f"{meant}there are: {listed}",
    )
