"""Asymmetric convolution blocks, which fuse exactly into one convolution for inference."""

from typing import cast

import torch
from torch import Tensor, nn

# The cube, and the three lines through its centre.
KERNELS = ((3, 3, 3), (1, 1, 3), (3, 1, 1), (1, 3, 1))


class AsymmetricConv(nn.Module):
    """Sum of a cubic and three linear convolutions, each normalised.

    Source: Ding et al. 2019, ACNet, doi:10.1109/ICCV.2019.00200, in three dimensions.

    Parameters
    ----------
    n_in, n_out
        Channels.
    """

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            nn.Sequential(
                nn.Conv3d(n_in, n_out, kernel, padding="same", bias=False),
                nn.BatchNorm3d(n_out),
            )
            for kernel in KERNELS
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, n_in, x, y, z) to (n, n_out, x, y, z)."""
        first, *rest = self.branches
        total = first(x)
        for branch in rest:
            total += branch(x)
        return total


def fuse(block: AsymmetricConv, after: nn.BatchNorm3d) -> nn.Conv3d:
    """One convolution equal to a block and the normalisation after it, in evaluation mode.

    It takes the place of the block's cube, whose weights are overwritten: wide networks would not
    fit into memory twice.
    """
    pairs = [(cast(nn.Conv3d, pair[0]), cast(nn.BatchNorm3d, pair[1]))
             for pair in cast(list[nn.Sequential], list(block.branches))]  # fmt: skip
    cube = pairs[0][0]
    gain, shift = _line(after)
    with torch.no_grad():
        bias = shift + gain * sum(_line(norm)[1] for _, norm in pairs)
        gains = [gain * _line(norm)[0] for _, norm in pairs]
        for i in range(cube.out_channels):
            weight = torch.zeros_like(cube.weight[i], dtype=torch.float64)
            for (conv, _), factor in zip(pairs, gains, strict=True):
                inside = tuple(slice(1 - k // 2, 2 + k // 2) for k in conv.kernel_size)
                weight[(slice(None), *inside)] += factor[i] * conv.weight[i]
            cube.weight[i] = weight
        cube.padding = (1, 1, 1)
        cube.bias = nn.Parameter(bias.to(cube.weight.dtype), cube.weight.requires_grad)
    return cube


def _line(norm: nn.BatchNorm3d) -> tuple[Tensor, Tensor]:
    """Factor and summand of a normalisation in evaluation mode."""
    scale = norm.weight.double() / torch.sqrt(cast(Tensor, norm.running_var).double() + norm.eps)
    return scale, norm.bias.double() - cast(Tensor, norm.running_mean).double() * scale


class SqueezeExcitation(nn.Module):
    """Weights of channels from their means.

    Source: Hu et al. 2018, doi:10.1109/CVPR.2018.00745.

    Parameters
    ----------
    channels
        Channels in and out.
    reduction
        Channels per hidden unit.
    """

    def __init__(self, channels: int, reduction: int = 16) -> None:
        super().__init__()
        hidden = max(1, channels // reduction)
        self.weigh = nn.Sequential(
            nn.Linear(channels, hidden), nn.ReLU(), nn.Linear(hidden, channels), nn.Sigmoid()
        )

    def forward(self, x: Tensor) -> Tensor:
        """Weights (n, channels, 1, 1, 1) of (n, channels, x, y, z), between 0 and 1."""
        weights: Tensor = self.weigh(x.mean(dim=(2, 3, 4)))
        return weights[:, :, None, None, None]


class DenseLayer(nn.Module):
    """Two asymmetric convolutions and channel weights, pooled and put beside the pooled input.

    Parameters
    ----------
    n_in
        Channels that come in.
    growth
        New channels per channel that comes in.
    """

    def __init__(self, n_in: int, growth: int) -> None:
        super().__init__()
        n_new = growth * n_in
        self.body = nn.Sequential(
            AsymmetricConv(n_in, n_new), nn.BatchNorm3d(n_new), nn.ELU(inplace=True),
            AsymmetricConv(n_new, n_new), nn.BatchNorm3d(n_new), nn.ELU(inplace=True),
        )  # fmt: skip
        self.weigh = SqueezeExcitation(n_new)
        self.pool = nn.MaxPool3d(2)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, c, x, y, z) to (n, (1 + growth) c, x/2, y/2, z/2)."""
        new = self.body(x)
        # No weight is negative: the largest voxel stays the largest.
        return torch.cat([self.pool(x), self.pool(new) * self.weigh(new)], dim=1)

    def fuse(self) -> None:
        """Replace each block and the normalisation after it by one convolution, in place."""
        if len(self.body) == 6:
            first, norm, act, second, other, again = self.body
            self.body = nn.Sequential(
                fuse(cast(AsymmetricConv, first), cast(nn.BatchNorm3d, norm)), act,
                fuse(cast(AsymmetricConv, second), cast(nn.BatchNorm3d, other)), again,
            )  # fmt: skip
