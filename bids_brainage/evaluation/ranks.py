"""Ranks of weighted values, and the area under the curve that follows from them."""

import numpy as np


class Ranking:
    """Order of values, found once and used for many sets of weights.

    Parameters
    ----------
    values
        Without missing ones; (n,).
    """

    def __init__(self, values: np.ndarray) -> None:
        self.order = np.argsort(values, kind="stable")
        ordered = np.asarray(values)[self.order]
        n = len(ordered)
        new = np.ones(n, bool)
        new[1:] = ordered[1:] != ordered[:-1]
        starts = np.flatnonzero(new)
        tie = np.cumsum(new) - 1
        self._tied = len(starts) < n
        self._start = starts[tie]
        self._end = np.append(starts[1:], n)[tie] - 1
        self._back = np.argsort(self.order, kind="stable")

    def midranks(self, weights: np.ndarray) -> np.ndarray:
        """Ranks from 1 as if each value stood there as often as its weight; (samples, n)."""
        ordered = weights[:, self.order]
        upto = np.cumsum(ordered, axis=1)
        before = upto - ordered
        if self._tied:
            upto, before = upto[:, self._end], before[:, self._start]
        upto += before
        upto += 1
        upto /= 2
        return upto[:, self._back]

    def auc(self, positive: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Chance that a positive's value is above a negative's, ties half; NaN with one kind."""
        favourable, pairs = self.pairs(positive, weights)
        with np.errstate(invalid="ignore", divide="ignore"):
            return favourable / pairs

    def pairs(self, positive: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Weight of pairs in which the positive's value is above, and of all pairs."""
        chosen = positive.astype(bool)
        ranks = self.midranks(weights)[:, chosen]
        mine = weights[:, chosen]
        n_positive = mine.sum(axis=1)
        n_negative = weights.sum(axis=1) - n_positive
        above = np.einsum("ij,ij->i", ranks, mine) - n_positive * (n_positive + 1) / 2
        return above, n_positive * n_negative


def correlation(first: np.ndarray, second: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Spearman's correlation from two arrays of midranks; (samples,)."""
    middle = (weights.sum(axis=1, keepdims=True) + 1) / 2
    one, two = first - middle, second - middle
    weighted = one * weights
    cross = np.einsum("ij,ij->i", weighted, two)
    own = np.einsum("ij,ij->i", weighted, one)
    two_squared = np.einsum("ij,ij,ij->i", weights, two, two)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = cross / np.sqrt(own * two_squared)
    return np.where(own * two_squared > 0, found, np.nan)
