"""Site-grouped cross-validation of M-AVAE, its ablations and the reference models."""

import logging
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import torch

from bids_brainage.models.mavae import Mavae
from bids_brainage.training.baselines import FAMILIES, feature_matrix, fit_predict
from bids_brainage.training.checkpoints import fingerprint
from bids_brainage.training.comparison import write_comparison
from bids_brainage.training.ensemble import train_models
from bids_brainage.training.folds import site_folds, within_site_folds
from bids_brainage.training.harmonise import harmonised
from bids_brainage.training.kept_rows import read_row, write_row
from bids_brainage.training.recipe import Recipe
from bids_brainage.training.rows import INPUTS, Predictions, Row, empty_predictions
from bids_brainage.training.sources import load_table
from bids_brainage.training.stacking import stack
from bids_brainage.training.tables import TrainingTable

logger = logging.getLogger(__name__)
Prepare = Callable[[TrainingTable, np.ndarray], TrainingTable]


@dataclass(frozen=True)
class CrossvalOptions:
    """Options of a cross-validation.

    Parameters
    ----------
    data
        Folder with a training table, see `load_table`.
    output
        Folder for the table, the predictions and the checkpoints.
    recipe
        Recipe of the M-AVAE.
    n_folds
        Number of folds.
    ablations
        Also run the ablations.
    resume
        Keep rows that are already there.
    only
        Names of the rows to run; all by default.
    within_sites
        Deal people of every site into all folds, instead of whole sites.
    harmonise
        Also run rows whose measures had the mean differences between training sites taken out.
    """

    data: Path
    output: Path
    recipe: Recipe = field(default_factory=Recipe)
    n_folds: int = 5
    ablations: bool = True
    resume: bool = False
    only: tuple[str, ...] = ()
    within_sites: bool = False
    harmonise: bool = False


def run_crossval(options: CrossvalOptions) -> Path:
    """Run the cross-validation and write its table.

    Returns
    -------
    Path
        The folder with ``crossval.md``, ``crossval.tsv``, ``crossval.json`` and
        ``predictions.tsv``.
    """
    table = load_table(options.data)
    deal = within_site_folds if options.within_sites else site_folds
    folds = deal(table, options.n_folds)
    rows = all_rows(table, folds, options)
    known = {row.slug for row in rows}
    wanted = options.only or tuple(known)
    results: dict[str, Predictions] = {}
    seconds: dict[str, float] = {}
    key = fingerprint(options.recipe.as_dict(), {}, folds, table.age)
    for row in rows:
        if row.slug not in wanted:
            continue
        path = options.output / "rows" / f"{row.slug}.npz"
        found = read_row(path, key) if options.resume else None
        started = time.monotonic()
        if found is not None:
            results[row.slug], seconds[row.slug] = found
        else:
            results[row.slug] = row.run()
            seconds[row.slug] = round(time.monotonic() - started, 1)
            write_row(path, key, results[row.slug], seconds[row.slug])
            logger.info("%s done in %.0f s", row.label, seconds[row.slug])
    write_comparison(
        options.output, table, folds, rows, results, seconds, options.recipe,
        within_sites=options.within_sites,
    )  # fmt: skip
    return options.output


def all_rows(table: TrainingTable, folds: np.ndarray, options: CrossvalOptions) -> list[Row]:
    """List the models of the table: guess, references, autoencoders, M-AVAE, ablations."""
    connected = table.has("connectivity") if table.has("connectivity").any() else (
        np.ones(len(table), bool)
    )  # fmt: skip
    rows = [
        Row("median", "guess the median", "connected", lambda: _median(table, folds, connected))
    ]
    for slug, family in FAMILIES.items():
        rows.append(
            Row(
                slug,
                family.label,
                "connected",
                partial(_reference, table, folds, slug, connected, INPUTS),
            )
        )
        if not connected.all():
            rows.append(
                Row(f"{slug}-all", family.label, "all",
                    partial(_reference, table, folds, slug, np.ones(len(table), bool), INPUTS[:1]))
            )  # fmt: skip
    rows.append(Row("stack", "stack of support vector regressions", "connected",
                    lambda: _stack(table, folds, connected)))  # fmt: skip
    if not connected.all():
        rows.append(Row("stack-all", "stack of support vector regressions", "all",
                        lambda: _stack(table, folds, connected, everyone=True)))  # fmt: skip
    rows.append(Row("stack-tuned", "stack on the M-AVAE's features, tuned", "connected",
                    lambda: _stack(table, folds, connected, tuned=True)))  # fmt: skip
    if options.harmonise:
        rows += _harmonised_rows(table, folds, connected, options)
    for slug, label, recipe, inputs in network_rows(options):
        rows.append(
            Row(slug, label, "connected" if slug.endswith("-connected") else "all",
                partial(_network, table, folds, recipe, inputs, options, slug))
        )  # fmt: skip
    return rows


def _harmonised_rows(
    table: TrainingTable, folds: np.ndarray, connected: np.ndarray, options: CrossvalOptions
) -> list[Row]:
    """List ridge and M-AVAE on measures harmonised on each fold's training people."""
    everyone = np.ones(len(table), bool)
    ridge = partial(_reference, table, folds, "ridge", prepare=harmonised)
    label = "ridge, sites harmonised"
    rows = [Row("ridge-combat", label, "connected", partial(ridge, connected, INPUTS))]
    if not connected.all():
        rows.append(Row("ridge-all-combat", label, "all", partial(ridge, everyone, INPUTS[:1])))
    rows.append(
        Row("mavae-combat", "M-AVAE, sites harmonised", "all",
            partial(_network, table, folds, options.recipe, INPUTS, options, "mavae-combat",
                    prepare=harmonised))
    )  # fmt: skip
    return rows


def network_rows(options: CrossvalOptions) -> list[tuple[str, str, Recipe, tuple[str, ...]]]:
    """List the autoencoders: name, label, recipe and inputs."""
    recipe = options.recipe
    plain = recipe.changed(variational=False)
    rows = [
        ("aae-morphometry", "AAE, morphometry", plain.changed(single_modality="morphometry"),
         INPUTS[:1]),
        ("aae-connectivity", "AAE, connectivity", plain.changed(single_modality="connectivity"),
         INPUTS[1:2]),
        ("aae", "M-AAE (not variational)", plain, INPUTS),
        ("mavae", "M-AVAE", recipe, INPUTS),
    ]  # fmt: skip
    if options.ablations:
        rows += [
            ("no-adversary", "M-AVAE, no adversary", recipe.changed(adversarial=False), INPUTS),
            ("no-sex", "M-AVAE, no sex task", recipe.changed(predict_sex=False), INPUTS),
            ("joint-head", "M-AVAE, joint head, no calibration",
             recipe.changed(fusion="joint", calibrate=False), INPUTS),
            ("plain-inputs", "M-AVAE, raw measures and filtered connections",
             recipe.changed(derived=False, components=0), INPUTS),
            ("mavae-connected", "M-AVAE, people with connectivity only",
             recipe.changed(weight_single=0.0, lifespan_members=0), INPUTS),
        ]  # fmt: skip
    return rows


def predict_table(
    module: Mavae, table: TrainingTable, rows: np.ndarray, inputs: str
) -> tuple[np.ndarray, np.ndarray]:
    """Predict some people from one or both modalities, in double precision.

    Returns
    -------
    tuple[np.ndarray, np.ndarray]
        Log age and female logit; NaN where a person lacks an input.
    """
    names = INPUTS[:2] if inputs == "both" else (inputs,)
    module = module.double().eval()
    tensors = {name: torch.from_numpy(table.measures[name][rows]) for name in names}
    with torch.inference_mode():
        age, logit = module(tensors)
    usable = np.all([table.has(name)[rows] for name in names], axis=0)
    return (np.where(usable, np.log(age.numpy()), np.nan), np.where(usable, logit.numpy(), np.nan))


def _network(
    table: TrainingTable,
    folds: np.ndarray,
    recipe: Recipe,
    inputs: tuple[str, ...],
    options: CrossvalOptions,
    slug: str,
    *,
    prepare: Prepare | None = None,
) -> Predictions:
    numbers = np.unique(folds)
    folder = options.output / "checkpoints" / slug
    eligible = np.ones(len(table), bool)
    if slug.endswith("-connected"):
        eligible = table.has("connectivity")
    trainings = [(folds != k) & eligible for k in numbers]
    tables = [prepare(table, training) if prepare else table for training in trainings]
    if prepare:  # Every fold has measures of its own.
        models = [
            train_models(mine, [training], recipe.changed(patience=0), folder=folder / str(k),
                         resume=options.resume)[0]
            for k, mine, training in zip(numbers, tables, trainings, strict=True)
        ]  # fmt: skip
    else:
        models = train_models(table, trainings, recipe, folder=folder, resume=options.resume)
    shutil.rmtree(folder, ignore_errors=True)
    result = empty_predictions(len(table), inputs)
    for k, module, mine in zip(numbers, models, tables, strict=True):
        rows = np.flatnonzero(folds == k)
        for name in inputs:
            age, score = predict_table(module, mine, rows, name)
            result[name][0][rows] = age
            result[name][1][rows] = score if recipe.predict_sex else np.nan
    return result


def _median(table: TrainingTable, folds: np.ndarray, people: np.ndarray) -> Predictions:
    result = empty_predictions(len(table), INPUTS)
    for k in np.unique(folds):
        test, train = folds == k, (folds != k) & people
        women = np.nanmean(table.female[train]) if train.any() else np.nan
        for age, score in result.values():
            age[test] = np.log(np.median(table.age[train]))
            score[test] = np.log(women / (1 - women)) if 0 < women < 1 else np.nan
    return result


def _reference(
    table: TrainingTable,
    folds: np.ndarray,
    family: str,
    people: np.ndarray,
    inputs: tuple[str, ...],
    *,
    prepare: Prepare | None = None,
) -> Predictions:
    result = empty_predictions(len(table), inputs)
    for name in inputs:
        features = feature_matrix(table, name)
        usable = table.has_both() if name == "both" else table.has(name)
        for k in np.unique(folds):
            train = np.flatnonzero((folds != k) & people & usable)
            test = np.flatnonzero((folds == k) & usable)
            if train.size and test.size:
                if prepare:
                    features = feature_matrix(prepare(table, (folds != k) & people), name)
                age, score = fit_predict(family, features, table, train, test)
                result[name][0][test], result[name][1][test] = age, score
    return result


def _stack(
    table: TrainingTable,
    folds: np.ndarray,
    connected: np.ndarray,
    *,
    everyone: bool = False,
    tuned: bool = False,
) -> Predictions:
    result = empty_predictions(len(table), INPUTS)
    if not table.has_both().any():
        return result
    for k in np.unique(folds):
        train = np.flatnonzero((folds != k) & connected)
        test = np.flatnonzero(folds == k)
        single = np.flatnonzero((folds != k) & ~connected) if everyone else None
        found = stack(table, train, test, single=single, tuned=tuned)
        for name, (age, score) in found.items():
            result[name][0][test], result[name][1][test] = age, score
    return result
