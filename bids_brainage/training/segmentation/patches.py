"""Drawing one training patch: a real or synthesised image with its labels."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from bids_brainage.preprocessing.intensity import normalise_head
from bids_brainage.training.segmentation.appearance import (
    chance,
    cut_away,
    scan,
    strip_mask,
    synthesise,
)
from bids_brainage.training.segmentation.data import Head
from bids_brainage.training.segmentation.recipe import SegmentationRecipe
from bids_brainage.training.segmentation.spatial import mirror_labels, sample, sampling_points

KEEP_AIR = 0.3
SYNTHETIC_HEAD = 0.7


class Patch(NamedTuple):
    """One patch: image (normalised), region numbers, weight of its region labels."""

    image: Tensor
    regions: Tensor
    weight: float


class Source(NamedTuple):
    """A head as tensors."""

    image: Tensor
    regions: Tensor
    surroundings: Tensor
    centre: Tensor
    whole: bool


def as_sources(heads: Sequence[Head]) -> list[Source]:
    """Turn heads into tensors, with the middle of the brain's box."""
    sources = []
    for head in heads:
        found = np.argwhere(head.regions > 0)
        middle = (found.min(axis=0) + found.max(axis=0)) / 2
        sources.append(Source(
            torch.from_numpy(head.image), torch.from_numpy(head.regions).float(),
            torch.from_numpy(head.surroundings).float(),
            torch.from_numpy(middle).float(), head.whole,
        ))  # fmt: skip
    return sources


def draw_patch(
    sources: Sequence[Source],
    recipe: SegmentationRecipe,
    generator: torch.Generator,
    *,
    small: bool = False,
) -> Patch:
    """Draw one patch; the same generator state gives the same patch."""
    artificial = chance(recipe.synthetic, generator)
    wanted = chance(SYNTHETIC_HEAD if artificial else 1 - recipe.brains, generator)
    pool = [s for s in sources if s.whole == wanted] or list(sources)
    source = pool[int(torch.randint(len(pool), (), generator=generator))]
    flip = chance(recipe.flip, generator)
    wide = chance(recipe.wide, generator)
    shape = recipe.small_patch if small else recipe.wide_patch if wide else recipe.patch
    extent = torch.tensor(source.image.shape, dtype=torch.float32)
    points = sampling_points(shape, source.centre, extent, recipe, generator, flip)
    regions = sample(source.regions, points, nearest=True).long()
    if flip:
        regions = mirror_labels(regions)
    if artificial:
        around = sample(source.surroundings, points, nearest=True).long()
        image = synthesise(regions, around, generator)
    else:
        image = sample(source.image, points)
    keep = cut_away(regions > 0, generator) if source.whole else torch.ones_like(image).bool()
    stripped = not source.whole or chance(recipe.strip, generator)
    if stripped and source.whole:
        keep &= strip_mask(regions > 0, generator)
    elif stripped and artificial:
        keep &= regions > 0
    elif stripped:
        keep &= image > 0
    after = chance(KEEP_AIR, generator)
    image = scan(torch.where(keep, image, 0.0) if after else image, generator)
    if not after:
        image = torch.where(keep, image, 0.0)
    regions = torch.where(keep, regions, 0)
    weight = 1.0 if source.whole else recipe.carried_weight
    return Patch(normalise_head(image), regions, weight)
