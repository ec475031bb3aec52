"""Options of training the autoencoder of measures."""

from dataclasses import asdict, dataclass, replace
from typing import Any

from bids_brainage.errors import UsageError
from bids_brainage.models.morphometry_autoencoder import SPECIFIED_BOTTLENECK


@dataclass(frozen=True)
class MorphometryRecipe:
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
        for name in ("bottleneck", "epochs", "batch_size", "patience", "plateau"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} = {getattr(self, name)}", hint="give 1 or more")
        if self.parts < 2:
            raise UsageError(f"parts = {self.parts}", hint="give 2 or more")
        if any(width < 1 for width in self.hidden):
            raise UsageError(f"hidden = {self.hidden}", hint="give widths of 1 or more")
        if self.learning_rate <= 0:
            raise UsageError(f"learning_rate = {self.learning_rate}", hint="give a value above 0")
        if not 0 <= self.masked < 1:
            raise UsageError(f"masked = {self.masked}", hint="give a share from 0 to below 1")
        if not 0 < self.factor <= 1:
            raise UsageError(f"factor = {self.factor}", hint="give a share above 0, at most 1")
        if self.noise < 0 or self.weight_decay < 0:
            raise UsageError("noise and weight_decay are 0 or more")

    def as_dict(self) -> dict[str, Any]:
        """Return the options as plain values for a JSON file."""
        return asdict(self)

    def changed(self, **options: Any) -> "MorphometryRecipe":
        """Return a copy with some options changed."""
        if isinstance(options.get("hidden"), int):
            options["hidden"] = (options["hidden"],)
        return replace(self, **options)
