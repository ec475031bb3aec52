"""What is told of real people who were kept apart: sex by each classifier, age from codes."""

from typing import Any

import numpy as np
import torch

from bids_brainage.evaluation.metrics import (
    balanced_accuracy,
    classification_metrics,
    regression_metrics,
)
from bids_brainage.models.gan import Gan
from bids_brainage.training.gan.classify import NAMES, female_logits
from bids_brainage.training.gan.code_readers import sex_line
from bids_brainage.training.gan.distances import Score, mean_of
from bids_brainage.training.gan.pairs import read_codes
from bids_brainage.training.gan.sample import CubeSample

Told = dict[str, np.ndarray]


def tell_sex(classifiers: Any, sample: CubeSample, rows: np.ndarray) -> Told:
    """Probability of being female by each classifier, and of both together, for some people."""
    cubes = sample.cubes[rows]
    logits = {name: female_logits(classifiers[name], cubes) for name in NAMES}
    logits["both"] = sum(logits.values()) / len(NAMES)  # type: ignore[assignment]
    return {name: 1 / (1 + np.exp(-values.astype(float))) for name, values in logits.items()}


def tell_by_codes(model: Gan, sample: CubeSample, training: np.ndarray, rows: np.ndarray) -> Told:
    """Age and probability of being female from latent codes of real people.

    Parameters
    ----------
    model
        Its line of age is fitted.
    training, rows
        People that the line of sex is fitted on, and those it is told of.
    """
    codes = read_codes(model.encoder, sample.cubes[rows])
    told = {"code_age": model.age(torch.from_numpy(codes)).numpy().astype(float)}
    if (line := _sex_line(model, sample, training)) is not None:
        told["code_female"] = 1 / (1 + np.exp(-(codes @ line[0] + line[1])))
    return told


def code_agreement(
    model: Gan, sample: CubeSample, training: np.ndarray, made: np.ndarray
) -> dict[str, Score]:
    """How often the plain classifier and one of latent codes say the same of generated cubes.

    Returns
    -------
        ``agree_code`` and ``female_code``, the share that the latter calls women; empty where the
        sex of the training people is not known.
    """
    if (line := _sex_line(model, sample, training)) is None:
        return {}
    codes = read_codes(model.encoder, made)
    by_code = codes @ line[0] + line[1] > 0
    same = (by_code == (female_logits(model.plain, made) > 0)).astype(float)
    scores = {"agree_code": same, "female_code": by_code.astype(float)}
    return {name: mean_of(values) for name, values in scores.items()}


def _sex_line(
    model: Gan, sample: CubeSample, training: np.ndarray
) -> tuple[np.ndarray, float] | None:
    known = training[np.isfinite(sample.female[training])]
    if not len(known) or not 0 < sample.female[known].mean() < 1:
        return None
    codes = read_codes(model.encoder, sample.cubes[known]).astype(float)
    return sex_line(codes, sample.female[known])


def median_age(age: np.ndarray) -> float:
    """Median of the known ages in years; NaN where there is none."""
    known = age[np.isfinite(age)]
    return float(np.median(known)) if known.size else float("nan")


def age_scores(age: np.ndarray, told: np.ndarray, median: np.ndarray) -> dict[str, float]:
    """Errors of ages in years, beside those of guessing the training people's median."""
    known = np.isfinite(age) & np.isfinite(told)
    found = regression_metrics(age[known], told[known])
    guess = np.abs(age[known] - median[known]).mean() if known.any() else float("nan")
    return {"n": float(known.sum()), "mae": found["mae"], "r": found["pcc"],
            "mae_median": float(guess)}  # fmt: skip


def sex_scores(female: np.ndarray, probability: np.ndarray, common: np.ndarray) -> dict[str, float]:
    """Accuracy and area under the curve, beside always telling the training people's majority.

    Parameters
    ----------
    common
        1 where most training people of that person's fold are women, else 0; (n,).
    """
    known = np.isfinite(female)
    found = classification_metrics(female, probability)
    return {
        "n": float(known.sum()),
        "accuracy": found["accuracy"],
        "balanced_accuracy": balanced_accuracy(female[known], probability[known] >= 0.5),
        "auc": found["auc"],
        "majority": float((common[known] == female[known]).mean()) if known.any() else float("nan"),
    }
