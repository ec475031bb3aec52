"""Scores of out-of-fold predictions of sex, age bins and age, with their spread over folds."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import roc_auc_score

from bids_brainage.evaluation.metrics import balanced_accuracy

MIN_OF_SEX = 5
Found = dict[str, tuple[float, float]]


@dataclass(frozen=True)
class Score:
    """One number of the table.

    Parameters
    ----------
    features, width
        Kind of features and how many there are.
    model, target, scheme, metric
        What was told how, and how it is scored.
    value
        Over all people.
    sd
        Standard deviation over the folds.
    n
        Number of people.
    """

    features: str
    width: int
    model: str
    target: str
    scheme: str
    metric: str
    value: float
    sd: float
    n: int


def score_sexes(
    female: np.ndarray, chance: np.ndarray, folds: np.ndarray, samples: np.ndarray
) -> Found:
    """Score probabilities of being female: accuracy, balanced accuracy, AUC, AUC within samples.

    The pooled AUC counts differences between samples of other sex ratios; that within samples,
    their mean weighed by people, does not.
    """
    told = (chance >= 0.5).astype(int)
    truth = female.astype(int)
    return {
        "accuracy": _spread(lambda rows: _accuracy(truth[rows], told[rows]), folds),
        "balanced_accuracy": _spread(
            lambda rows: balanced_accuracy(truth[rows], told[rows]), folds
        ),
        "auc": _spread(lambda rows: _auc(truth[rows], chance[rows]), folds),
        "auc_within_samples": _spread(
            lambda rows: _auc_within(truth[rows], chance[rows], samples[rows]), folds
        ),
    }


def score_bins(codes: np.ndarray, told: np.ndarray, folds: np.ndarray) -> Found:
    """Score bins of age: accuracy and balanced accuracy."""
    return {
        "accuracy": _spread(lambda rows: _accuracy(codes[rows], told[rows]), folds),
        "balanced_accuracy": _spread(
            lambda rows: balanced_accuracy(codes[rows], told[rows]), folds
        ),
    }


def score_ages(age: np.ndarray, told: np.ndarray, folds: np.ndarray) -> Found:
    """Score ages: mean absolute error in years and Pearson correlation."""
    return {
        "mae": _spread(lambda rows: float(np.abs(age[rows] - told[rows]).mean()), folds),
        "r": _spread(lambda rows: _correlation(age[rows], told[rows]), folds),
    }


def _spread(score: Callable[[np.ndarray], float], folds: np.ndarray) -> tuple[float, float]:
    """Score over everybody, and its standard deviation over folds."""
    each = [score(np.flatnonzero(folds == fold)) for fold in np.unique(folds)]
    known = [value for value in each if np.isfinite(value)]
    sd = float(np.std(known, ddof=1)) if len(known) > 1 else float("nan")
    return score(np.arange(len(folds))), sd


def _accuracy(truth: np.ndarray, told: np.ndarray) -> float:
    return float((truth == told).mean())


def _auc(truth: np.ndarray, score: np.ndarray) -> float:
    if len(np.unique(truth)) < 2:
        return float("nan")
    return float(roc_auc_score(truth, score))


def _auc_within(truth: np.ndarray, score: np.ndarray, samples: np.ndarray) -> float:
    found, weights = [], []
    for sample in np.unique(samples):
        rows = samples == sample
        if min((truth[rows] == 0).sum(), (truth[rows] == 1).sum()) >= MIN_OF_SEX:
            found.append(_auc(truth[rows], score[rows]))
            weights.append(int(rows.sum()))
    return float(np.average(found, weights=weights)) if found else float("nan")


def _correlation(age: np.ndarray, told: np.ndarray) -> float:
    if len(age) < 3 or np.ptp(age) == 0 or np.ptp(told) == 0:
        return float("nan")
    return float(np.corrcoef(age, told)[0, 1])
