"""Multi-scale structural similarity of volumes, between all of a set."""

from functools import cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

# Weights of the finest scales (Wang et al., 2003), brought to a sum of 1.
WEIGHTS = (0.0448, 0.2856, 0.3001)
WINDOW, SIGMA = 7, 1.5  # voxels
BRAIN = 0.05  # mean of voxels above which a window lies in a brain
STABLE = (0.01**2, 0.03**2)  # for voxels between 0 and 1


def ms_ssim_matrix(cubes: Tensor) -> np.ndarray:
    """Similarity of all pairs of cubes, in windows that hold some of either brain.

    Parameters
    ----------
    cubes
        Voxels between 0 and 1; (n, side, side, side).

    Returns
    -------
        1 for equal cubes; (n, n).
    """
    n = len(cubes)
    scales = n_scales(cubes.shape[-1])
    weights = np.array(WEIGHTS[:scales]) / sum(WEIGHTS[:scales])
    product = np.ones((n, n))
    volumes = cubes[:, None]
    for scale in range(scales):
        if scale:
            volumes = F.avg_pool3d(volumes, 2)
        term = _scale(volumes, with_luminance=scale == scales - 1)
        product *= np.maximum(term, 0) ** weights[scale]
    return product


def n_scales(side: int) -> int:
    """Return how many scales fit: the window must lie inside the coarsest cube."""
    return max(1, sum(side // 2**scale >= WINDOW for scale in range(len(WEIGHTS))))


def _scale(volumes: Tensor, *, with_luminance: bool) -> np.ndarray:
    """Contrast and structure of all pairs at one scale, with luminance at the coarsest."""
    n = len(volumes)
    means = _smooth(volumes)
    spreads = (_smooth(volumes.square()) - means.square()).clamp_min(0)
    found = np.ones((n, n))
    for i in range(n - 1):
        mine, others = means[i : i + 1], means[i + 1 :]
        shared = _smooth(volumes[i : i + 1] * volumes[i + 1 :]) - mine * others
        value = (2 * shared + STABLE[1]) / (spreads[i] + spreads[i + 1 :] + STABLE[1])
        if with_luminance:
            light = (2 * mine * others + STABLE[0]) / (mine.square() + others.square() + STABLE[0])
            value = value * light
        # Background is alike everywhere: only the place of either brain counts.
        inside = ((mine > BRAIN) | (others > BRAIN)).to(value.dtype)
        total = inside.sum(dim=(1, 2, 3, 4))
        mean = (value * inside).sum(dim=(1, 2, 3, 4)) / total.clamp_min(1)
        mean = torch.where(total > 0, mean, torch.ones_like(mean))
        found[i, i + 1 :] = found[i + 1 :, i] = mean.numpy()
    return found


def _smooth(volumes: Tensor) -> Tensor:
    """Mean in a Gaussian window, without the margin."""
    line = _line(min(WINDOW, min(volumes.shape[2:])))
    for axis in range(3):
        shape = [1, 1, 1, 1, 1]
        shape[2 + axis] = len(line)
        volumes = F.conv3d(volumes, line.view(shape))
    return volumes


@cache
def _line(n: int) -> Tensor:
    at = torch.arange(n) - (n - 1) / 2
    line = torch.exp(-at.square() / (2 * SIGMA**2))
    return line / line.sum()
