"""Train, cross-validate and test the autoencoder of measures."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from bids_brainage.errors import InputError, UsageError
from bids_brainage.models.cards import ModelCard
from bids_brainage.models.morphometry_autoencoder import MODALITY, MorphometryAutoencoder
from bids_brainage.models.store import load_kind, save_model
from bids_brainage.training.aegan import AeganOptions
from bids_brainage.training.autoencoder.components import write_components
from bids_brainage.training.autoencoder.morphometry_card import make_card
from bids_brainage.training.autoencoder.morphometry_crossval import ages_of, run_crossval
from bids_brainage.training.autoencoder.morphometry_features import INITIAL, LATENT, Fold
from bids_brainage.training.autoencoder.morphometry_fit import (
    COLUMNS,
    best_rates,
    modality,
    train_autoencoder,
)
from bids_brainage.training.autoencoder.morphometry_folds import (
    TRAINING,
    predict_folds,
    reconstruction,
    train_folds,
)
from bids_brainage.training.autoencoder.morphometry_people import People, load_people
from bids_brainage.training.autoencoder.recipe import MorphometryRecipe
from bids_brainage.training.autoencoder.told import Told, write_told
from bids_brainage.training.segmentation.train import write_log
from bids_brainage.training.trust import OUT_OF_FOLD, fit_distances, write_out_of_fold

__all__ = ["run_crossval", "run_test", "run_training"]


def run_training(options: AeganOptions, progress: Callable[[str], None]) -> Path:
    """Train a model on all people and write it with a card of out-of-fold scores.

    Beside the model stand ``training.csv``, ``components.tsv`` and, with ages in years,
    ``out_of_fold.tsv``.

    Returns
    -------
    Path
        The model's folder.
    """
    recipe = options.recipe or MorphometryRecipe()
    people = load_people(options.data, options.bins, options.age_codes)
    progress(f"{len(people)} people, {len(people.names)} measures")
    folds = people.folds(options.n_folds, split_single=True)
    checkpoints = options.output / "checkpoint"
    trained, course = train_folds(
        people, folds, recipe, checkpoints,
        resume=options.resume, device=options.device, progress=progress,
    )  # fmt: skip
    everyone = np.ones(len(people), bool)
    module, rows = train_autoencoder(
        people, everyone, recipe, checkpoints / "everyone", part="everyone",
        rates=best_rates(course),
        resume=options.resume, device=options.device, progress=progress,
    )  # fmt: skip
    predictions = predict_folds(trained, people)
    rebuilt = {name: errors["unseen"][0] for name, errors in reconstruction(trained).items()}
    names = " ".join(path.name for path in options.data)
    card = make_card(
        people, module, predictions, folds, recipe, rebuilt,
        name=options.model_name,
        command=options.command or f"brainage train aegan {names} --output {options.output.name}",
    )  # fmt: skip
    fit_distances(module, people.table, folds, [trained[k].module for k in sorted(trained)])
    save_model(module, card, options.output)
    write_log(options.output / TRAINING, [*course, *rows], COLUMNS)
    fold = Fold(module, people, everyone)
    write_components(
        options.output, {INITIAL: fold.initial, LATENT: fold.latent},
        people.table.female, ages_of(people),
    )  # fmt: skip
    if MODALITY in card.age_range:
        write_out_of_fold(
            options.output / OUT_OF_FOLD, people.table, folds, {MODALITY: predictions},
            {MODALITY: MODALITY}, card.name,
        )  # fmt: skip
    shutil.rmtree(checkpoints, ignore_errors=True)
    return options.output


def run_test(options: AeganOptions, progress: Callable[[str], None]) -> dict[str, float | str]:
    """Score a model on people and write ``scores.json`` and ``predictions.tsv``.

    Returns
    -------
    dict[str, float | str]
        Number of people, error of age in years beside guessing the median, accuracy and AUC of
        sex beside the majority class, and the error of rebuilt features; what nobody's labels
        tell is left out.

    Raises
    ------
    UsageError
        If no model is named.
    ModelError
        If the model is of another kind.
    InputError
        If the people lack a measure that it takes.
    """
    if not options.model:
        raise UsageError("no model is named", hint="--model takes the folder of a model")
    module, card = load_kind(options.model, MorphometryAutoencoder)
    people = _ordered(load_people(options.data, options.bins, options.age_codes), card, options)
    progress(f"{len(people)} people, model {card.name}")
    module.double().eval()
    everyone = np.arange(len(people))
    with torch.no_grad():
        age, logit = (v.numpy() for v in module(modality(people, everyone)))
    return write_told(
        options.output, card.name,
        Told(
            labels=people.table.participants, age=people.table.age, female=people.table.female,
            predicted_age=age, probability_female=_chance(card, logit),
            errors=Fold(module, people, np.ones(len(people), bool)).errors_of_code(),
        ),
        "reconstruction_error",
    )  # fmt: skip


def _chance(card: ModelCard, logit: np.ndarray) -> np.ndarray:
    line = card.sex_line.get(MODALITY, {"slope": 1.0, "intercept": 0.0})
    chance: np.ndarray = 1 / (1 + np.exp(-(line["slope"] * logit + line["intercept"])))
    return chance


def _ordered(people: People, card: ModelCard, options: AeganOptions) -> People:
    """People with the measures of a card in its order."""
    names = card.inputs[MODALITY].names
    known = {name: i for i, name in enumerate(people.names)}
    if missing := [name for name in names if name not in known]:
        raise InputError(
            f"{len(missing)} of {len(names)} measures of model {card.name} are missing, the first "
            f"is {missing[0]}",
            place=options.data[0],
            hint="test it on people with the measures that it was trained on",
        )
    return people.with_raw(people.raw[:, [known[name] for name in names]], names)
