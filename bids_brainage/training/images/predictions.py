"""What a trained network says of people with images, and how well it does."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import spearmanr
from torch import Tensor, nn

from bids_brainage.errors import OutputError
from bids_brainage.evaluation.metrics import classification_metrics, regression_metrics
from bids_brainage.models.tsan import MODALITY, Tsan, discretise
from bids_brainage.training.images.people import Person
from bids_brainage.training.images.sample import Sample

COLUMNS = ("participant_id", "image", "age", "sex", "first_age", "rounded_age", "predicted_age",
           "probability_female")  # fmt: skip


@torch.no_grad()
def predict_people(
    module: nn.Module, sample: Sample, rows: np.ndarray, batch_size: int = 8
) -> dict[str, np.ndarray]:
    """Age in years and the probability of being female, by any network of images.

    Of TSAN the first age and the rounded one, too.
    """
    device = next(module.parameters()).device
    parts: list[tuple[Tensor, Tensor, Tensor]] = []
    for start in range(0, len(rows), batch_size):
        chosen = rows[start : start + batch_size]
        images, sex = sample.brains(chosen, device), sample.sex[chosen].to(device)
        if isinstance(module, Tsan):
            first, age, logit = module.stages(images, sex)
            age = age * module.slope + module.intercept
        else:
            age, logit = module({MODALITY: images[:, 0], "sex": sex})
            first = age
        parts.append((first, age, logit))
    first, age, logit = (torch.cat(values).float().cpu() for values in zip(*parts, strict=True))
    found = {"predicted_age": age.numpy(), "probability_female": torch.sigmoid(logit).numpy()}
    if isinstance(module, Tsan):
        rounded = discretise(first, module.config.step)
        found |= {"first_age": first.numpy(), "rounded_age": rounded.numpy()}
    return found


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
