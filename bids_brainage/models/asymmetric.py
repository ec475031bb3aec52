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
            total = total + branch(x)
        return total


def fold(conv: nn.Conv3d, norm: nn.BatchNorm3d) -> tuple[Tensor, Tensor]:
    """Weight and bias of a convolution with the normalisation after it, in evaluation mode."""
    scale = norm.weight / torch.sqrt(cast(Tensor, norm.running_var) + norm.eps)
    start = torch.zeros_like(scale) if conv.bias is None else conv.bias
    weight = conv.weight * scale[:, None, None, None, None]
    return weight, norm.bias + (start - cast(Tensor, norm.running_mean)) * scale


def fuse(block: AsymmetricConv, after: nn.BatchNorm3d) -> nn.Conv3d:
    """One convolution equal to a block and the normalisation after it, in evaluation mode."""
    cube = cast(nn.Conv3d, cast(nn.Sequential, block.branches[0])[0])
    fused = nn.Conv3d(cube.in_channels, cube.out_channels, 3, padding=1)
    weight = torch.zeros_like(fused.weight, dtype=torch.float64)
    bias = torch.zeros_like(after.bias, dtype=torch.float64)
    with torch.no_grad():
        for branch in block.branches:
            pair = cast(nn.Sequential, branch).double()
            conv = cast(nn.Conv3d, pair[0])
            part, shift = fold(conv, cast(nn.BatchNorm3d, pair[1]))
            inside = tuple(slice(1 - k // 2, 2 + k // 2) for k in conv.kernel_size)
            weight[:, :, inside[0], inside[1], inside[2]] += part
            bias += shift
        fused = fused.double()
        fused.weight.copy_(weight)
        assert fused.bias is not None
        fused.bias.copy_(bias)
        weight, bias = fold(fused, after.double())
        fused.weight.copy_(weight)
        fused.bias.copy_(bias)
    return fused.float()


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
        """Scale (n, channels, x, y, z)."""
        return x * self.weigh(x.mean(dim=(2, 3, 4)))[:, :, None, None, None]


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
            AsymmetricConv(n_in, n_new), nn.BatchNorm3d(n_new), nn.ELU(),
            AsymmetricConv(n_new, n_new), nn.BatchNorm3d(n_new), nn.ELU(),
        )  # fmt: skip
        self.weigh = SqueezeExcitation(n_new)
        self.pool = nn.MaxPool3d(2)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, c, x, y, z) to (n, (1 + growth) c, x/2, y/2, z/2)."""
        return torch.cat([self.pool(x), self.pool(self.weigh(self.body(x)))], dim=1)

    def fuse(self) -> None:
        """Replace each block and the normalisation after it by one convolution, in place."""
        if len(self.body) == 6:
            first, norm, act, second, other, again = self.body
            self.body = nn.Sequential(
                fuse(cast(AsymmetricConv, first), cast(nn.BatchNorm3d, norm)), act,
                fuse(cast(AsymmetricConv, second), cast(nn.BatchNorm3d, other)), again,
            )  # fmt: skip
