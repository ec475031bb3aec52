"""Compact residual U-Net: tissues and regions of a head at 2 mm, of any size."""

import itertools
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

WIDTHS = (16, 32, 48, 80, 96)
Network = TypeVar("Network", bound=nn.Module)


def fast_layout(network: Network) -> Network:
    """Order weights with channels last, in which 3D convolution is two to four times faster."""
    return network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]


@dataclass(frozen=True)
class CompactConfig:
    """Shape of the compact network.

    Parameters
    ----------
    region_tissues
        Tissue number of every region number; 0 for the background.
    widths
        Channels of every level; each level halves the grid.
    n_tissues
        Background and tissues.
    spacing
        Voxel size that it is trained for, in mm.
    """

    region_tissues: tuple[int, ...]
    widths: tuple[int, ...] = WIDTHS
    n_tissues: int = 4
    spacing: float = 2.0

    def as_dict(self) -> dict[str, Any]:
        """Return the configuration as plain values for a JSON file."""
        return {"variant": "compact", **asdict(self)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "CompactConfig":
        """Build a configuration from the plain values of a JSON file."""
        return cls(
            tuple(values["region_tissues"]), tuple(values["widths"]),
            values["n_tissues"], values["spacing"],
        )  # fmt: skip


class SampleNorm(nn.Module):
    """Normalise every channel of every image by its own mean and variance.

    It does the same in training and evaluation, and knows no batch (instance normalisation,
    Ulyanov et al., 2016); computed as batch normalisation of one image, which is faster on a
    processor.

    Parameters
    ----------
    width
        Channels.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (n, width, x, y, z)."""
        parts = [
            functional.batch_norm(one, None, None, self.weight, self.bias, training=True)
            for one in x.split(1)
        ]
        return parts[0] if len(parts) == 1 else torch.cat(parts)


class CompactBlock(nn.Module):
    """Residual block of the family with normalisation per image.

    Parameters
    ----------
    n_in, n_out
        Channels.
    """

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv3d(n_in, n_out, 3, padding=1, bias=False), SampleNorm(n_out), nn.ReLU(),
            nn.Conv3d(n_out, n_out, 3, padding=1, bias=False), SampleNorm(n_out), nn.ReLU(),
        )  # fmt: skip
        self.shortcut = nn.Conv3d(n_in, n_out, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, n_in, x, y, z) to (n, n_out, x, y, z)."""
        return self.body(x) + self.shortcut(x)


class Features(NamedTuple):
    """Tissue scores (n, n_tissues, x, y, z) and the two maps that region scores are read from."""

    tissue: Tensor
    fine: Tensor
    coarse: Tensor


class CompactResUNet(nn.Module):
    """Residual U-Net with skip connections by addition and two heads.

    The tissue head scores every voxel. The region head scores regions of one tissue against
    each other, so that the regions of a voxel follow its tissue.

    Parameters
    ----------
    config
        Shape of the network.
    """

    region_tissues: Tensor

    def __init__(self, config: CompactConfig) -> None:
        super().__init__()
        self.config = config
        widths = config.widths
        self.down = nn.ModuleList(
            CompactBlock(a, b) for a, b in zip((1, *widths[:-1]), widths, strict=True)
        )
        pairs = list(itertools.pairwise(widths))
        self.narrow = nn.ModuleList(nn.Conv3d(b, a, 1, bias=False) for a, b in pairs)
        self.up = nn.ModuleList(CompactBlock(a, a) for a in widths[:-1])
        self.tissue = nn.Conv3d(widths[0], config.n_tissues, 1)
        n_regions = len(config.region_tissues)
        self.region_fine = nn.Linear(widths[0], n_regions)
        self.region_coarse = nn.Linear(widths[1], n_regions, bias=False)
        tissues = torch.tensor(config.region_tissues)
        self.register_buffer("region_tissues", tissues, persistent=False)

    @property
    def multiple(self) -> int:
        """Number that every axis of the input must be a multiple of."""
        return 2 ** (len(self.config.widths) - 1)

    def forward(self, x: Tensor) -> Features:
        """Map images (n, 1, x, y, z) to tissue scores and features."""
        skips = []
        for level, block in enumerate(self.down):
            x = block(functional.max_pool3d(x, 2) if level else x)
            skips.append(x)
        coarse = x
        for level in reversed(range(len(self.up))):
            if level == 0:
                coarse = x
            x = functional.interpolate(self.narrow[level](x), scale_factor=2.0, mode="nearest")
            x = self.up[level](x + skips[level])
        return Features(self.tissue(x), x, coarse)

    def regions(self, features: Features, voxels: Tensor) -> Tensor:
        """Score the regions of some voxels.

        Parameters
        ----------
        features
            Of one image or several.
        voxels
            Image, x, y and z index of every voxel, ``[n, 4]``.

        Returns
        -------
        Tensor
            ``[n, regions]``; column 0 is not used.
        """
        fine = features.fine.permute(0, 2, 3, 4, 1)[tuple(voxels.T)]
        return self.region_fine(fine) + _between(self.region_coarse, features.coarse, voxels)

    def within_tissue(self, scores: Tensor, tissue: Tensor) -> Tensor:
        """Rule out all regions but those of each voxel's tissue.

        Parameters
        ----------
        scores
            ``[n, regions]``.
        tissue
            Tissue number of each voxel, not background.
        """
        other = self.region_tissues[None, :] != tissue[:, None]
        return scores.float().masked_fill(other, -torch.inf)


def _between(layer: nn.Linear, coarse: Tensor, voxels: Tensor) -> Tensor:
    """Apply a layer to the features of the grid of half the size, interpolated at voxels."""
    maps = coarse.permute(0, 2, 3, 4, 1)
    limits = torch.tensor(maps.shape[1:4], device=voxels.device) - 1
    place = (voxels[:, 1:].to(torch.float32) - 0.5) / 2
    low = place.floor()
    share = place - low
    total = torch.zeros((), device=voxels.device)
    for corner in range(8):
        step = torch.tensor([corner >> k & 1 for k in range(3)], device=voxels.device)
        weight = torch.where(step.bool(), share, 1 - share).prod(dim=1)
        index = torch.minimum((low.long() + step).clamp_min(0), limits)
        value = maps[voxels[:, 0], index[:, 0], index[:, 1], index[:, 2]]
        total = total + value * weight[:, None].to(value.dtype)
    return layer(total)
