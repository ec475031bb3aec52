"""ScaleDense, the two networks of TSAN: age from a T1w, and its correction from a rounded age."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from bids_brainage.models.asymmetric import DenseLayer

IMAGE_FEATURES = 32
SEX_FEATURES = 8
AGE_FEATURES = 16
STEMS = ("dilated", "strided")


@dataclass(frozen=True)
class ScaleDenseConfig:
    """Shape of one network.

    Parameters
    ----------
    filters
        Channels of the first convolution.
    layers
        Dense layers; each halves the image.
    growth
        New channels of a layer per channel that comes in: 2 in the released code, 1 in the
        figure of the paper.
    stem
        First convolution: ``dilated`` at full resolution as released, ``strided`` at half of it
        as in the figure.
    features
        Image features before the head.
    second
        Whether it is the second stage: it takes a rounded age, and gives what to add to it.
    reads_sex
        Whether it can take sex; people of unknown sex go without all the same.
    tells_sex
        Whether it gives a logit of being female; it then cannot take sex.
    rectify
        Whether negative ages are cut off at zero, as released; such a network can die.
    """

    filters: int = 8
    layers: int = 5
    growth: int = 2
    stem: str = "dilated"
    features: int = IMAGE_FEATURES
    second: bool = False
    reads_sex: bool = True
    tells_sex: bool = False
    rectify: bool = False

    def __post_init__(self) -> None:
        if self.stem not in STEMS:
            raise ValueError(f"stem {self.stem!r} is none of {', '.join(STEMS)}")
        if self.reads_sex and self.tells_sex:
            raise ValueError("a network that reads sex cannot tell it")

    def as_dict(self) -> dict[str, Any]:
        """Return the configuration as plain values for a JSON file."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "ScaleDenseConfig":
        """Read what `as_dict` gave."""
        return cls(**values)

    @property
    def width(self) -> int:
        """Channels after the last layer."""
        return self.filters * (1 + self.growth) ** self.layers


RELEASED = ScaleDenseConfig(rectify=True)
FIGURE = ScaleDenseConfig(layers=4, growth=1, stem="strided", features=128)


class ScaleDense(nn.Module):
    """Convolutional network of one stage.

    Source: Cheng et al. 2021, doi:10.1109/TMI.2021.3085948. One head takes sex, another does
    without, on the same image features.

    Parameters
    ----------
    config
        Shape of the network.
    """

    def __init__(self, config: ScaleDenseConfig = RELEASED) -> None:
        super().__init__()
        self.config = config
        self.centre: Tensor
        self.scale: Tensor
        n = config.filters
        first = (
            nn.Conv3d(1, n, 7, padding=1, dilation=2)
            if config.stem == "dilated"
            else nn.Conv3d(1, n, 7, padding=2, stride=2)
        )
        self.stem = nn.Sequential(first, nn.ELU(inplace=True))
        widths = [n * (1 + config.growth) ** i for i in range(config.layers)]
        self.layers = nn.ModuleList(DenseLayer(width, config.growth) for width in widths)
        self.squeeze = nn.Sequential(nn.Linear(config.width, config.features), nn.ELU())
        extra = AGE_FEATURES if config.second else 0
        self.head = _head(config.features + extra)
        if config.reads_sex:
            self.sex = nn.Sequential(nn.Linear(2, 16), nn.Linear(16, SEX_FEATURES), nn.ELU())
            self.head_with_sex = _head(config.features + SEX_FEATURES + extra)
        if config.second:
            self.age = nn.Sequential(
                nn.Linear(1, 32), nn.ReLU(), nn.Linear(32, AGE_FEATURES), nn.ReLU()
            )
        if config.tells_sex:
            self.sex_logit = nn.Linear(config.features, 1)
        # Ages are learnt as standard scores of the training people's.
        self.register_buffer("centre", torch.tensor(0.0))
        self.register_buffer("scale", torch.tensor(1.0))
        self.light = False
        self.apply(_start)
        # Everybody starts at the mean age.
        for head in (self.head, *([self.head_with_sex] if config.reads_sex else [])):
            nn.init.zeros_(cast(nn.Linear, head[-1]).weight)

    def features(self, image: Tensor) -> Tensor:
        """Map images (n, 1, x, y, z) to features (n, f)."""
        x = self.stem(image)
        for layer in self.layers:
            light = self.light and self.training
            x = checkpoint(layer, x, use_reentrant=False) if light else layer(x)
        return self.squeeze(x.mean(dim=(2, 3, 4)))

    def forward(
        self, image: Tensor, sex: Tensor | None = None, rounded: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Tell age, and sex where the network does.

        Parameters
        ----------
        image
            Brains; (n, 1, x, y, z).
        sex
            One column for female and one for male, NaN where unknown; (n, 2). None for all.
        rounded
            Rounded age in years of the first stage, for the second; (n,).

        Returns
        -------
        age
            Years; (n,). Of the second stage, what to add to the rounded age.
        sex
            Logit of being female; (n,), NaN from a network that does not tell sex.
        """
        found = self.features(image)
        parts = [found]
        if self.config.second:
            assert rounded is not None
            parts.append(self.age(((rounded - self.centre) / self.scale)[:, None]))
        age = self.head(torch.cat(parts, dim=1))[:, 0]
        if self.config.reads_sex and sex is not None:
            known = sex.isfinite().all(dim=1)
            parts.append(self.sex(torch.nan_to_num(sex)))
            with_sex = self.head_with_sex(torch.cat(parts, dim=1))[:, 0]
            age = torch.where(known, with_sex, age)
        age = age * self.scale + (0.0 if self.config.second else self.centre)
        if self.config.rectify and not self.config.second:
            age = torch.relu(age)
        nothing = torch.full_like(age, torch.nan)
        logit = self.sex_logit(found)[:, 0] if self.config.tells_sex else nothing
        return age, logit

    def fuse(self) -> "ScaleDense":
        """Fuse every asymmetric convolution for inference, in place."""
        self.eval()
        for layer in self.layers:
            cast(DenseLayer, layer).fuse()
        return self


def _head(width: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, 16), nn.Linear(16, 1))


def _start(module: nn.Module) -> None:
    if isinstance(module, nn.Conv3d):
        nn.init.kaiming_normal_(module.weight)
    elif isinstance(module, nn.Linear):
        nn.init.xavier_normal_(module.weight)
    if isinstance(module, nn.Conv3d | nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)
