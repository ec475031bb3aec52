"""Random changes of images that leave the age as it is."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from bids_brainage.training.images.recipe import ImageRecipe


def augment(images: Tensor, recipe: ImageRecipe, generator: torch.Generator) -> Tensor:
    """Move, flip, turn and zoom brains, and change their contrast and noise.

    Parameters
    ----------
    images
        Scaled brains, zero outside; (n, 1, x, y, z), x from left to right.
    generator
        Source of all chance; on the CPU.
    """
    n = len(images)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    def uniform(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator)

    size = torch.tensor(images.shape[2:], dtype=torch.float32)
    angles = normal(n, 3) * math.radians(recipe.rotation)
    zoom = torch.exp(normal(n, 3) * recipe.zoom)
    shift = (2 * uniform(n, 3) - 1) * recipe.shift
    mirror = torch.where(uniform(n) < recipe.flip, -1.0, 1.0)
    # Voxels, x first; the grid of torch counts z first, and from -1 to 1.
    matrix = _rotation(angles) * zoom[:, None, :]
    matrix[:, :, 0] *= mirror[:, None]
    theta = matrix * size[None, None, :] / size[None, :, None]
    theta = torch.cat([theta, (2 * shift / size)[:, :, None]], dim=2)
    theta = theta[:, [2, 1, 0]][:, :, [2, 1, 0, 3]].to(images.device)
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    moved = F.grid_sample(images, grid, mode="bilinear", align_corners=False)
    inside = moved != 0
    power = torch.exp(normal(n) * recipe.gamma).to(images.device)[:, None, None, None, None]
    bent = torch.sign(moved) * moved.abs().clamp_min(1e-4) ** power
    noise = recipe.noise * uniform(n).to(images.device)[:, None, None, None, None]
    noisy = bent + noise * normal(*moved.shape).to(images.device)
    return torch.where(inside, noisy, 0.0)


def _rotation(angles: Tensor) -> Tensor:
    """Rotation matrices about x, then y, then z; (n, 3) radians to (n, 3, 3)."""
    zero, one = torch.zeros(len(angles)), torch.ones(len(angles))
    result = torch.eye(3).expand(len(angles), 3, 3)
    for axis in range(3):
        c, s = torch.cos(angles[:, axis]), torch.sin(angles[:, axis])
        rows = {
            0: [one, zero, zero, zero, c, -s, zero, s, c],
            1: [c, zero, s, zero, one, zero, -s, zero, c],
            2: [c, -s, zero, s, c, zero, zero, zero, one],
        }[axis]
        result = torch.stack(rows, dim=1).reshape(-1, 3, 3) @ result
    return result
