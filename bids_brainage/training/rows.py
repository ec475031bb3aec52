"""Rows of the cross-validation table and their out-of-fold predictions."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

INPUTS = ("morphometry", "connectivity", "both")
Predictions = dict[str, tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Row:
    """One model of the table.

    Parameters
    ----------
    slug
        Short name, also of its checkpoint.
    label
        Name in the table.
    people
        Who it was trained on: ``connected`` (people with connectivity) or ``all``.
    run
        Gives out-of-fold log ages and female scores per input; NaN where not predicted.
    """

    slug: str
    label: str
    people: str
    run: Callable[[], Predictions]


def empty_predictions(n: int, inputs: tuple[str, ...]) -> Predictions:
    """Return predictions that are all missing."""
    return {name: (np.full(n, np.nan), np.full(n, np.nan)) for name in inputs}
