"""Options of training the autoencoder of brains."""

import math
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Self

from bids_brainage.errors import UsageError
from bids_brainage.models.image_autoencoder import ImageAutoencoderConfig
from bids_brainage.training.images.recipe import ImageRecipe

HEAD_SIZES = ("removed", "kept")
KINDS = {int: "a whole number", float: "a number", str: "a word"}


@dataclass(frozen=True)
class ImageAutoencoderRecipe:
    """Options of training the autoencoder of brains; the network is the specified one by default.

    Parameters
    ----------
    bottleneck
        Length of the code.
    width
        Factor on the channels of all layers.
    epochs, patience, plateau, factor
        At most so many; fewer where the validation loss has not fallen for ``patience``; the
        learning rate is multiplied by ``factor`` where it has not for ``plateau``.
    batch_size
        Images per step.
    learning_rate, weight_decay
        Of Adam.
    validation
        Share of the training people that choose the epoch.
    shift, flip, rotation, zoom, gamma
        Augmentation: largest shift in voxels, chance of left-right exchange, standard deviations
        of angles in degrees, of the log of the zoom and of the log of the contrast's exponent.
    noise
        Standard deviation of the noise, in standard deviations of brains about their mean, that
        the network takes out again.
    head_size
        Whether what the code tells of the size of the head is ``removed`` before age and sex are
        told, or ``kept``.
    seed
        Seed of everything.
    """

    bottleneck: int = 1000
    width: float = 1.0
    epochs: int = 200
    patience: int = 30
    plateau: int = 10
    factor: float = 0.5
    batch_size: int = 8
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    validation: float = 0.15
    shift: float = 0.0
    flip: float = 0.0
    rotation: float = 0.0
    zoom: float = 0.0
    gamma: float = 0.0
    noise: float = 0.5
    head_size: str = "removed"
    seed: int = 0

    def __post_init__(self) -> None:
        for option in fields(self):
            value, kind = getattr(self, option.name), type(option.default)
            fits = isinstance(value, int | float if kind is float else kind)
            if not fits or isinstance(value, bool) or (kind is float and not math.isfinite(value)):
                raise UsageError(f"{option.name} = {value}", hint=f"give {KINDS[kind]}")
            if kind is not str and value < 0:
                raise UsageError(f"{option.name} = {value}", hint="give 0 or more")
        for name in ("bottleneck", "width", "epochs", "patience", "plateau", "factor",
                     "batch_size", "learning_rate"):  # fmt: skip
            if not getattr(self, name) > 0:
                raise UsageError(f"{name} = {getattr(self, name)}", hint="give a value above 0")
        if self.validation >= 1:
            raise UsageError(f"validation = {self.validation}", hint="give a share below 1")
        if self.head_size not in HEAD_SIZES:
            raise UsageError(f"head_size = {self.head_size}",
                             hint=f"choose {', '.join(HEAD_SIZES)}")  # fmt: skip
        if not self.seed < 2**32:
            raise UsageError(f"seed = {self.seed}", hint="give a number from 0 to 4294967295")

    @classmethod
    def full(cls) -> Self:
        """The network as it is specified."""
        return cls()

    @classmethod
    def compact(cls) -> Self:
        """A network of a quarter of the channels, for few people and processors."""
        return cls(bottleneck=100, width=0.25, batch_size=4, learning_rate=2e-3)

    def changed(self, **options: Any) -> Self:
        """Return a copy with some options changed."""
        return replace(self, **options)

    def as_dict(self) -> dict[str, Any]:
        """Return the options as plain values for a JSON file."""
        return asdict(self)

    @property
    def model_config(self) -> ImageAutoencoderConfig:
        """Shape of the network."""
        return ImageAutoencoderConfig(self.bottleneck, self.width)

    @property
    def moves(self) -> bool:
        """Whether brains are changed at random at all."""
        return any((self.shift, self.flip, self.rotation, self.zoom, self.gamma))

    @property
    def augmentation(self) -> ImageRecipe:
        """Options of moving and turning brains; noise is added to what goes in alone."""
        return ImageRecipe(
            shift=self.shift, flip=self.flip, rotation=self.rotation, zoom=self.zoom,
            gamma=self.gamma, noise=0.0,
        )  # fmt: skip
