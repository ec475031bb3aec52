"""Scaling of a T1w image before segmentation."""

import torch
from torch import Tensor

MAX_SAMPLE = 400_000
CEILING = 4.0


def normalise_head(image: Tensor) -> Tensor:
    """Scale an image so that air is 0 and the head is about 1, whatever its units.

    Zero is left zero; the brightest 0.5 % (vessels, fat, eyes) are cut. The scale is the mean of
    what is brighter than a fifth of the 98th percentile.

    Parameters
    ----------
    image
        Any shape; constant or empty images become zero.
    """
    values = image[image != 0]
    if values.numel() < 2:
        return torch.zeros_like(image)
    step = max(1, values.numel() // MAX_SAMPLE)
    sample = values[::step].float()
    low, high, top = torch.quantile(sample, torch.tensor([0.005, 0.98, 0.995])).tolist()
    floor = min(low, 0.0)
    sample = sample - floor
    head = sample[sample > 0.2 * (high - floor)].clamp_max(top - floor)
    scale = head.mean().item() if head.numel() else 0.0
    if not scale > 0:
        return torch.zeros_like(image)
    out = (image - floor).clamp(0, top - floor) / scale
    return torch.where(image == 0, 0.0, out).clamp_max(CEILING)
