"""Random appearance of patches: synthesis from labels, and what scanners do to images."""

import torch
from torch import Tensor
from torch.nn import functional

from bids_brainage.preprocessing.regions import region_tissues
from bids_brainage.preprocessing.separable import resample_axes
from bids_brainage.training.segmentation.spatial import smooth_field

T1_LIKE = 0.7
N_AROUND = 5


def chance(share: float, generator: torch.Generator) -> bool:
    """Return True with a probability."""
    return bool(torch.rand((), generator=generator) < share)


def between(low: float, high: float, generator: torch.Generator) -> float:
    """Draw evenly between two numbers."""
    return low + (high - low) * float(torch.rand((), generator=generator))


def synthesise(regions: Tensor, around: Tensor, generator: torch.Generator) -> Tensor:
    """Draw an image with a Gaussian per label (domain randomisation, 10.1016/j.media.2023.102789).

    Contrast is mostly that of some T1w (CSF darker than grey, grey than white matter), else any.

    Parameters
    ----------
    regions
        Region numbers; each deviates a little from its tissue.
    around
        Classes outside the brain, 0 for air.
    """
    if chance(T1_LIKE, generator):
        white = between(0.7, 1.1, generator)
        grey = white * between(0.55, 0.88, generator)
        fluid = grey * between(0.1, 0.65, generator)
        means = torch.tensor([0.0, grey, white, fluid])
        other = torch.rand(N_AROUND, generator=generator).sort().values * 1.3
    else:
        means = torch.rand(4, generator=generator) + 0.05
        other = torch.rand(N_AROUND, generator=generator) + 0.05
    tissues = torch.tensor(region_tissues())
    centre = means[tissues] * (1 + 0.05 * torch.randn(len(tissues), generator=generator))
    air = between(0, 0.03, generator)
    table = torch.cat([torch.tensor([air]), centre[1:], other])
    index = torch.where(regions > 0, regions, torch.where(around > 0, around + len(tissues) - 1, 0))
    spread = torch.rand(len(table), generator=generator) * 0.08 + 0.01
    noise = torch.randn(regions.shape, generator=generator)
    return blur((table[index] + spread[index] * noise).clamp_min(0), between(0.3, 0.8, generator))


def blur(image: Tensor, sigma: float) -> Tensor:
    """Blur with a Gaussian of a standard deviation in voxels."""
    reach = max(1, round(3 * sigma))
    kernel = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / sigma) ** 2)
    kernel = kernel / kernel.sum()
    out = image[None, None]
    for axis in range(3):
        shape, padding = [1, 1, 1, 1, 1], [0, 0, 0]
        shape[axis + 2], padding[axis] = len(kernel), reach
        out = functional.conv3d(out, kernel.view(shape), padding=padding)
    return out[0, 0]


def strip_mask(brain: Tensor, generator: torch.Generator) -> Tensor:
    """Draw a brain mask as tools make it: too wide or too tight, with an uneven edge."""
    soft = blur(brain.float(), between(0.8, 2.0, generator))
    uneven = smooth_field(tuple(brain.shape), 10, 1, generator)[0] * 0.08
    return soft + uneven > between(0.12, 0.6, generator)


def scan(image: Tensor, generator: torch.Generator) -> Tensor:
    """Change an image as another scanner would: bias, contrast, resolution, blur, noise."""
    shape = tuple(image.shape)
    if chance(0.7, generator):
        strength = between(0.05, 0.4, generator)
        image = image * torch.exp(smooth_field(shape, 3, 1, generator)[0] * strength)
    top = torch.quantile(image.flatten()[::7], 0.99).clamp_min(1e-6)
    image = image / top
    if chance(0.7, generator):
        power = 2.0 ** (0.35 * float(torch.randn((), generator=generator)))
        image = image.clamp_min(0) ** power
    if chance(0.3, generator):
        image = coarsen(image, generator)
    elif chance(0.25, generator):
        image = blur(image, between(0.3, 0.8, generator))
    if chance(0.6, generator):
        level = between(0, 0.06, generator)
        image = (image + level * torch.randn(shape, generator=generator)).abs()
    return image


def coarsen(image: Tensor, generator: torch.Generator) -> Tensor:
    """Sample at larger voxels and back, one axis more than the others."""
    sizes = [between(1.0, 1.6, generator)] * 3
    if chance(0.7, generator):
        axis = int(torch.randint(3, (), generator=generator))
        sizes[axis] = between(1.0, 2.6, generator)
    else:
        sizes = [between(1.2, 2.2, generator)] * 3
    shape = [max(4, round(n / s)) for n, s in zip(image.shape, sizes, strict=True)]
    small = resample_axes(image, [1.0] * 3, shape, sizes)
    return resample_axes(small, sizes, tuple(image.shape), [1.0] * 3)


def cut_away(brain: Tensor, generator: torch.Generator) -> Tensor:
    """Draw what is missing of a head: a removed face, or an end of the field of view.

    Returns
    -------
    Tensor
        True where the image goes on.
    """
    keep = torch.ones(brain.shape, dtype=torch.bool)
    if chance(0.2, generator) and brain.any():
        y = torch.arange(brain.shape[1])[None, :, None]
        z = torch.arange(brain.shape[2])[None, None, :]
        front = y * between(0.4, 1.0, generator) - z * between(0.5, 1.0, generator)
        front = front.expand(brain.shape)
        keep &= front < front[brain].max() + between(-1.0, 5.0, generator)
    if chance(0.12, generator):
        axis = int(torch.randint(3, (), generator=generator))
        n = brain.shape[axis]
        ends = [int(between(0, 0.25, generator) * n), n]
        if chance(0.5, generator):
            ends = [0, n - ends[0]]
        inside = torch.zeros_like(keep)
        inside.narrow(axis, ends[0], ends[1] - ends[0]).fill_(True)
        keep &= inside
    return keep
