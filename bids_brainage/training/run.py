"""Train a model on all people of a table and write it with a card of out-of-fold scores."""

import copy
import logging
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bids_brainage.errors import ModelError
from bids_brainage.models.cards import ModelCard
from bids_brainage.models.mavae import Mavae
from bids_brainage.models.mavae_core import MODALITIES
from bids_brainage.models.store import load_model, save_model
from bids_brainage.training.crossval import predict_table
from bids_brainage.training.ensemble import train_models
from bids_brainage.training.folds import site_folds
from bids_brainage.training.mavae_card import COMBINED, make_card
from bids_brainage.training.recipe import Recipe
from bids_brainage.training.rows import INPUTS, Predictions, empty_predictions
from bids_brainage.training.sources import load_table
from bids_brainage.training.tables import TrainingTable
from bids_brainage.training.trust import OUT_OF_FOLD, fit_distances, write_out_of_fold

logger = logging.getLogger(__name__)
FINE_TUNE = {
    "epochs": 20,
    "learning_rate": 2e-4,
    "lambda_site": 0.0,
    "warm_up": 0.0,
    "weight_single": 1.0,
}


@dataclass(frozen=True)
class TrainOptions:
    """Options of a training run.

    Parameters
    ----------
    data
        Folder with a training table, see `load_table`.
    output
        Folder of the new model.
    recipe
        Options of the training; with `start`, those of the fine-tuning.
    name
        Name of the model; the output folder's name by default.
    start
        Name or folder of a model to fine-tune; train from nothing by default.
    n_folds
        Folds for the out-of-fold scores of the card; below 2 for none.
    resume
        Go on from checkpoints in the output folder.
    command
        Command line that ran, for the card.
    """

    data: Path
    output: Path
    recipe: Recipe = field(default_factory=Recipe)
    name: str = ""
    start: str = ""
    n_folds: int = 5
    resume: bool = False
    command: str = ""


def fine_tune_recipe(**options: Any) -> Recipe:
    """Return the default recipe of fine-tuning: few, small steps."""
    return Recipe(**(FINE_TUNE | options))


def run_training(options: TrainOptions) -> Path:
    """Train a model and write ``model.safetensors`` and ``card.json``.

    The folds' models, which give the card its scores, are trained beside the final one; their
    predictions are written to ``out_of_fold.tsv``.

    Returns
    -------
    Path
        The model's folder.
    """
    start = load_model(options.start) if options.start else None
    table = _table(options, start[1] if start else None)
    everyone = np.ones(len(table), bool)
    folds = np.zeros(len(table))
    if options.n_folds > 1:
        folds = site_folds(table, options.n_folds, split_single=True)
    trainings = [folds != k for k in range(options.n_folds)] if options.n_folds > 1 else []
    checkpoint = options.output / "checkpoint"
    if start is None:
        models = train_models(
            table, [*trainings, everyone], options.recipe, folder=checkpoint,
            resume=options.resume,
        )  # fmt: skip
    else:
        models = [
            train_models(
                table, [people], options.recipe, folder=checkpoint / str(k),
                resume=options.resume, start=copy.deepcopy(start[0]),
            )[0]
            for k, people in enumerate([*trainings, everyone])
        ]  # fmt: skip
    predictions = out_of_fold(table, folds, models[:-1])
    card = make_card(
        table, models[-1], predictions, folds, options.recipe,
        name=options.name or options.output.name,
        command=options.command or f"brainage train mavae {options.data.name}",
        parent=start[1] if start else None,
    )  # fmt: skip
    if start is None:
        fit_distances(models[-1], table, folds, models[:-1])
    save_model(models[-1], card, options.output)
    if trainings:
        named = {c: name for c, name in COMBINED.items() if c in card.age_range}
        write_out_of_fold(options.output / OUT_OF_FOLD, table, folds, predictions, named, card.name)
    shutil.rmtree(checkpoint, ignore_errors=True)
    return options.output


def out_of_fold(table: TrainingTable, folds: np.ndarray, models: list[Mavae]) -> Predictions:
    """Predict every person with the model that had not seen the person's site."""
    result = empty_predictions(len(table), INPUTS)
    for k, module in enumerate(models):
        rows = np.flatnonzero(folds == k)
        for name in INPUTS:
            if rows.size and all(table.has(m).any() for m in MODALITIES if name in (m, "both")):
                result[name][0][rows], result[name][1][rows] = predict_table(
                    module, table, rows, name
                )
    return result


def _table(options: TrainOptions, parent: ModelCard | None) -> TrainingTable:
    table = load_table(options.data)
    if parent is None:
        return table
    for modality, spec in parent.inputs.items():
        if table.names[modality] == spec.names or not table.has(modality).any():
            continue
        raise ModelError(
            f"the {modality} measures are not those of model {parent.name}, in its order",
            place=options.data,
            hint="extract them again with this version",
        )
    measures = {
        m: table.measures[m] if table.has(m).any() else np.full((len(table), len(s.names)), np.nan)
        for m, s in parent.inputs.items()
    }
    return table.with_measures(measures, {m: s.names for m, s in parent.inputs.items()})


def limit_threads(n: int) -> None:
    """Set how many threads torch uses in training."""
    torch.set_num_threads(max(n, 1))
