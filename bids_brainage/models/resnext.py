"""3D ResNeXt-50 for age from a brain of 64 voxels a side: 25,870,465 parameters."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from bids_brainage.models.cards import ModelCard
from bids_brainage.models.fits import require_image
from bids_brainage.models.views import views

MODALITY = "image"
SHAPE = (64, 64, 64)
ZOOMS = 3.0
EXPANSION = 2


@dataclass(frozen=True)
class ResNeXtConfig:
    """Shape of the network.

    Parameters
    ----------
    blocks
        Bottlenecks of every stage.
    planes
        Inner channels of every stage; twice as many come out.
    groups
        Groups of the middle convolution.
    stem
        Channels of the first convolution.
    shape
        Voxels of the image.
    zooms
        Voxel size in mm.
    scaling
        How images are scaled, see `bids_brainage.preprocessing.brain_image`.
    average
        Tell the mean age of the copies of `bids_brainage.models.views.views`.
    """

    blocks: tuple[int, ...] = (3, 4, 6, 3)
    planes: tuple[int, ...] = (128, 256, 512, 1024)
    groups: int = 32
    stem: int = 128
    shape: tuple[int, int, int] = SHAPE
    zooms: float = ZOOMS
    scaling: str = "mask"
    average: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return the configuration as plain values for a JSON file."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "ResNeXtConfig":
        """Read what `as_dict` gave."""
        plain = dict(values)
        for name in ("blocks", "planes", "shape"):
            plain[name] = tuple(plain[name])
        return cls(**plain)


def smallest(config: ResNeXtConfig) -> int:
    """Voxels along the shortest axis that the last stage takes in."""
    halvings = len(config.blocks) - 1
    return min((n if axis == 0 else n // 2) >> halvings for axis, n in enumerate(config.shape))


class Bottleneck(nn.Module):
    """Narrow, grouped and wide convolution, plus a shortcut.

    Source: Xie et al. 2017, doi:10.1109/CVPR.2017.634, in three dimensions.

    Parameters
    ----------
    n_in, planes
        Channels that come in, and inner channels.
    stride
        Step of the grouped convolution and of the shortcut.
    groups
        Groups of the middle convolution.
    """

    def __init__(self, n_in: int, planes: int, stride: int, groups: int) -> None:
        super().__init__()
        n_out = EXPANSION * planes
        self.body = nn.Sequential(
            nn.Conv3d(n_in, planes, 1, bias=False), nn.BatchNorm3d(planes), nn.ReLU(inplace=True),
            nn.Conv3d(planes, planes, 3, stride, 1, groups=groups, bias=False),
            nn.BatchNorm3d(planes), nn.ReLU(inplace=True),
            nn.Conv3d(planes, n_out, 1, bias=False), nn.BatchNorm3d(n_out),
        )  # fmt: skip
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or n_in != n_out:
            self.shortcut = nn.Sequential(
                nn.Conv3d(n_in, n_out, 1, stride, bias=False), nn.BatchNorm3d(n_out)
            )

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, n_in, x, y, z) to (n, 2 planes, x, y, z) over the stride."""
        return torch.relu(self.body(x) + self.shortcut(x))


class ResNeXt(nn.Module):
    """Residual network with grouped convolutions, and one output: age.

    Parameters
    ----------
    config
        Shape of the network.
    """

    centre: Tensor
    scale: Tensor

    def __init__(self, config: ResNeXtConfig | None = None) -> None:
        super().__init__()
        self.config = config or ResNeXtConfig()
        self.stem = nn.Sequential(
            nn.Conv3d(1, self.config.stem, 7, (1, 2, 2), 3, bias=False),
            nn.BatchNorm3d(self.config.stem), nn.ReLU(inplace=True),
        )  # fmt: skip
        blocks: list[nn.Module] = []
        width = self.config.stem
        for stage, (n, planes) in enumerate(
            zip(self.config.blocks, self.config.planes, strict=True)
        ):
            for block in range(n):
                stride = 2 if stage and not block else 1
                blocks.append(Bottleneck(width, planes, stride, self.config.groups))
                width = EXPANSION * planes
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Linear(width, 1)
        # Ages are learnt as standard scores of the training people's.
        self.register_buffer("centre", torch.tensor(0.0))
        self.register_buffer("scale", torch.tensor(1.0))
        self.average = self.config.average
        self.light = False
        for module in self.modules():
            if isinstance(module, nn.Conv3d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def features(self, image: Tensor) -> Tensor:
        """Map scaled brains (n, 1, x, y, z) to features (n, f)."""
        x = self.stem(image)
        for block in self.blocks:
            light = self.light and self.training
            x = checkpoint(block, x, use_reentrant=False) if light else block(x)
        return x.mean(dim=(2, 3, 4))

    def age(self, image: Tensor) -> Tensor:
        """Map scaled brains (n, 1, x, y, z) to years (n,)."""
        return self.head(self.features(image))[:, 0] * self.scale + self.centre

    def forward(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Predict age in years, and NaN, as this family does not tell sex; each (n,).

        Parameters
        ----------
        inputs
            ``image``, scaled brains; (n, x, y, z).
        """
        image = inputs[MODALITY][:, None]
        copies = views(image) if self.average else [image]
        age = torch.stack([self.age(copy) for copy in copies]).mean(dim=0)
        return age, torch.full_like(age, torch.nan)

    def out_of_range(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return zeros, as the network keeps no ranges of voxels; shape (n,)."""
        return inputs[MODALITY].new_zeros(len(inputs[MODALITY]))


def build(config: Mapping[str, Any]) -> ResNeXt:
    """Build the network of a card's configuration."""
    return ResNeXt(ResNeXtConfig.from_dict(config))


def check(module: nn.Module, card: ModelCard) -> None:
    """Check that the card's input is the image that the network takes.

    Raises
    ------
    ModelError
        If it is not.
    """
    require_image(card, MODALITY, cast(ResNeXt, module).config.shape)
