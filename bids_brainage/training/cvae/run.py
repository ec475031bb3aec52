"""Train a conditional autoencoder on all people of a table, write its card, and test it."""

import logging
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bids_brainage import __version__
from bids_brainage.bids.outputs import write_json
from bids_brainage.errors import InputError, ModelError
from bids_brainage.evaluation.bias import fit_bias
from bids_brainage.evaluation.metrics import classification_metrics, regression_metrics
from bids_brainage.models.cards import ModelCard
from bids_brainage.models.cvae import MODALITY, Cvae
from bids_brainage.models.find import find_model
from bids_brainage.models.store import load_kind, save_model
from bids_brainage.training.card_words import with_words
from bids_brainage.training.cvae.crossval import CvaeOptions, run_crossval
from bids_brainage.training.cvae.fit import EPOCH_COLUMNS, train_cvae
from bids_brainage.training.cvae.people import deviations, load_people, told_ages, trainable
from bids_brainage.training.cvae.table import calibration
from bids_brainage.training.mavae_card import (
    FOLDS_NOTE,
    PACKAGES,
    input_spec,
    out_of_fold_metrics,
)
from bids_brainage.training.rows import empty_predictions
from bids_brainage.training.samples import describe_samples
from bids_brainage.training.segmentation.train import write_log
from bids_brainage.training.tables import TrainingTable
from bids_brainage.training.trust import (
    OUT_OF_FOLD,
    card_intervals,
    fit_distances,
    sex_line,
    write_out_of_fold,
)
from bids_brainage.training.versions import versions

__all__ = ["CvaeOptions", "run_crossval", "run_test", "run_training"]
logger = logging.getLogger(__name__)
DESCRIPTION = (
    "Conditional variational autoencoder of FreeSurfer morphometry given age and sex: a brain's "
    "most likely measures at other ages, deviations from people of the same age and sex, and "
    "brain age and sex by inversion."
)
CAVEAT = (
    "it takes the same input as mavae and has larger errors; it is there to show a brain at other "
    "ages, and to tell which measures make it look older or younger"
)
REFERENCES = (
    "Kingma, D. P. & Welling, M. (2014). Auto-encoding variational Bayes, arXiv:1312.6114",
    "Sohn, K. et al. (2015). Learning structured output representation using deep conditional "
    "generative models, Advances in Neural Information Processing Systems 28",
    "Pinaya, W. H. L. et al. (2019). Using deep autoencoders to identify abnormal brain structural "
    "patterns in neuropsychiatric disorders, doi:10.1002/hbm.24423",
)


def run_training(options: CvaeOptions, progress: Callable[[str], None] = logger.info) -> Path:
    """Train a model and write ``model.safetensors``, ``card.json`` and ``training.csv``.

    The models of the folds, which give the card its scores, are trained beside the final one;
    their predictions are written to ``out_of_fold.tsv``.

    Returns
    -------
        The model's folder.
    """
    table, folds = load_people(options.data, options.n_folds, split_single=True)
    checkpoints = options.output / "checkpoints"
    course: list[list[object]] = []

    def train(part: str, rows: np.ndarray, watched: np.ndarray | None = None) -> Cvae:
        found = train_cvae(
            table, trainable(table, rows), options.recipe, part=part, watched=watched,
            folder=checkpoints / part.replace(" ", "-"), resume=options.resume, progress=progress,
        )  # fmt: skip
        course.extend(found.rows)
        return found.model

    models = [
        train(f"fold {k + 1}", folds != k, trainable(table, folds == k))
        for k in range(options.n_folds if options.n_folds > 1 else 0)
    ]
    model = train("all", np.ones(len(table), bool))
    apart = _out_of_fold_deviations(table, folds, models)
    card = make_card(options, table, folds, models, model, apart)
    widen(model, apart)
    fit_distances(model, table, folds, models)
    save_model(model, card, options.output)
    write_log(options.output / "training.csv", course, EPOCH_COLUMNS)
    if models:
        write_out_of_fold(options.output / OUT_OF_FOLD, table, folds,
                          _out_of_fold(table, folds, models), {MODALITY: MODALITY},
                          card.name)  # fmt: skip
    shutil.rmtree(checkpoints, ignore_errors=True)
    return options.output


def make_card(
    options: CvaeOptions,
    table: TrainingTable,
    folds: np.ndarray,
    models: Sequence[Cvae],
    model: Cvae,
    apart: np.ndarray,
) -> ModelCard:
    """Collect the card; its scores are those of the folds' models at sites they had not seen.

    Parameters
    ----------
    apart
        Deviations by the folds' models; (n, p).
    """
    found = _out_of_fold(table, folds, models)
    log_age, logit = found[MODALITY]
    predicted = np.exp(log_age)
    metrics: dict[str, Any] = {}
    bias, intervals, lines = {}, {}, {}
    if models:
        everyone = np.ones(len(table), bool)
        scores = out_of_fold_metrics(table, found[MODALITY], everyone, folds)
        scores["deviations"] = calibration(table, apart)
        metrics = {"note": FOLDS_NOTE, MODALITY: scores}
        line = fit_bias(table.age, predicted)
        bias = {MODALITY: {"slope": line.slope, "intercept": line.intercept}}
        slope, intercept = sex_line(table.female, logit)
        lines = {MODALITY: {"slope": round(slope, 4), "intercept": round(intercept, 4)}}
        if limits := card_intervals(table.age, predicted, table.sites):
            intervals = {MODALITY: limits}
    return with_words(ModelCard(
        name=options.name or options.output.name,
        version=__version__,
        family="cvae",
        description=DESCRIPTION,
        inputs={MODALITY: input_spec(table, MODALITY)},
        training=describe_samples(table),
        metrics=metrics,
        bias_correction=bias,
        intervals=intervals,
        sex_line=lines,
        age_range={MODALITY: (float(table.age.min()), float(table.age.max()))},
        sha256="",
        config=model.config.as_dict(),
        recipe=options.recipe.as_dict(),
        seed=options.recipe.seed,
        command=options.command or f"brainage train cvae {options.data.name}",
        versions=versions(PACKAGES),
        references=REFERENCES,
        default=False,
        caveat=CAVEAT,
    ))  # fmt: skip


def widen(model: Cvae, apart: np.ndarray) -> None:
    """Widen the spread of each measure to that of people at sites that the model had not seen.

    Scanners differ, which a model of known sites takes for people being unusual.

    Parameters
    ----------
    apart
        Out-of-fold deviations; (n, p). Measures without any stay as they are.
    """
    known = np.isfinite(apart)
    counted = np.maximum(known.sum(axis=0), 1)
    wide = np.sqrt(np.square(np.where(known, apart, 0.0)).sum(axis=0) / counted)
    model.spread.mul_(torch.from_numpy(np.maximum(wide, 1.0)).to(model.spread))


def run_test(files: Sequence[Path], model: str, output: Path) -> dict[str, float | str]:
    """Score a model on people of known age: a folder that it could be trained on.

    Returns
    -------
        Scores of uncorrected predictions, also written as JSON.

    Raises
    ------
    InputError, ModelError
        If there is not one folder, or it lacks measures of the model.
    """
    if len(files) != 1:
        raise InputError(f"{len(files)} folders", hint="give one folder or OUTPUT_DIR")
    module, card = load_kind(model, Cvae)
    table, _ = load_people(files[0], 1)
    names = card.inputs[MODALITY].names
    places = {name: i for i, name in enumerate(table.names[MODALITY])}
    if missing := [name for name in names if name not in places]:
        raise ModelError(f"{len(missing)} measures of model {card.name} are missing, such as "
                         f"{missing[0]}", place=find_model(model),
                         hint="test on FreeSurfer's measures under their own names")  # fmt: skip
    chosen = table.measures[MODALITY][:, [places[name] for name in names]]
    table = table.with_measures({MODALITY: chosen}, {MODALITY: names})
    rows = np.arange(len(table))
    told = told_ages(module, table, rows)
    ages = regression_metrics(table.age, np.exp(told.log_age))
    sexes = classification_metrics(table.female, 1 / (1 + np.exp(-told.logit)))
    scores: dict[str, float | str] = {"model": card.name, "sha256": card.sha256, **ages}
    scores |= {f"sex_{name}": sexes[name] for name in ("accuracy", "auc")}
    scores["deviation_sd"] = float(np.nanstd(deviations(module, table, rows)))
    write_json(output, scores)
    return scores


def _out_of_fold_deviations(
    table: TrainingTable, folds: np.ndarray, models: Sequence[Cvae]
) -> np.ndarray:
    apart = np.full((len(table), len(table.names[MODALITY])), np.nan)
    for k, trained in enumerate(models):
        rows = np.flatnonzero(folds == k)
        apart[rows] = deviations(trained, table, rows)
    return apart


def _out_of_fold(
    table: TrainingTable, folds: np.ndarray, models: Sequence[Cvae]
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    found = empty_predictions(len(table), (MODALITY,))
    for k, trained in enumerate(models):
        rows = np.flatnonzero(folds == k)
        told = told_ages(trained, table, rows)
        found[MODALITY][0][rows], found[MODALITY][1][rows] = told.log_age, told.logit
    return found
