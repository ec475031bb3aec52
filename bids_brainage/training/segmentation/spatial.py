"""Random places, rotations and deformations from which patches are sampled."""

import math

import torch
from torch import Tensor
from torch.nn import functional

from bids_brainage.preprocessing.regions import mirrored_regions
from bids_brainage.preprocessing.separable import resample_axes
from bids_brainage.training.segmentation.recipe import SegmentationRecipe

FAR = 0.08
TILT = 0.15


def smooth_field(
    shape: tuple[int, ...], knots: int, channels: int, generator: torch.Generator
) -> Tensor:
    """Random field that varies smoothly between a few knots per axis, standard normal there."""
    coarse = torch.randn(channels, knots, knots, knots, generator=generator)
    sizes = [n / knots for n in shape]
    return resample_axes(coarse, sizes, shape, [1.0] * 3)


def random_matrix(recipe: SegmentationRecipe, generator: torch.Generator, flip: bool) -> Tensor:
    """Random rotation, shear and zoom; sometimes a strong tilt."""
    normal = torch.randn(9, generator=generator)
    tilted = torch.rand((), generator=generator) < TILT
    angles = normal[:3] * math.radians(recipe.rotation * (2.2 if tilted else 1.0))
    angles = angles.clamp(-0.7, 0.7)
    matrix = torch.eye(3)
    for axis, angle in enumerate(angles.tolist()):
        turn = torch.eye(3)
        i, j = [k for k in range(3) if k != axis]
        turn[i, i] = turn[j, j] = math.cos(angle)
        turn[i, j], turn[j, i] = -math.sin(angle), math.sin(angle)
        matrix = matrix @ turn
    shear = torch.eye(3)
    shear[0, 1], shear[0, 2], shear[1, 2] = (normal[3:6] * recipe.shear).tolist()
    zoom = torch.exp(normal[6:9] * recipe.zoom * torch.tensor([0.5, 0.5, 0.5]))
    common = torch.exp(torch.randn((), generator=generator) * recipe.zoom)
    matrix = matrix @ shear @ torch.diag(zoom * common)
    if flip:
        matrix = torch.diag(torch.tensor([-1.0, 1.0, 1.0])) @ matrix
    return matrix


def sampling_points(
    patch: tuple[int, int, int],
    centre: Tensor,
    extent: Tensor,
    recipe: SegmentationRecipe,
    generator: torch.Generator,
    flip: bool,
) -> Tensor:
    """Draw where each voxel of a patch is sampled, in voxels of the image.

    Parameters
    ----------
    centre, extent
        Middle of the brain and size of the image, in voxels.
    flip
        Whether left and right are exchanged.

    Returns
    -------
    Tensor
        ``[x, y, z, 3]``.
    """
    reach = torch.tensor([5.0 + max(0, 80 - n) / 4 for n in patch])
    axes = [torch.arange(n, dtype=torch.float32) - (n - 1) / 2 for n in patch]
    points = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1)
    if torch.rand((), generator=generator) < FAR:
        middle = centre + (torch.rand(3, generator=generator) - 0.5) * extent * 0.5
    else:
        middle = centre + torch.randn(3, generator=generator) * reach
    if torch.rand((), generator=generator) < recipe.still:
        points = points * torch.tensor([-1.0 if flip else 1.0, 1.0, 1.0])
        return points + middle.round() + torch.tensor([(n - 1) / 2 % 1 for n in patch])
    points = points @ random_matrix(recipe, generator, flip).T + middle
    bend = smooth_field(patch, 8, 3, generator) * recipe.elastic
    return points + bend.movedim(0, -1)


def sample(volume: Tensor, points: Tensor, *, nearest: bool = False) -> Tensor:
    """Sample a volume at points in voxels; zero outside."""
    size = torch.tensor(volume.shape, dtype=torch.float32)
    grid = (2 * points + 1) / size - 1
    out = functional.grid_sample(
        volume[None, None].float(), grid.flip(-1)[None], align_corners=False,
        padding_mode="zeros", mode="nearest" if nearest else "bilinear",
    )  # fmt: skip
    return out[0, 0]


def mirror_labels(regions: Tensor) -> Tensor:
    """Exchange the numbers of left and right regions."""
    return torch.tensor(mirrored_regions(), dtype=regions.dtype)[regions.long()]
