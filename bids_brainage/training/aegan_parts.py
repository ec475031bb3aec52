"""The parts of the family ``aegan``: which recipe each has, and what trains and tests it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bids_brainage.errors import ModelError
from bids_brainage.models.cards import CARD_NAME, read_card
from bids_brainage.models.find import find_model
from bids_brainage.training.aegan import AeganOptions
from bids_brainage.training.autoencoder import images, morphometry
from bids_brainage.training.autoencoder.image_recipe import ImageAutoencoderRecipe
from bids_brainage.training.autoencoder.recipe import MorphometryRecipe
from bids_brainage.training.gan import run as gan
from bids_brainage.training.gan.recipe import GanRecipe

FAMILY = "aegan"
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Part:
    """One part.

    Parameters
    ----------
    recipe_class
        Of the options of its training.
    run_training
        Trains a model; gives its folder.
    run_crossval
        Leaves people out in turn; gives the folder of the tables.
    run_test
        Scores a model on people; gives the scores by name.
    """

    recipe_class: Any
    run_training: Callable[[AeganOptions, Progress], Path]
    run_crossval: Callable[[AeganOptions, Progress], Path]
    run_test: Callable[[AeganOptions, Progress], dict[str, float | str]]


PARTS = {
    "morphometry": Part(
        MorphometryRecipe,
        morphometry.run_training,
        morphometry.run_crossval,
        morphometry.run_test,
    ),
    "images": Part(
        ImageAutoencoderRecipe, images.run_training, images.run_crossval, images.run_test
    ),
    "gan": Part(GanRecipe, gan.run_training, gan.run_crossval, gan.run_test),
}


def part_of_model(model: str) -> str:
    """Tell from its card which part a model is of.

    Raises
    ------
    ModelError
        If there is no such model, or it is of another family.
    """
    path = find_model(model) / CARD_NAME
    card = read_card(path)
    part = str(card.config.get("kind", ""))
    if card.family != FAMILY or part not in PARTS:
        raise ModelError(
            f"model '{card.name}' is of family {card.family}, not {FAMILY}",
            place=path,
            hint="brainage models list tells the family of every model",
        )
    return part
