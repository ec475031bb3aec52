"""SFCN: a light convolutional network for age, or sex, from a linearly registered T1w.

Peng et al. (2021, 10.1016/j.media.2020.101871), whose weights are brought by the user. The age is
told as probabilities of 40 years, the sex as those of women and men, by a network of its own.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from bids_brainage.models.cards import ModelCard
from bids_brainage.models.fits import require_image

MODALITY = "image"
SHAPE = (160, 192, 160)
AGES = (42.0, 82.0)
EDGE = 2.0
# Channels after each block, and classes.
NETWORKS = {
    "age": ((32, 64, 128, 256, 256, 64), 40),
    "sex": ((28, 58, 128, 256, 256, 64), 2),
}
_POOL = (5, 6, 5)


@dataclass(frozen=True)
class SfcnConfig:
    """Which networks there are.

    Parameters
    ----------
    tells_sex
        Whether there is one for sex beside that for age.
    """

    tells_sex: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return the configuration as plain values for a JSON file."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "SfcnConfig":
        """Read what `as_dict` gave; other keys are ignored."""
        return cls(bool(values.get("tells_sex", False)))


class _Block(nn.Module):
    """Convolution, batch normalisation, halving unless it is the last, rectification."""

    def __init__(self, inputs: int, outputs: int, *, last: bool) -> None:
        super().__init__()
        size = 1 if last else 3
        self.conv = nn.Conv3d(inputs, outputs, size, padding=size // 2)
        self.norm: nn.Module = nn.BatchNorm3d(outputs)
        self.last = last

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.conv(x))
        return functional.relu_(x if self.last else functional.max_pool3d(x, 2))

    def fuse(self) -> None:
        """Take the normalisation into the convolution."""
        if isinstance(self.norm, nn.BatchNorm3d):
            self.conv = fuse_conv_bn_eval(self.conv, self.norm)
            self.norm = nn.Identity()


class SfcnNetwork(nn.Module):
    """One network.

    Parameters
    ----------
    widths
        Channels after each block.
    classes
        What is told apart.
    """

    def __init__(self, widths: tuple[int, ...], classes: int) -> None:
        super().__init__()
        self.classes = classes
        last = len(widths) - 1
        self.blocks = nn.ModuleList(
            _Block(before, after, last=i == last)
            for i, (before, after) in enumerate(zip((1, *widths), widths, strict=False))
        )
        self.head = nn.Conv3d(widths[-1], classes, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Return logarithms of probabilities (n, classes) of images (n, 1, 160, 192, 160)."""
        for block in self.blocks:
            image = block(image)
        pooled = functional.dropout(functional.avg_pool3d(image, _POOL), 0.5, self.training)
        return functional.log_softmax(self.head(pooled), dim=1).flatten(1)


class Sfcn(nn.Module):
    """The network for age, and the one for sex where there is one.

    Parameters
    ----------
    config
        Which there are.
    """

    years: Tensor

    def __init__(self, config: SfcnConfig) -> None:
        super().__init__()
        self.config = config
        self.age = SfcnNetwork(*NETWORKS["age"])
        if config.tells_sex:
            self.sex = SfcnNetwork(*NETWORKS["sex"])
        years = torch.arange(*AGES) + 0.5
        self.register_buffer("years", years, persistent=False)

    def forward(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Predict age in years and the logit of being female; see `with_spread`."""
        age, logit, _, _ = self.with_spread(inputs)
        return age, logit

    def with_spread(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Predict age, sex, and how far to believe the age.

        Parameters
        ----------
        inputs
            ``image``, brains over their mean (n, x, y, z), axes to the right, front and top.

        Returns
        -------
        tuple[Tensor, Tensor, Tensor, Tensor]
            Each (n,): age in years; logit of being female, NaN without a network for sex; share
            of the probability within two years of the ends of what the network can tell; standard
            deviation of the age in years.
        """
        # The networks were trained on images whose first axis points to the left.
        image = inputs[MODALITY].flip(1)[:, None]
        probability = self.age(image).exp()
        age = probability @ self.years
        spread = (probability * (self.years - age[:, None]) ** 2).sum(dim=1).sqrt()
        near = (self.years < AGES[0] + EDGE) | (self.years > AGES[1] - EDGE)
        beyond = probability[:, near].sum(dim=1)
        logit = torch.full_like(age, torch.nan)
        if self.config.tells_sex:
            woman, man = self.sex(image).unbind(dim=1)
            logit = woman - man
        return age, logit, beyond, spread

    def out_of_range(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return the share of the probability near the ends of the ages; (n,)."""
        return self.with_spread(inputs)[2]

    def fuse(self) -> "Sfcn":
        """Fuse the normalisations into the convolutions for inference, in place."""
        for module in self.modules():
            if isinstance(module, _Block):
                module.fuse()
        return self


def build(config: Mapping[str, Any]) -> Sfcn:
    """Build the networks of a card's configuration."""
    return Sfcn(SfcnConfig.from_dict(config))


def check(module: nn.Module, card: ModelCard) -> None:
    """Check that the card's input is the image that the network takes.

    Raises
    ------
    ModelError
        If it is not.
    """
    require_image(card, MODALITY, SHAPE)
