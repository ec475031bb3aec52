"""What a trained cascade says of people with images: both stages, with and without sex."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import spearmanr

from bids_brainage.errors import OutputError
from bids_brainage.evaluation.metrics import classification_metrics, regression_metrics
from bids_brainage.models.tsan import Tsan, discretise
from bids_brainage.training.tsan.fit import Sample
from bids_brainage.training.tsan.people import Person

COLUMNS = ("participant_id", "image", "age", "sex", "first_age", "rounded_age", "predicted_age",
           "probability_female")  # fmt: skip


@torch.no_grad()
def predict_people(
    cascade: Tsan, sample: Sample, rows: np.ndarray, batch_size: int = 8
) -> dict[str, np.ndarray]:
    """First, rounded and final age in years, and the probability of being female."""
    device = next(cascade.parameters()).device
    found: dict[str, list[torch.Tensor]] = {"first": [], "age": [], "logit": []}
    for start in range(0, len(rows), batch_size):
        chosen = rows[start : start + batch_size]
        images = sample.brains(chosen, device)
        sex = sample.sex[chosen].to(device)
        first, age, logit = cascade.stages(images, sex)
        found["first"].append(first)
        found["age"].append(age * cascade.slope + cascade.intercept)
        found["logit"].append(logit)
    first, age, logit = (torch.cat(found[name]).cpu() for name in ("first", "age", "logit"))
    return {
        "first_age": first.numpy(),
        "rounded_age": discretise(first, cascade.config.step).numpy(),
        "predicted_age": age.numpy(),
        "probability_female": torch.sigmoid(logit).numpy(),
    }


def scores(age: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Errors of uncorrected predictions: those of `regression_metrics`, Spearman and SD."""
    found = regression_metrics(age, predicted)
    varied = len(age) > 2 and np.ptp(predicted) > 0 and np.ptp(age) > 0
    spearman = float(spearmanr(predicted, age).statistic) if varied else float("nan")
    return found | {"spearman": spearman, "sd": float(np.std(predicted - age))}


def sex_scores(sample: Sample, found: dict[str, np.ndarray]) -> dict[str, float]:
    """Accuracy and AUC of the sex told, where it is told."""
    if np.isnan(found["probability_female"]).all():
        return {}
    kept = classification_metrics(sample.sex[:, 0].numpy(), found["probability_female"])
    return {f"sex_{name}": kept[name] for name in ("accuracy", "auc")}


def table(people: Sequence[Person], found: dict[str, np.ndarray]) -> list[dict[str, Any]]:
    """Rows of `COLUMNS`."""
    return [
        {"participant_id": person.label, "image": person.image.name, "age": person.age,
         "sex": person.sex}
        | {name: round(float(values[i]), 4) for name, values in found.items()}
        for i, person in enumerate(people)
    ]  # fmt: skip


def write_npz(path: Path, people: Sequence[Person], found: dict[str, np.ndarray]) -> Path:
    """Write ``target``, ``prediction`` and ``ID``, as the system's own test does.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    try:
        np.savez(
            path,
            target=np.array([person.age for person in people]),
            prediction=found["predicted_age"],
            ID=np.array([person.image.name for person in people]),
        )
    except OSError as error:
        raise OutputError(f"cannot write: {error.strerror}", place=path) from error
    return path
