"""Options of training the autoencoder of brains."""

from dataclasses import dataclass
from typing import Self

from bids_brainage.models.image_autoencoder import ImageAutoencoderConfig
from bids_brainage.training.checked_recipe import CheckedRecipe
from bids_brainage.training.images.recipe import ImageRecipe

HEAD_SIZES = ("removed", "kept")


@dataclass(frozen=True)
class ImageAutoencoderRecipe(CheckedRecipe):
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
        super().__post_init__()
        self.require_above_zero(
            "bottleneck", "width", "epochs", "patience", "plateau", "factor", "batch_size",
            "learning_rate",
        )  # fmt: skip
        self.require_shares("validation")
        self.require("head_size", HEAD_SIZES)

    @classmethod
    def full(cls) -> Self:
        """The network as it is specified."""
        return cls()

    @classmethod
    def compact(cls) -> Self:
        """A network of a quarter of the channels, for few people and processors."""
        return cls(bottleneck=100, width=0.25, batch_size=4, learning_rate=2e-3)

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
