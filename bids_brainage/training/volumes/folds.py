"""Which people are left out together, and out-of-fold predictions."""

from collections.abc import Callable

import numpy as np

from bids_brainage.training.volumes.table import IMAGES, VolumeTable

KEPT = -1
Fit = Callable[[VolumeTable], Callable[[VolumeTable], np.ndarray]]


def person_folds(table: VolumeTable, method: str, n_folds: int, seed: int) -> np.ndarray:
    """Deal the people of one method to folds at random, sample by sample.

    Returns
    -------
    np.ndarray
        Fold of each person; -1 for people who always stay in training; shape (n,).
    """
    generator = np.random.default_rng(seed)
    fold = np.full(len(table), KEPT)
    start = 0
    for dataset in np.unique(table.datasets[table.methods == method]):
        people = np.unique(table.participants[(table.datasets == dataset)])
        dealt = (start + generator.permutation(len(people))) % n_folds
        where = dict(zip(people.tolist(), dealt.tolist(), strict=True))
        for row in np.flatnonzero((table.methods == method) & (table.datasets == dataset)):
            fold[row] = where[str(table.participants[row])]
        start += len(people)
    return fold


def group_folds(table: VolumeTable, method: str, groups: np.ndarray) -> np.ndarray:
    """Leave out one dataset or site of a method at a time; -1 for all others."""
    fold = np.full(len(table), KEPT)
    rows = table.methods == method
    fold[rows] = np.unique(groups[rows], return_inverse=True)[1]
    return fold


def out_of_fold(table: VolumeTable, folds: np.ndarray, fit: Fit) -> np.ndarray:
    """Predict every person of a fold by what was fitted on all people outside of it.

    Parameters
    ----------
    folds
        Fold of each person, -1 for people who are never tested; shape (n,).
    fit
        From training people to a function that predicts others.

    Returns
    -------
    np.ndarray
        Years, NaN for people who are never tested; shape (n,).
    """
    found = np.full(len(table), np.nan)
    for k in np.unique(folds[folds != KEPT]):
        test = folds == k
        found[test] = fit(table.subset(~test))(table.subset(test))
    return found


def fit_median(method: str = IMAGES) -> Fit:
    """Guess the median age of the training people of a method, of all if there are none."""

    def fit(training: VolumeTable) -> Callable[[VolumeTable], np.ndarray]:
        rows = training.methods == method
        guess = float(np.median(training.age[rows] if rows.any() else training.age))
        return lambda table: np.full(len(table), guess)

    return fit
