"""TSAN: a two-stage network for age from a T1w; the second stage corrects a rounded first age."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, cast

import torch
from torch import Tensor, nn

from bids_brainage.models.cards import ModelCard
from bids_brainage.models.fits import require_image
from bids_brainage.models.scaledense import ScaleDense, ScaleDenseConfig
from bids_brainage.models.views import views

MODALITY = "image"
SHAPE = (91, 109, 91)
STEP = 5.0


@dataclass(frozen=True)
class TsanConfig:
    """Shape of the cascade.

    Parameters
    ----------
    network
        Shape of the networks; that of the second stage differs in what it takes only.
    stages
        One or two.
    step
        Years that the first age is rounded to before the second stage.
    shape
        Voxels of the image along x, y and z.
    zooms
        Voxel size in mm.
    scaling
        How images are scaled, see `bids_brainage.preprocessing.brain_image`.
    average
        Average both stages over the copies of `bids_brainage.models.views.views`.
    """

    network: ScaleDenseConfig
    stages: int = 2
    step: float = STEP
    shape: tuple[int, int, int] = SHAPE
    zooms: float = 2.0
    scaling: str = "mask"
    average: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return the configuration as plain values for a JSON file."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "TsanConfig":
        """Read what `as_dict` gave."""
        network = ScaleDenseConfig.from_dict(values["network"])
        return cls(**{**values, "network": network, "shape": tuple(values["shape"])})


def discretise(age: Tensor, step: float = STEP) -> Tensor:
    """Round ages to the nearest multiple of a step; halves go up."""
    return torch.floor(age / step + 0.5) * step


class Tsan(nn.Module):
    """One or two stages, and a straight line that takes out what they do to all ages alike.

    Parameters
    ----------
    config
        Shape of the cascade.
    """

    slope: Tensor
    intercept: Tensor

    def __init__(self, config: TsanConfig) -> None:
        super().__init__()
        self.config = config
        self.first = ScaleDense(replace(config.network, second=False))
        if config.stages == 2:
            self.second = ScaleDense(replace(config.network, second=True, tells_sex=False))
        self.average = config.average
        self.register_buffer("slope", torch.tensor(1.0))
        self.register_buffer("intercept", torch.tensor(0.0))

    def stages(self, image: Tensor, sex: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Return the first age, the final one before calibration (years), and the sex logit."""
        copies = views(image) if self.average else [image]
        first, logit = _mean([self.first(copy, sex) for copy in copies])
        if self.config.stages == 1:
            return first, first, logit
        rounded = discretise(first, self.config.step)
        rest, _ = _mean([self.second(copy, sex, rounded) for copy in copies])
        return first, rounded + rest, logit

    def forward(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Predict age in years and the logit of being female.

        Parameters
        ----------
        inputs
            ``image``, scaled brains (n, x, y, z), and if known ``sex`` (n, 2), see `ScaleDense`.

        Returns
        -------
        tuple[Tensor, Tensor]
            Each (n,); the logit is NaN from a model that does not tell sex.
        """
        _, age, logit = self.stages(inputs[MODALITY][:, None], inputs.get("sex"))
        return age * self.slope + self.intercept, logit

    def out_of_range(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return zeros, as the networks keep no ranges of voxels; shape (n,)."""
        return inputs[MODALITY].new_zeros(len(inputs[MODALITY]))

    def fuse(self) -> "Tsan":
        """Fuse the convolutions of both stages for inference, in place."""
        self.first.fuse()
        if self.config.stages == 2:
            self.second.fuse()
        return self


def _mean(found: Sequence[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    ages, logits = (torch.stack(parts).mean(dim=0) for parts in zip(*found, strict=True))
    return ages, logits


def build(config: Mapping[str, Any]) -> Tsan:
    """Build the cascade of a card's configuration."""
    return Tsan(TsanConfig.from_dict(config))


def check(module: nn.Module, card: ModelCard) -> None:
    """Check that the card's input is the image that the network takes.

    Raises
    ------
    ModelError
        If it is not.
    """
    require_image(card, MODALITY, cast(Tsan, module).config.shape)
