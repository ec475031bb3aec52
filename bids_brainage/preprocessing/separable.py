"""Resampling between grids with the same axes, one matrix product per axis."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor


def axis_weights(n_in: int, size_in: float, n_out: int, size_out: float) -> Tensor:
    """Weights of linear interpolation along one axis between two grids with the same centre.

    Where the output voxels are larger, the triangle is widened to their size, so that nothing
    aliases. Beyond the outermost voxel centres the edge voxel goes on for half a voxel, then
    zero.

    Parameters
    ----------
    n_in, n_out
        Voxels.
    size_in, size_out
        Voxel size in mm.

    Returns
    -------
    Tensor
        float32, ``[n_out, n_in]``.
    """
    x_in = (np.arange(n_in) - (n_in - 1) / 2) * size_in
    x_out = (np.arange(n_out) - (n_out - 1) / 2) * size_out
    inside = np.abs(x_out) <= n_in * size_in / 2 + 1e-6
    clamped = np.clip(x_out, x_in[0], x_in[-1])
    width = max(size_in, size_out)
    weights = np.clip(1 - np.abs(clamped[:, None] - x_in[None]) / width, 0, None)
    weights /= np.maximum(weights.sum(axis=1, keepdims=True), 1e-9)
    return torch.from_numpy((weights * inside[:, None]).astype(np.float32))


def resample_axes(
    volume: Tensor, sizes_in: Sequence[float], shape: Sequence[int], sizes_out: Sequence[float]
) -> Tensor:
    """Resample the last three axes to a grid with the same centre and directions.

    Parameters
    ----------
    volume
        ``[..., x, y, z]``.
    sizes_in, sizes_out
        Voxel sizes in mm.
    shape
        Voxels of the output grid.
    """
    for axis in range(3):
        n_in = volume.shape[axis - 3]
        if n_in == shape[axis] and sizes_in[axis] == sizes_out[axis]:
            continue
        weights = axis_weights(n_in, sizes_in[axis], shape[axis], sizes_out[axis])
        moved = volume.movedim(axis - 3, -1)
        moved = moved @ weights.to(volume).T
        volume = moved.movedim(-1, axis - 3)
    return volume.contiguous()
