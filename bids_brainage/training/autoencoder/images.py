"""Train, cross-validate and test the autoencoder of brains."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from bids_brainage.bids.outputs import write_tsv
from bids_brainage.errors import InputError, UsageError
from bids_brainage.models.image_autoencoder import MODALITY, ImageAutoencoder
from bids_brainage.models.store import load_kind, save_model
from bids_brainage.training.aegan import AeganOptions
from bids_brainage.training.autoencoder.brains import Brains, load_brains
from bids_brainage.training.autoencoder.components import write_components
from bids_brainage.training.autoencoder.image_card import make_card
from bids_brainage.training.autoencoder.image_components import Components
from bids_brainage.training.autoencoder.image_crossval import run_crossval
from bids_brainage.training.autoencoder.image_fit import EPOCH_COLUMNS, codes_of, losses
from bids_brainage.training.autoencoder.image_folds import (
    known_of,
    run_folds,
    train_network,
)
from bids_brainage.training.autoencoder.image_pictures import agreement, mean_brains, write_brains
from bids_brainage.training.autoencoder.image_recipe import ImageAutoencoderRecipe
from bids_brainage.training.autoencoder.told import Told, write_told
from bids_brainage.training.segmentation.train import write_log

__all__ = ["run_crossval", "run_test", "run_training"]
FEWEST = 10
DECIMALS = 4


def run_training(options: AeganOptions, progress: Callable[[str], None]) -> Path:
    """Train a model on all people and write it with a card of scores of people left out.

    Beside the model stand ``training.csv``, ``components.tsv`` and the mean brains,
    ``brains.npz``.

    Returns
    -------
        The model's folder.

    Raises
    ------
    InputError
        If there are fewer than `FEWEST` people, or their data cannot be used.
    """
    recipe = options.recipe or ImageAutoencoderRecipe()
    brains = load_brains(options)
    if len(set(brains.labels)) < FEWEST:
        raise InputError(f"{len(set(brains.labels))} people", place=options.data[0],
                         hint=f"give {FEWEST} or more")  # fmt: skip
    progress(f"{len(brains)} brains")
    checkpoints = options.output / "checkpoint"
    folds = run_folds(
        brains, options.n_folds, recipe, checkpoints,
        device=options.device, resume=options.resume, progress=progress,
    )  # fmt: skip
    everybody = np.arange(len(brains))
    network, course = train_network(
        brains, everybody, recipe, checkpoints / "everybody",
        device=options.device, resume=options.resume, progress=progress,
    )  # fmt: skip
    save_model(network, make_card(options, recipe, network, brains, folds), options.output)
    write_log(options.output / "training.csv", course, EPOCH_COLUMNS)
    describe(network, brains, options.output)
    shutil.rmtree(checkpoints, ignore_errors=True)
    return options.output


def describe(network: ImageAutoencoder, brains: Brains, folder: Path) -> None:
    """Write the data of the figures: principal components of brains and codes, mean brains.

    ``mean_brains.tsv`` tells how large differences between mean brains are, and how those of
    decoded ones go with those of the images.
    """
    everybody = np.arange(len(brains))
    codes = codes_of(network, brains, everybody)
    # The scores of all components have the distances of the voxels.
    initial = Components(brains, everybody, len(brains)).scores(brains.block(everybody))
    known = known_of(brains)
    write_components(folder, {"initial": initial, "latent": codes}, known.female, known.age)
    kinds = mean_brains(network, brains, codes)
    write_brains(folder, kinds, brains)
    rows = [
        {name: round(value, DECIMALS) if isinstance(value, float) else value
         for name, value in row.items()}
        for row in agreement(kinds)
    ]  # fmt: skip
    write_tsv(folder / "mean_brains.tsv", rows, ("pair", "kind", "size", "r"))


def run_test(options: AeganOptions, progress: Callable[[str], None]) -> dict[str, float | str]:
    """Score a model on people and write ``scores.json`` and ``predictions.tsv``.

    Returns
    -------
        Number of people, error of age in years beside guessing the median, accuracy and AUC of
        sex beside the majority class, and the error of rebuilt brains beside that of the training
        people's mean brain, in units of their variance; what no labels tell is left out.

    Raises
    ------
    UsageError, ModelError
        If no model is named, or it is of another kind.
    """
    if not options.model:
        raise UsageError("no model is named", hint="--model takes the folder of a model")
    network, card = load_kind(options.model, ImageAutoencoder)
    brains = load_brains(options)
    progress(f"{len(brains)} brains, model {card.name}")
    age, logit = predicted(network, brains)
    _, errors = losses(network, brains, np.arange(len(brains)))
    known = known_of(brains)
    told = Told(
        labels=np.array(brains.labels), age=known.age, female=known.female, predicted_age=age,
        probability_female=1 / (1 + np.exp(-logit)), errors=errors,
    )  # fmt: skip
    return write_told(options.output, card.name, told, "rebuilding_error",
                      rebuilding_error_of_mean=_mean_error(network, brains))  # fmt: skip


@torch.no_grad()
def predicted(network: ImageAutoencoder, brains: Brains) -> tuple[np.ndarray, np.ndarray]:
    """Ages in years and female logits of everybody; each (n,)."""
    found = [
        network({MODALITY: torch.from_numpy(brains.block([row]))}) for row in range(len(brains))
    ]
    age, logit = (torch.cat(values).double().numpy() for values in zip(*found, strict=True))
    return age, logit


@torch.no_grad()
def _mean_error(network: ImageAutoencoder, brains: Brains) -> float:
    away = [
        network.standard(torch.from_numpy(brains.block([row]))).square().sum() / network.field.sum()
        for row in range(len(brains))
    ]
    return float(torch.stack(away).mean())
