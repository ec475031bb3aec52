"""Options of training the autoencoder of measures."""

from dataclasses import dataclass
from typing import Any, Self

from bids_brainage.errors import UsageError
from bids_brainage.models.morphometry_autoencoder import SPECIFIED_BOTTLENECK
from bids_brainage.training.checked_recipe import CheckedRecipe


@dataclass(frozen=True)
class MorphometryRecipe(CheckedRecipe):
    """Options of training an autoencoder of measures.

    Parameters
    ----------
    bottleneck
        Width of the code.
    hidden
        Widths of the encoder's layers, those of the decoder in reverse; none for a straight line.
    shortcut
        Add straight lines around the layers, which start at the principal components.
    derived
        Add volumes relative to head size to the measures, where they are named.
    noise
        Standard deviation of the noise on the features in training.
    masked
        Share of the features that are hidden in training and must be told from the others.
    epochs, batch_size, learning_rate, weight_decay
        Most passes over the people, people per step, and AdamW's rate and decay.
    parts
        Into how many parts sites are dealt, of which one is left out to tell when to stop.
    patience
        Epochs without gain on the people left out after which training stops.
    plateau, factor
        Epochs without gain after which the rate falls, and by what.
    seed
        Seed of everything.
    """

    bottleneck: int = SPECIFIED_BOTTLENECK
    hidden: tuple[int, ...] = (256,)
    shortcut: bool = True
    derived: bool = True
    noise: float = 0.1
    masked: float = 0.02
    epochs: int = 150
    batch_size: int = 64
    learning_rate: float = 3e-4
    weight_decay: float = 0.1
    parts: int = 6
    patience: int = 15
    plateau: int = 5
    factor: float = 0.5
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_above_zero(
            "bottleneck", "epochs", "batch_size", "learning_rate", "patience", "plateau", "factor"
        )
        self.require_shares("masked")
        self.require_whole_numbers("hidden")
        if self.parts < 2:
            raise UsageError(f"parts = {self.parts}", hint="give 2 or more")
        if self.factor > 1:
            raise UsageError(f"factor = {self.factor}", hint="give at most 1")

    def changed(self, **options: Any) -> Self:
        """Return a copy with some options changed."""
        if isinstance(options.get("hidden"), int):
            options["hidden"] = (options["hidden"],)
        return super().changed(**options)
