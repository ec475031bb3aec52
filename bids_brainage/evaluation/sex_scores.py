"""Scores of the predicted probability of being female, with and without head size."""

import numpy as np

from bids_brainage.evaluation.ranks import Ranking
from bids_brainage.evaluation.reliability import BINS, CalibrationLine, bin_of, logit

THRESHOLD = 0.5
STRATA = 10


class SexScores:
    """Scores as functions of how often each person is drawn; female is the positive class.

    Parameters
    ----------
    female
        1 for women, 0 for men; (n,).
    probability
        Predicted probability of being female; (n,).
    """

    def __init__(self, female: np.ndarray, probability: np.ndarray) -> None:
        self._female = np.asarray(female, float)
        probability = np.asarray(probability, float)
        guess = (probability >= THRESHOLD).astype(float)
        number = bin_of(probability)
        excess = probability - self._female
        sums = [np.ones_like(excess), self._female, guess, guess * self._female, excess**2]
        sums += [np.where(number == i, excess, 0.0) for i in range(BINS)]
        self._sums = np.column_stack(sums)
        self._ranks = Ranking(probability)
        self._probability = probability
        self._line: CalibrationLine | None = None

    def __call__(self, weights: np.ndarray, brief: bool = False) -> dict[str, np.ndarray]:
        """Score samples.

        Parameters
        ----------
        weights
            How often each person is in each sample; (samples, n).
        brief
            Leave out calibration.

        Returns
        -------
        dict[str, numpy.ndarray]
            One value per sample of each score.
        """
        n, women, called, hits, square, *excess = (weights @ self._sums).T
        men, false = n - women, called - hits
        with np.errstate(invalid="ignore", divide="ignore"):
            sensitivity, specificity = hits / women, (men - false) / men
            found = {
                "accuracy": (hits + men - false) / n,
                "balanced_accuracy": (sensitivity + specificity) / 2,
                "f1": np.where(called + women > 0, 2 * hits / (called + women), 0.0),
                "precision": np.where(called > 0, hits / called, 0.0),
                "recall": np.where(women > 0, sensitivity, 0.0),
                "specificity": specificity,
                "brier": square / n,
            }
        found["auc"] = self._ranks.auc(self._female, weights)
        if not brief:
            found["calibration_error"] = np.abs(excess).sum(axis=0) / n
            self._line = self._line or CalibrationLine(self._female, self._probability)
            found["calibration_slope"], found["calibration_intercept"] = self._line(weights)
        return found


class HeadSizeScores:
    """How much of the sex told is told beyond the size of the head.

    Parameters
    ----------
    female, probability
        As for :class:`SexScores`.
    head
        Head size, such as the intracranial volume, in any unit; (n,).

    Notes
    -----
    Slopes are those of everyone evaluated; they stay as they are from draw to draw.
    """

    def __init__(self, female: np.ndarray, probability: np.ndarray, head: np.ndarray) -> None:
        self._female = np.asarray(female, float)
        odds, head = logit(np.asarray(probability, float)), np.asarray(head, float)
        self._rankings = {
            "auc_head_size": Ranking(-head),
            "auc_same_head_size": Ranking(odds - self._slope(odds, head, within=True) * head),
            "auc_without_head_size": Ranking(odds - self._slope(odds, head, within=False) * head),
        }
        edges = np.quantile(head, np.linspace(0, 1, STRATA + 1)[1:-1])
        stratum = np.searchsorted(edges, head, side="right")
        chosen = [np.flatnonzero(stratum == i) for i in range(STRATA)]
        self._strata = [(rows, Ranking(odds[rows])) for rows in chosen if len(rows)]

    def __call__(self, weights: np.ndarray) -> dict[str, np.ndarray]:
        """Score samples.

        Returns
        -------
        dict[str, numpy.ndarray]
            Areas under the curve per sample: ``auc_head_size`` of the head's size alone, the
            smaller the more female; ``auc_same_head_size`` of the log odds less their slope on
            head size within the sexes, so of a woman and a man of equal head size;
            ``auc_without_head_size`` of the log odds less their slope over everyone, which also
            takes away what sex and head size share; ``auc_head_size_strata`` over pairs from the
            same tenth of head size.
        """
        found = {name: r.auc(self._female, weights) for name, r in self._rankings.items()}
        above, pairs = np.zeros(len(weights)), np.zeros(len(weights))
        for rows, ranking in self._strata:
            one, all_of_them = ranking.pairs(self._female[rows], weights[:, rows])
            above, pairs = above + one, pairs + all_of_them
        with np.errstate(invalid="ignore", divide="ignore"):
            return found | {"auc_head_size_strata": above / pairs}

    def _slope(self, odds: np.ndarray, head: np.ndarray, *, within: bool) -> float:
        """Slope of the log odds on head size, over everyone or pooled within the sexes."""
        y, x = odds.copy(), head.copy()
        sexes = self._female == 1
        for chosen in (sexes, ~sexes) if within else (np.ones(len(x), bool),):
            if chosen.any():
                y[chosen] -= y[chosen].mean()
                x[chosen] -= x[chosen].mean()
        square = float(x @ x)
        return float(x @ y) / square if square > 0 else 0.0
