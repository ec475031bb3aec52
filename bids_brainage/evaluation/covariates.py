"""Columns of people as the columns of a linear model."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bids_brainage.bids.expression import MISSING

FEW_VALUES = 5


def numbers(cells: Sequence[str]) -> np.ndarray | None:
    """Cells as numbers, NaN for missing; None if any cell is another text."""
    found = []
    for cell in cells:
        try:
            found.append(math.nan if is_missing(cell) else float(cell))
        except ValueError:
            return None
    values = np.array(found)
    return None if np.isinf(values).any() else values


def is_missing(cell: str) -> bool:
    """Tell whether a cell stands for nothing."""
    return cell.strip().lower() in MISSING


def is_continuous(cells: Sequence[str]) -> bool:
    """Tell whether a column is compared by a slope instead of by groups.

    It is if all cells are numbers, and more than five different or not whole.
    """
    values = numbers(cells)
    if values is None:
        return False
    known = np.unique(values[np.isfinite(values)])
    return known.size > FEW_VALUES or bool((known != np.round(known)).any())


@dataclass(frozen=True)
class Covariate:
    """One covariate of every person.

    Parameters
    ----------
    cells
        As the table has them.
    categories
        Take different texts, or numbers, as categories without an order, such as sites.
    """

    name: str
    cells: tuple[str, ...]
    categories: bool = False

    def known(self) -> np.ndarray:
        """Tell who has it; shape (n,)."""
        return np.array([not is_missing(cell) for cell in self.cells])

    def lonely(self, rows: np.ndarray) -> np.ndarray:
        """Tell who is alone in a category among some people; shape (n,)."""
        if not self._categorical():
            return np.zeros(len(rows), bool)
        cells = np.array(self.cells)
        names, counts = np.unique(cells[rows], return_counts=True)
        return np.isin(cells, names[counts < 2]) & rows

    def columns(self, rows: np.ndarray) -> np.ndarray:
        """Columns of the model for some people: none for a constant."""
        if not self._categorical():
            values = numbers(self.cells)
            assert values is not None
            chosen = values[rows]
            if np.ptp(chosen) == 0:
                return np.empty((len(chosen), 0))
            return ((chosen - chosen.mean()) / chosen.std())[:, None]
        cells = np.array(self.cells)[rows]
        return (cells[:, None] == np.unique(cells)[None, 1:]).astype(float)

    def _categorical(self) -> bool:
        return self.categories or numbers(self.cells) is None
