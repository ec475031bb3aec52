"""What the statistics of the group level need of the group table and of the dataset's tables."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path

import numpy as np

from bids_brainage.bids.cells import find_column, read_cells
from bids_brainage.bids.dataset import Dataset
from bids_brainage.bids.expression import MISSING
from bids_brainage.bids.outputs import iterate_tsv
from bids_brainage.records.prediction import FUSION, columns
from bids_brainage.records.session import SessionKey

SITE = "site"
TEXTS = ("participant_id", "session_id", "model", "modalities", "status", "sex")
NUMBERS = ("age", "predicted_age", "brain_age_gap", "mean_fd")


@dataclass(frozen=True)
class GroupPeople:
    """Columns of the group table, one value per row, and those of the dataset that are wanted.

    Parameters
    ----------
    texts, numbers
        Columns of the group table.
    cells
        Wanted column, as the tables spell it, to its cells.
    known
        Names of all columns there are.
    """

    texts: dict[str, np.ndarray]
    numbers: dict[str, np.ndarray]
    cells: dict[str, np.ndarray]
    known: tuple[str, ...]

    @cached_property
    def usable(self) -> np.ndarray:
        """Rows with a predicted age."""
        return (self.texts["status"] == "ok") & np.isfinite(self.numbers["predicted_age"])

    @cached_property
    def person(self) -> np.ndarray:
        """Number of the participant of each row."""
        return np.unique(self.texts["participant_id"], return_inverse=True)[1]

    @property
    def models(self) -> list[str]:
        """Models with a prediction, in the table's order."""
        return list(dict.fromkeys(self.texts["model"][self.usable].tolist()))

    @property
    def tested(self) -> list[str]:
        """Models whose gap is compared: the headline, or all where there is none."""
        return [FUSION] if FUSION in self.models else self.models

    def of(self, model: str) -> np.ndarray:
        """Usable rows of a model."""
        return self.usable & (self.texts["model"] == model)

    def first(self, rows: np.ndarray) -> np.ndarray:
        """Of some rows, the first of each participant."""
        places = np.flatnonzero(rows)
        _, kept = np.unique(self.person[places], return_index=True)
        result = np.zeros(len(rows), bool)
        result[places[kept]] = True
        return result

    def column(self, name: str, place: str) -> np.ndarray:
        """Cells of a wanted column; raises as :func:`find_column`."""
        return self.cells[find_column(name, self.known, place)]


def read_people(table: Path, dataset: Dataset | None, wanted: Sequence[str]) -> GroupPeople:
    """Read the group table once, and the dataset's tables beside it.

    A column of the group table, such as age, sex or mean_fd, comes before one of the same name in
    the dataset's tables.

    Parameters
    ----------
    wanted
        Columns to keep, in any capitals; those that do not exist are left out.
    """
    texts: dict[str, list[str]] = {name: [] for name in TEXTS}
    numbers: dict[str, list[float]] = {name: [] for name in NUMBERS}
    kept: dict[str, list[str]] = {}
    known = dict.fromkeys(columns())
    names = {name.lower() for name in wanted}
    n_rows = 0
    rows = iterate_tsv(table)
    for (participant, session), group in groupby(rows, _session):
        found: dict[str, str] = {}
        if dataset is not None:
            key = SessionKey(participant.removeprefix("sub-"), session.removeprefix("ses-"))
            found = read_cells(dataset, key)
            known |= dict.fromkeys(found)
        for row in group:
            for name, column in texts.items():
                column.append("" if row.get(name, "") == "n/a" else row.get(name, ""))
            for name, values in numbers.items():
                values.append(_number(row.get(name, "")))
            for name, cell in (found | row).items():
                if name.lower() in names:
                    column = kept.setdefault(name, [])
                    column.extend([""] * (n_rows - len(column)))
                    column.append(cell)
            n_rows += 1
    return GroupPeople(
        texts={name: np.array(column, dtype=str) for name, column in texts.items()},
        numbers={name: np.array(values) for name, values in numbers.items()},
        cells={name: np.array(_filled(column, n_rows), dtype=str) for name, column in kept.items()},
        known=tuple(known),
    )


def site_column(people: GroupPeople, name: str) -> str:
    """Column of the site: that which is named, else ``site`` where there is one, else empty."""
    if name:
        return find_column(name, people.known, "--site-column")
    return next((c for c in people.known if c.lower() == SITE), "")


def plain_cells(cells: Iterable[str]) -> np.ndarray:
    """Cells with nothing where they stand for nothing."""
    return np.array(["" if cell.strip().lower() in MISSING else cell.strip() for cell in cells])


def _session(row: dict[str, str]) -> tuple[str, str]:
    session = row.get("session_id", "")
    return row.get("participant_id", ""), "" if session == "n/a" else session


def _filled(column: list[str], n: int) -> list[str]:
    return column + [""] * (n - len(column))


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return math.nan
