"""Scores of predicted age and of predicted sex, on uncorrected predictions."""

import numpy as np

from bids_brainage.evaluation.age_scores import AgeScores
from bids_brainage.evaluation.sex_scores import SexScores

AGE_METRICS = ("mae", "rmse", "pcc", "bias", "mae_median")
SEX_METRICS = ("accuracy", "f1", "precision", "recall", "auc")


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
        return dict.fromkeys(AGE_METRICS, float("nan")) | {"n": 0}
    found = AgeScores(age, predicted, reference=reference)(np.ones((1, age.size)), brief=True)
    return {"n": int(age.size), **{name: float(found[name][0]) for name in AGE_METRICS}}


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
    if female.size == 0:
        return dict.fromkeys(SEX_METRICS, float("nan")) | {"n": 0}
    found = SexScores(female, probability)(np.ones((1, female.size)), brief=True)
    return {"n": int(female.size), **{name: float(found[name][0]) for name in SEX_METRICS}}


def balanced_accuracy(truth: np.ndarray, told: np.ndarray) -> float:
    """Mean, over the classes that there are, of the share that was told right.

    Parameters
    ----------
    truth, told
        Classes as numbers; shape (n,). Where either is NaN the row is left out.

    Returns
    -------
    float
        NaN without anybody.
    """
    truth, told = _paired(truth, told)
    right = [float((told[truth == one] == one).mean()) for one in np.unique(truth)]
    return float(np.mean(right)) if right else float("nan")


def _paired(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    first, second = np.asarray(first, float), np.asarray(second, float)
    keep = ~(np.isnan(first) | np.isnan(second))
    return first[keep], second[keep]
