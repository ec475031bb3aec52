"""Running the compact network on a head at its voxel size: find the brain, then look closely."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from bids_brainage.models.resunet_compact import CompactResUNet, Features
from bids_brainage.preprocessing.intensity import normalise_head
from bids_brainage.preprocessing.pieces import bounding_box, without_bridges
from bids_brainage.preprocessing.regions import mirrored_regions

CLOSE_UP = (80, 96, 80)
MARGIN = 1
CHUNK = 100_000
N_TISSUES = 3
# Three voxels move the grid of every level that pools.
VIEWS = ((0, False), (0, True), (3, False), (3, True))


class View(NamedTuple):
    """Features of the box moved by some voxels along every axis, and mirrored or not."""

    features: Features
    shift: int
    mirror: bool


class Found(NamedTuple):
    """What the network says, on its own grid.

    Parameters
    ----------
    probabilities
        ``[4, x, y, z]``; background is 1 away from the brain.
    regions
        Best region of each tissue, ``[3, x, y, z]`` for GM, WM and CSF; 0 away from the brain.
    """

    probabilities: Tensor
    regions: Tensor


def find_tissues(model: CompactResUNet, volume: Tensor) -> Found:
    """Segment a head in two looks: at all of it, then at the box around the brain.

    The second look sees the brain in a box of the size of the training and averages over
    `VIEWS`: the box as it is, mirrored, moved, and both.

    Parameters
    ----------
    volume
        T1w of the network's voxel size, RAS+, ``[x, y, z]``.
    """
    empty = torch.zeros(4, *volume.shape)
    empty[0] = 1
    nothing = Found(empty, torch.zeros(N_TISSUES, *volume.shape, dtype=torch.int16))
    if not volume.any():
        return nothing
    brain = without_bridges(_brain(_first_look(model, volume)).numpy())
    box = bounding_box(brain)
    if box is None:
        return nothing
    return _second_look(model, volume, box, nothing)


def _brain(probabilities: Tensor) -> Tensor:
    return probabilities[0] < 0.5


def _first_look(model: CompactResUNet, volume: Tensor) -> Tensor:
    starts = [0, 0, 0]
    sizes = [-(-n // model.multiple) * model.multiple for n in volume.shape]
    with torch.no_grad():
        features = _run(model, normalise_head(_cut(volume, starts, sizes)))
        shares = features.tissue[0].float().softmax(dim=0).cpu()
    x, y, z = volume.shape
    return shares[:, :x, :y, :z]


def _second_look(
    model: CompactResUNet, volume: Tensor, box: tuple[slice, slice, slice], out: Found
) -> Found:
    starts, sizes = [], []
    for part, least in zip(box, CLOSE_UP, strict=True):
        size = max(part.stop - part.start + 2 * MARGIN, least)
        size = -(-size // model.multiple) * model.multiple
        starts.append((part.start + part.stop - size) // 2)
        sizes.append(size)
    with torch.no_grad():
        views = [_view(model, volume, starts, sizes, shift, mirror) for shift, mirror in VIEWS]
        shares = torch.stack([_shares(view, views[0]) for view in views]).mean(dim=0)
        brain = torch.from_numpy(without_bridges(_brain(shares).numpy()))
        near = functional.max_pool3d(brain[None, None].float(), 3, 1, 1)[0, 0] > 0
        regions = _regions(model, views, near)
    away = torch.zeros(4, 1)
    away[0] = 1
    shares[:, ~near] = away
    inside = [slice(max(s, 0), min(s + n, m))
              for s, n, m in zip(starts, sizes, volume.shape, strict=True)]  # fmt: skip
    taken = [slice(i.start - s, i.stop - s) for i, s in zip(inside, starts, strict=True)]
    out.probabilities[(slice(None), *inside)] = shares[(slice(None), *taken)]
    out.regions[(slice(None), *inside)] = regions[(slice(None), *taken)]
    return out


def _run(model: CompactResUNet, image: Tensor) -> Features:
    device = next(model.parameters()).device
    x = image[None, None].to(device).contiguous(memory_format=torch.channels_last_3d)
    return model(x)


def _view(
    model: CompactResUNet,
    volume: Tensor,
    starts: list[int],
    sizes: list[int],
    shift: int,
    mirror: bool,
) -> View:
    image = normalise_head(_cut(volume, [start - shift for start in starts], sizes))
    return View(_run(model, image.flip(0) if mirror else image), shift, mirror)


def _shares(view: View, first: View) -> Tensor:
    """Tissue probabilities of a view, on the grid of the first one."""
    shares = view.features.tissue[0].float().softmax(dim=0)
    shares = (shares.flip(1) if view.mirror else shares).cpu()
    if not view.shift:
        return shares
    # What the moved box no longer holds is taken from the first view.
    out = first.features.tissue[0].float().softmax(dim=0).cpu()
    k = view.shift
    out[:, :-k, :-k, :-k] = shares[:, k:, k:, k:]
    return out


def _regions(model: CompactResUNet, views: list[View], near: Tensor) -> Tensor:
    """Best region of each tissue at all voxels near the brain."""
    best = torch.zeros(N_TISSUES, *near.shape, dtype=torch.int16)
    device = views[0].features.tissue.device
    swap = torch.tensor(mirrored_regions(), device=device)
    last = torch.tensor(near.shape) - 1
    for voxels in near.nonzero().split(CHUNK):
        scores = torch.zeros((), device=device)
        for view in views:
            place = torch.minimum(voxels + view.shift, last)
            if view.mirror:
                place[:, 0] = last[0] - place[:, 0]
            index = torch.cat([torch.zeros_like(place[:, :1]), place], dim=1).to(device)
            found = model.regions(view.features, index)
            scores = scores + (found[:, swap] if view.mirror else found)
        for tissue in range(N_TISSUES):
            wanted = torch.full((len(voxels),), tissue + 1, device=device)
            number = model.within_tissue(scores, wanted).argmax(dim=1)
            best[(tissue, *voxels.T)] = number.to(torch.int16).cpu()
    return best


def _cut(volume: Tensor, starts: list[int], sizes: list[int]) -> Tensor:
    """Cut a box out of a volume, with zeros where it reaches beyond."""
    out = torch.zeros(sizes, dtype=torch.float32)
    here, there = [], []
    for start, size, n in zip(starts, sizes, volume.shape, strict=True):
        low, high = max(start, 0), min(start + size, n)
        there.append(slice(low, high))
        here.append(slice(low - start, high - start))
    out[tuple(here)] = volume[tuple(there)]
    return out
