"""3D residual U-Net for tissue segmentation, as specified: 24,322,148 parameters."""

import itertools
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

CHANNELS = (32, 64, 128, 256, 512)
POOLING = {"in-plane": (1, 2, 2), "isotropic": (2, 2, 2)}


@dataclass(frozen=True)
class ResUNetConfig:
    """Shape of the network as specified.

    Parameters
    ----------
    pooling
        ``in-plane`` halves two axes and keeps the depth; ``isotropic`` halves all three.
    n_classes
        Background and tissues.
    channels
        Width of every level.
    """

    pooling: str = "in-plane"
    n_classes: int = 4
    channels: tuple[int, ...] = CHANNELS

    def as_dict(self) -> dict[str, Any]:
        """Return the configuration as plain values for a JSON file."""
        return {"variant": "specified", **asdict(self)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "ResUNetConfig":
        """Build a configuration from the plain values of a JSON file."""
        return cls(values["pooling"], values["n_classes"], tuple(values["channels"]))


class ResidualBlock(nn.Module):
    """Two convolutions of three voxels, each normalised and rectified, plus a shortcut.

    The shortcut is a convolution of one voxel, added after the last rectification.

    Parameters
    ----------
    n_in, n_out
        Channels.
    """

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv3d(n_in, n_out, 3, padding=1), nn.BatchNorm3d(n_out), nn.ReLU(inplace=True),
            nn.Conv3d(n_out, n_out, 3, padding=1), nn.BatchNorm3d(n_out), nn.ReLU(inplace=True),
        )  # fmt: skip
        self.shortcut = nn.Conv3d(n_in, n_out, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, n_in, x, y, z) to (n, n_out, x, y, z)."""
        return self.body(x) + self.shortcut(x)


class ResUNet(nn.Module):
    """Residual U-Net with skip connections by concatenation.

    Every pooled axis of the input must be divisible by 16.

    Parameters
    ----------
    config
        Shape of the network.
    """

    def __init__(self, config: ResUNetConfig | None = None) -> None:
        super().__init__()
        self.config = config or ResUNetConfig()
        factors = POOLING[self.config.pooling]
        widths = self.config.channels
        self.pool = nn.MaxPool3d(factors)
        self.down = nn.ModuleList(
            ResidualBlock(a, b) for a, b in zip((1, *widths[:-1]), widths, strict=True)
        )
        # A kernel of twice the stride covers every voxel evenly.
        depth, height, width = factors
        kernel = (2 * depth if depth > 1 else 1, 2 * height, 2 * width)
        padding = (depth // 2, height // 2, width // 2)
        self.up = nn.ModuleList(
            nn.ConvTranspose3d(b, a, kernel, stride=factors, padding=padding)
            for a, b in itertools.pairwise(widths)
        )
        self.join = nn.ModuleList(ResidualBlock(2 * c, c) for c in widths[:-1])
        self.head = nn.Conv3d(widths[0], self.config.n_classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map images (n, 1, x, y, z) to class scores (n, n_classes, x, y, z)."""
        skips = []
        for level, block in enumerate(self.down):
            x = block(self.pool(x) if level else x)
            skips.append(x)
        for level in reversed(range(len(self.up))):
            x = torch.relu(self.up[level](x))
            x = self.join[level](torch.cat([skips[level], x], dim=1))
        return self.head(x)
