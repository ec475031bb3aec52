"""The parts of the family ``aegan``: which recipe each has, and which module trains it."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bids_brainage.errors import ModelError
from bids_brainage.models.cards import CARD_NAME, read_card
from bids_brainage.models.find import find_model
from bids_brainage.training.aegan import AeganOptions

FAMILY = "aegan"
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Part:
    """One part: where its recipe and its three verbs are.

    Parameters
    ----------
    recipe
        Module and class of the recipe, with a colon between.
    module
        Module with ``run_training``, ``run_crossval`` and ``run_test``.
    """

    recipe: str
    module: str

    @property
    def recipe_class(self) -> Any:
        """Class of the recipe."""
        module, name = self.recipe.split(":")
        return getattr(importlib.import_module(module), name)

    def run_training(self, options: AeganOptions, progress: Progress) -> Path:
        """Train a model; give its folder."""
        folder: Path = self.verb("run_training")(options, progress)
        return folder

    def run_crossval(self, options: AeganOptions, progress: Progress) -> Path:
        """Leave people out in turn; give the folder of the tables."""
        folder: Path = self.verb("run_crossval")(options, progress)
        return folder

    def run_test(self, options: AeganOptions, progress: Progress) -> dict[str, float | str]:
        """Score a model on people; give the scores by name."""
        scores: dict[str, float | str] = self.verb("run_test")(options, progress)
        return scores

    def verb(self, name: str) -> Callable[..., Any]:
        """Find one of the three functions by name."""
        found: Callable[..., Any] = getattr(importlib.import_module(self.module), name)
        return found


_HOME = "bids_brainage.training"
PARTS = {
    "morphometry": Part(
        f"{_HOME}.autoencoder.recipe:MorphometryRecipe", f"{_HOME}.autoencoder.morphometry"
    ),
    "images": Part(
        f"{_HOME}.autoencoder.image_recipe:ImageAutoencoderRecipe", f"{_HOME}.autoencoder.images"
    ),
    "gan": Part(f"{_HOME}.gan.recipe:GanRecipe", f"{_HOME}.gan.run"),
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
