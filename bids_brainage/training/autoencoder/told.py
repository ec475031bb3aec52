"""What a test writes of people whom an autoencoder tells age and sex of."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bids_brainage.bids.outputs import write_json, write_tsv
from bids_brainage.evaluation.metrics import classification_metrics, regression_metrics
from bids_brainage.training.trust import SEX

DECIMALS = 4
SCORES, PREDICTIONS = "scores.json", "predictions.tsv"
COLUMNS = ("participant_id", "age", "sex", "predicted_age", "probability_female")


@dataclass(frozen=True)
class Told:
    """People of a test, and what a model tells of them; each (n,).

    Parameters
    ----------
    labels
        Who they are.
    age, female
        Years; 1 woman, 0 man; NaN where unknown.
    predicted_age, probability_female
        NaN where the model tells none.
    errors
        Of the measures or brains as the code rebuilds them.
    """

    labels: np.ndarray
    age: np.ndarray
    female: np.ndarray
    predicted_age: np.ndarray
    probability_female: np.ndarray
    errors: np.ndarray

    def scores(self) -> dict[str, float]:
        """Scores of age and sex, each where it is known and told."""
        found: dict[str, float] = {}
        if (np.isfinite(self.age) & np.isfinite(self.predicted_age)).any():
            ages = regression_metrics(self.age, self.predicted_age)
            found |= {key: ages[key] for key in ("mae", "pcc", "bias", "mae_median")}
        both = np.isfinite(self.female) & np.isfinite(self.probability_female)
        if both.any():
            sexes = classification_metrics(self.female, self.probability_female)
            share = float(self.female[both].mean())
            found |= {"sex_accuracy": sexes["accuracy"], "sex_auc": sexes["auc"],
                      "sex_majority": max(share, 1 - share)}  # fmt: skip
        return found


def write_told(
    folder: Path, model: str, told: Told, error: str, **more: float
) -> dict[str, float | str]:
    """Write ``scores.json`` and ``predictions.tsv``.

    Parameters
    ----------
    model
        Name of the model.
    error
        Name of the errors.
    more
        Scores that are written beside.

    Returns
    -------
    dict[str, float | str]
        The scores.

    Raises
    ------
    OutputError
        If the folder cannot be written.
    """
    numbers = told.scores() | {error: float(told.errors.mean())} | more
    scores: dict[str, float | str] = {"model": model, "n": len(told.labels)}
    scores |= {name: round(value, DECIMALS) for name, value in numbers.items()}
    rows = [
        dict(zip((*COLUMNS, error), (
            told.labels[i], _number(told.age[i]), SEX.get(float(told.female[i])),
            _number(told.predicted_age[i]), _number(told.probability_female[i]),
            _number(told.errors[i]),
        ), strict=True))
        for i in range(len(told.labels))
    ]  # fmt: skip
    write_tsv(folder / PREDICTIONS, rows, (*COLUMNS, error))
    write_json(folder / SCORES, scores)
    return scores


def _number(value: float) -> float | None:
    return round(float(value), DECIMALS) if np.isfinite(value) else None
