"""Options that the training of every network of images has."""

from dataclasses import dataclass
from typing import Any, Protocol

from bids_brainage.preprocessing.brain_image import SCALINGS, grid_shape
from bids_brainage.training.checked_recipe import CheckedRecipe

PRETEXTS = ("none", "volumes", "images")


class ImageConfig(Protocol):
    """Shape of a network of images, as its card keeps it."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels of the image."""
        ...

    @property
    def zooms(self) -> float:
        """Voxel size in mm."""
        ...

    @property
    def scaling(self) -> str:
        """How images are scaled."""
        ...

    def as_dict(self) -> dict[str, Any]:
        """Return the configuration as plain values for a JSON file."""
        ...


@dataclass(frozen=True)
class ImageRecipe(CheckedRecipe):
    """Options of training a network of images.

    Parameters
    ----------
    zooms
        Voxel size in mm.
    scaling
        How images are scaled, see `bids_brainage.preprocessing.brain_image.scale`.
    epochs, patience, plateau, factor
        At most so many; fewer where the validation error has not fallen for ``patience``; the
        learning rate is multiplied by ``factor`` where it has not for ``plateau``.
    batch_size
        Images per step.
    learning_rate, weight_decay
        Of Adam.
    amsgrad
        Adam keeps the largest of its second moments.
    validation
        Share of the people that choose the epoch.
    average
        Whether the finished model tells the mean age of moved and exchanged copies, see
        `bids_brainage.models.views.views`.
    pretrain, pretrain_epochs
        What the network learns from the training people before age: ``none``, ``volumes``
        (those of tissues and regions that the participant level measured) or ``images`` (to give
        the image again at low resolution).
    shift, flip, rotation, zoom
        Augmentation: largest shift in voxels, chance of left-right exchange, standard deviations
        of angles in degrees and of the log of the zoom.
    noise, gamma
        Augmentation: standard deviations of noise and of the log of the contrast's exponent.
    light
        Compute activations again in the backward pass, to save memory.
    seed
        Seed of everything.
    """

    zooms: float = 4.0
    scaling: str = "mask"
    epochs: int = 40
    patience: int = 20
    plateau: int = 5
    factor: float = 0.5
    batch_size: int = 8
    learning_rate: float = 2e-3
    weight_decay: float = 5e-4
    amsgrad: bool = True
    validation: float = 0.15
    average: bool = False
    pretrain: str = "none"
    pretrain_epochs: int = 20
    shift: float = 1.0
    flip: float = 0.5
    rotation: float = 3.0
    zoom: float = 0.02
    noise: float = 0.05
    gamma: float = 0.05
    light: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("scaling", SCALINGS)
        self.require("pretrain", PRETEXTS)
        self.require_above_zero(
            "zooms", "epochs", "batch_size", "learning_rate", "pretrain_epochs", "plateau",
            "patience", "factor",
        )  # fmt: skip
        self.require_shares("validation")

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels of the image."""
        return grid_shape(self.zooms)

    @property
    def model_config(self) -> ImageConfig:
        """Shape of the network."""
        raise NotImplementedError
