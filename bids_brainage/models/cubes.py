"""Brains as cubes of voxels between 0 and 1: one shape and one scale for real and generated."""

import math

import torch.nn.functional as F
from torch import Tensor

SIDE = 64


def unit_range(volumes: Tensor, quantile: float = 1.0) -> Tensor:
    """Bring the voxels of every volume to the range from 0 to 1.

    Parameters
    ----------
    volumes
        Of any scale; (n, x, y, z) or (n, 1, x, y, z).
    quantile
        Quantile of the voxels that becomes 1, what is above it too; 1 for the largest voxel. The
        smallest becomes 0.

    Returns
    -------
        As the volumes; zero for volumes without contrast.
    """
    flat = volumes.flatten(1)
    low = flat.amin(dim=1, keepdim=True)
    if quantile >= 1:
        high = flat.amax(dim=1, keepdim=True)
    else:
        rank = max(1, math.ceil(quantile * flat.shape[1]))
        high = flat.kthvalue(rank, dim=1, keepdim=True).values
    span = (high - low).clamp_min(1e-12)
    return ((flat - low) / span).clamp(0, 1).view_as(volumes)


def to_cubes(images: Tensor, side: int = SIDE, quantile: float = 1.0) -> Tensor:
    """Pad brains to a cube, resample them and bring them to the range from 0 to 1.

    Parameters
    ----------
    images
        Brains that are zero outside; (n, x, y, z).
    side
        Voxels along each side of the cube.
    quantile
        See `unit_range`.

    Returns
    -------
        (n, side, side, side).
    """
    longest = max(images.shape[1:])
    padding: list[int] = []
    for n in reversed(images.shape[1:]):
        before = (longest - n) // 2
        padding += [before, longest - n - before]
    padded = F.pad(images, padding)[:, None]
    resampled = F.interpolate(padded, size=(side,) * 3, mode="trilinear", align_corners=False)
    return unit_range(resampled[:, 0], quantile)
