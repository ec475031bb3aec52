"""Train a model on all people of a table and write it with a card of out-of-fold scores."""

import copy
import logging
import platform
import shutil
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bids_brainage import __version__
from bids_brainage.errors import ModelError
from bids_brainage.evaluation.bias import fit_bias
from bids_brainage.evaluation.metrics import classification_metrics, regression_metrics
from bids_brainage.models.cards import COMBINATIONS, InputSpec, ModelCard, names_hash
from bids_brainage.models.mavae import Mavae
from bids_brainage.models.mavae_core import MODALITIES
from bids_brainage.models.store import load_model, save_model
from bids_brainage.training.crossval import predict_table
from bids_brainage.training.ensemble import train_models
from bids_brainage.training.folds import site_folds
from bids_brainage.training.recipe import Recipe
from bids_brainage.training.rows import INPUTS, Predictions, empty_predictions
from bids_brainage.training.samples import describe_samples
from bids_brainage.training.sources import load_table
from bids_brainage.training.tables import TrainingTable

logger = logging.getLogger(__name__)
PACKAGES = ("numpy", "scikit-learn", "torch", "safetensors")
DESCRIPTION = (
    "Multimodal adversarial variational autoencoder: brain age and sex from FreeSurfer "
    "morphometry, from resting-state connectivity, or from both."
)
REFERENCES = (
    "Usman, M. et al. (2024). Advancing multimodal brain age and sex prediction with an "
    "adversarial variational autoencoder (M-AVAE), arXiv:2411.10100",
    "Makhzani, A. et al. (2016). Adversarial autoencoders, arXiv:1511.05644",
    "Wolpert, D. (1992). Stacked generalization, doi:10.1016/S0893-6080(05)80023-1",
)
FOLDS_NOTE = (
    "Uncorrected predictions of people whose site the model had not seen; people of samples with "
    "a single site (for the public tables nki and aomic_piop2) are of a site, but not themselves, "
    "seen. mae_median: guessing the sample's own median age."
)
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

    The folds' models, which give the card its scores, are trained beside the final one.

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
    card = make_card(table, models[-1], predictions, options, start[1] if start else None)
    save_model(models[-1], card, options.output)
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


def make_card(
    table: TrainingTable,
    module: Mavae,
    predictions: Predictions,
    options: TrainOptions,
    parent: ModelCard | None = None,
) -> ModelCard:
    """Collect the card of a trained model; the hash of the weights is set on saving.

    Parameters
    ----------
    predictions
        Out-of-fold log ages and female logits of the training people.
    parent
        Card of the model that was fine-tuned.
    """
    combinations = dict(zip(COMBINATIONS, INPUTS, strict=True))
    bias, ages = {}, {}
    trained = _trained_modalities(table, options.recipe, parent)
    combinations = {
        c: name for c, name in combinations.items() if set(c.split("+")) <= set(trained)
    }
    for combination, name in combinations.items():
        people = _usable(table, name)
        if not people.any():
            continue
        ages[combination] = (float(table.age[people].min()), float(table.age[people].max()))
        if (~np.isnan(predictions[name][0])).any():
            line = fit_bias(table.age, np.exp(predictions[name][0]))
            bias[combination] = {"slope": line.slope, "intercept": line.intercept}
    if parent is not None:
        bias, ages = parent.bias_correction | bias, parent.age_range | ages
    return ModelCard(
        name=options.name or options.output.name,
        version=__version__,
        family="mavae",
        description=DESCRIPTION + (f" Fine-tuned from {parent.name}." if parent else ""),
        inputs=parent.inputs if parent else {name: _spec(table, name) for name in trained},
        training=(*(parent.training if parent else ()), *describe_samples(table)),
        metrics={"note": FOLDS_NOTE} | {
            c: _metrics(table, predictions[name], _usable(table, name))
            for c, name in combinations.items()
        },
        bias_correction=bias,
        age_range=ages,
        sha256="",
        config=module.config.as_dict(),
        recipe=options.recipe.as_dict(),
        seed=options.recipe.seed,
        command=options.command or f"brainage train mavae {options.data.name}",
        versions={"bids_brainage": __version__, "python": platform.python_version()}
        | {name: metadata.version(name) for name in PACKAGES},
        references=REFERENCES,
    )  # fmt: skip


def _trained_modalities(
    table: TrainingTable, recipe: Recipe, parent: ModelCard | None
) -> tuple[str, ...]:
    """Modalities whose networks were trained; the card lists only these, so only these are used."""
    if parent is not None:
        return tuple(parent.inputs)
    wanted = (recipe.single_modality,) if recipe.single_modality else MODALITIES
    return tuple(name for name in wanted if table.has(name).any())


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


def _spec(table: TrainingTable, modality: str) -> InputSpec:
    names = table.names[modality]
    connectivity = modality == "connectivity" and table.kind == "bids"
    typical = {}
    if not connectivity and table.has(modality).any():
        middle = np.nanmedian(table.measures[modality][table.has(modality)], axis=0)
        typical = {name: float(f"{value:.6g}") for name, value in zip(names, middle, strict=True)}
    return InputSpec(
        names=names,
        sha256=names_hash(names),
        unit="Pearson correlation" if connectivity else (
            "mm (thickness), mm3 (volume)" if table.kind == "bids" else ""
        ),
        atlas=table.atlas if connectivity else "",
        denoising=table.denoising if connectivity else "",
        regions=table.regions if connectivity else (),
        typical=typical,
    )  # fmt: skip


def _usable(table: TrainingTable, name: str) -> np.ndarray:
    return table.has_both() if name == "both" else table.has(name)


def _metrics(
    table: TrainingTable, predictions: tuple[np.ndarray, np.ndarray], people: np.ndarray
) -> dict[str, Any]:
    """Score uncorrected out-of-fold predictions: pooled, per sample and per site."""
    known = people & ~np.isnan(predictions[0])
    if not known.any():
        return {}

    def score(rows: np.ndarray) -> dict[str, float]:
        chance = 1 / (1 + np.exp(-predictions[1][rows]))
        ages = regression_metrics(table.age[rows], np.exp(predictions[0][rows]))
        sexes = classification_metrics(table.female[rows], chance)
        both = ages | {f"sex_{k}": v for k, v in sexes.items() if k in ("accuracy", "auc")}
        return {k: round(v, 4) for k, v in both.items()}

    return {
        "out_of_fold": score(known),
        "per_dataset": {str(d): score(known & (table.datasets == d))
                        for d in np.unique(table.datasets[known])},
        "per_site": {str(s): score(known & (table.sites == s))
                     for s in np.unique(table.sites[known])},
    }  # fmt: skip


def limit_threads(n: int) -> None:
    """Set how many threads torch uses in training."""
    torch.set_num_threads(max(n, 1))
