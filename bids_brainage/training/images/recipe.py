"""Options that the training of every network of images has."""

import math
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Protocol, Self

from bids_brainage.errors import UsageError
from bids_brainage.preprocessing.brain_image import SCALINGS, grid_shape

PRETEXTS = ("none", "volumes", "images")
KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "a word",
         tuple: "one whole number a stage, as in 1,1,"}  # fmt: skip


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
class ImageRecipe:
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
        for option in fields(self):
            _check_kind(option.name, getattr(self, option.name), type(option.default))
        self.require("scaling", SCALINGS)
        self.require("pretrain", PRETEXTS)
        self.require_above_zero(
            "zooms", "epochs", "batch_size", "learning_rate", "pretrain_epochs", "plateau",
            "patience", "factor",
        )  # fmt: skip
        for option in fields(self):
            value = getattr(self, option.name)
            if isinstance(value, int | float) and value < 0 and option.name != "seed":
                raise UsageError(f"{option.name} = {value}", hint="give 0 or more")
        if not 0 <= self.validation < 1:
            raise UsageError(f"validation = {self.validation}", hint="give a share below 1")
        if not 0 <= self.seed < 2**32:
            raise UsageError(f"seed = {self.seed}", hint="give a number from 0 to 4294967295")

    def require(self, name: str, allowed: tuple[Any, ...]) -> None:
        """Check that an option is one of some values.

        Raises
        ------
        UsageError
            If it is not.
        """
        if getattr(self, name) not in allowed:
            raise UsageError(f"{name} = {getattr(self, name)}",
                             hint=f"choose {', '.join(map(str, allowed))}")  # fmt: skip

    def require_above_zero(self, *names: str) -> None:
        """Check that options are above zero.

        Raises
        ------
        UsageError
            If one is not.
        """
        for name in names:
            if not getattr(self, name) > 0:
                raise UsageError(f"{name} = {getattr(self, name)}", hint="give a value above 0")

    def as_dict(self) -> dict[str, Any]:
        """Return the options as plain values for a JSON file."""
        return asdict(self)

    def changed(self, **options: Any) -> Self:
        """Return a copy with some options changed."""
        return replace(self, **options)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels of the image."""
        return grid_shape(self.zooms)

    @property
    def model_config(self) -> ImageConfig:
        """Shape of the network."""
        raise NotImplementedError


def _check_kind(name: str, value: Any, kind: type) -> None:
    if kind is float:
        fits = isinstance(value, int | float) and math.isfinite(value)
    else:
        fits = isinstance(value, kind)
    if not fits or (isinstance(value, bool) and kind is not bool):
        raise UsageError(f"{name} = {value}", hint=f"give {KINDS[kind]}")
