"""Scores of predicted age and of predicted sex, on uncorrected predictions."""

import numpy as np
from sklearn.metrics import f1_score, precision_score, recall_score, roc_auc_score

FEMALE_THRESHOLD = 0.5


def regression_metrics(
    age: np.ndarray, predicted: np.ndarray, reference: float | None = None
) -> dict[str, float]:
    """Score age predictions.

    Parameters
    ----------
    age
        Chronological ages in years; shape (n,).
    predicted
        Predicted ages in years, without bias correction; shape (n,). Rows where either is NaN
        are left out.
    reference
        Age in years that the guess-the-median row uses; the median of `age` by default.

    Returns
    -------
    dict[str, float]
        ``n``, ``mae`` and ``rmse`` (years), ``pcc`` (Pearson correlation; NaN for a constant),
        ``bias`` (mean of predicted minus age, years), ``mae_median`` (mean absolute error of
        guessing the median age).
    """
    age, predicted = _paired(age, predicted)
    if age.size == 0:
        return dict.fromkeys(("mae", "rmse", "pcc", "bias", "mae_median"), float("nan")) | {"n": 0}
    gap = predicted - age
    guess = float(np.median(age)) if reference is None else reference
    return {
        "n": int(age.size),
        "mae": float(np.abs(gap).mean()),
        "rmse": float(np.sqrt(np.square(gap).mean())),
        "pcc": _correlation(age, predicted),
        "bias": float(gap.mean()),
        "mae_median": float(np.abs(age - guess).mean()),
    }


def classification_metrics(female: np.ndarray, probability: np.ndarray) -> dict[str, float]:
    """Score sex predictions; female is the positive class.

    Parameters
    ----------
    female
        1 for women, 0 for men, NaN for unknown; shape (n,).
    probability
        Predicted probability of being female; shape (n,).

    Returns
    -------
    dict[str, float]
        ``n``, ``accuracy``, ``f1``, ``precision``, ``recall`` at a threshold of 0.5 and ``auc``
        (NaN if only one sex is present).
    """
    female, probability = _paired(female, probability)
    names = ("accuracy", "f1", "precision", "recall", "auc")
    if female.size == 0:
        return dict.fromkeys(names, float("nan")) | {"n": 0}
    truth = female.astype(int)
    guess = (probability >= FEMALE_THRESHOLD).astype(int)
    return {
        "n": int(truth.size),
        "accuracy": float((truth == guess).mean()),
        "f1": float(f1_score(truth, guess, zero_division=0)),
        "precision": float(precision_score(truth, guess, zero_division=0)),
        "recall": float(recall_score(truth, guess, zero_division=0)),
        "auc": float(roc_auc_score(truth, probability)) if 0 < truth.sum() < truth.size
        else float("nan"),
    }  # fmt: skip


def _paired(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    first, second = np.asarray(first, float), np.asarray(second, float)
    keep = ~(np.isnan(first) | np.isnan(second))
    return first[keep], second[keep]


def _correlation(first: np.ndarray, second: np.ndarray) -> float:
    if first.size < 2 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return float("nan")
    return float(np.corrcoef(first, second)[0, 1])
