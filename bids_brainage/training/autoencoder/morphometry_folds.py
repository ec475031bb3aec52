"""Autoencoders of measures trained on the people of each fold's other folds."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bids_brainage.training.autoencoder.morphometry_features import Fold
from bids_brainage.training.autoencoder.morphometry_fit import (
    Rows,
    best_rates,
    modality,
    train_autoencoder,
)
from bids_brainage.training.autoencoder.morphometry_people import People
from bids_brainage.training.autoencoder.recipe import MorphometryRecipe

TRAINING = "training.csv"


def train_folds(
    people: People,
    folds: np.ndarray,
    recipe: MorphometryRecipe,
    folder: Path,
    *,
    name: str = "fold",
    whole: bool = True,
    resume: bool = False,
    device: torch.device | None = None,
    progress: Callable[[str], None],
) -> tuple[dict[int, Fold], Rows]:
    """Train one autoencoder per fold, on the people of the others.

    Sites left out tell when to stop.

    Parameters
    ----------
    folds
        Test fold of each person; shape (n,).
    folder
        Where checkpoints are written.
    name
        Name of the trainings in their course.
    whole
        Train again on all people of the other folds, those left out to stop by among them.

    Returns
    -------
    tuple[dict[int, Fold], list]
        Fold to its autoencoder, and the course of the trainings with people left out.
    """
    trained: dict[int, Fold] = {}
    course: Rows = []
    for k in np.unique(folds).tolist():
        part = f"{name} {k + 1}"
        options: dict[str, Any] = {"resume": resume, "device": device, "progress": progress}
        slug = part.replace(" ", "-")
        module, rows = train_autoencoder(
            people, folds != k, recipe, folder / slug, part=part, **options
        )
        course += rows
        if whole:
            module, _ = train_autoencoder(
                people, folds != k, recipe, folder / f"{slug}-whole", part=f"{part}, all people",
                rates=best_rates(rows), **options,
            )  # fmt: skip
        trained[k] = Fold(module, people, folds != k)
    return trained, course


@torch.no_grad()
def predict_folds(folds: Mapping[int, Fold], people: People) -> tuple[np.ndarray, np.ndarray]:
    """Return log ages and female logits of everybody by the model of the person's fold; (n,)."""
    log_age, logit = np.full(len(people), np.nan), np.full(len(people), np.nan)
    for fold in folds.values():
        rows = np.flatnonzero(~fold.training)
        age, told = fold.module(modality(people, rows))
        log_age[rows], logit[rows] = np.log(age.numpy()), told.numpy()
    return log_age, logit


def reconstruction(folds: Mapping[int, Fold]) -> dict[str, dict[str, tuple[float, float]]]:
    """Return errors of rebuilt features by what rebuilds them, on people unseen and of training.

    Returns
    -------
        Name to ``unseen`` and ``training``, each with the mean over all people and the standard
        deviation over folds.
    """
    unseen: dict[str, list[np.ndarray]] = {}
    seen: dict[str, list[np.ndarray]] = {}
    for fold in folds.values():
        for name, errors in fold.squared_errors().items():
            unseen.setdefault(name, []).append(errors[~fold.training])
            seen.setdefault(name, []).append(errors[fold.training])
    return {name: {"unseen": _mean(unseen[name]), "training": _mean(seen[name])} for name in unseen}


def _mean(errors: list[np.ndarray]) -> tuple[float, float]:
    each = [float(values.mean()) for values in errors]
    sd = float(np.std(each, ddof=1)) if len(each) > 1 else float("nan")
    return float(np.concatenate(errors).mean()), sd
