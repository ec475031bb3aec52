"""Cross-entropy plus Dice for tissues and regions, and the Dice score."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from bids_brainage.models.resunet_compact import CompactResUNet, Features

SMOOTH = 10.0


def soft_dice_loss(shares: Tensor, truth: Tensor) -> Tensor:
    """One minus the mean soft Dice over classes.

    Parameters
    ----------
    shares, truth
        ``[n, classes]``: predicted probabilities and one-hot labels.
    """
    both = (shares * truth).sum(dim=0)
    total = shares.sum(dim=0) + truth.sum(dim=0)
    return 1 - ((2 * both + SMOOTH) / (total + SMOOTH)).mean()


def tissue_loss(scores: Tensor, tissue: Tensor) -> Tensor:
    """Cross-entropy plus Dice of GM, WM, CSF and of the whole brain.

    Parameters
    ----------
    scores
        ``[1, 4, x, y, z]``.
    tissue
        ``[x, y, z]``.
    """
    flat = scores.float().movedim(1, -1).reshape(-1, scores.shape[1])
    truth = tissue.reshape(-1)
    entropy = functional.cross_entropy(flat, truth)
    shares = flat.softmax(dim=1)
    wanted = functional.one_hot(truth, scores.shape[1]).float()
    columns = torch.cat([shares[:, 1:], 1 - shares[:, :1]], dim=1)
    goals = torch.cat([wanted[:, 1:], 1 - wanted[:, :1]], dim=1)
    return entropy + soft_dice_loss(columns, goals)


def region_loss(
    model: CompactResUNet,
    features: Features,
    regions: Tensor,
    n_voxels: int,
    generator: torch.Generator,
) -> Tensor:
    """Cross-entropy plus Dice of regions within their tissue, on voxels drawn from the brain.

    Voxels of small regions are drawn more often, by the square root of the size.
    """
    inside = regions.nonzero()
    if len(inside) < 100:
        return features.tissue.new_zeros((), dtype=torch.float32)
    labels = regions[tuple(inside.T)]
    odds = torch.bincount(labels, minlength=len(model.region_tissues)).clamp_min(1) ** -0.5
    count = min(n_voxels, len(inside))
    chosen = torch.multinomial(odds[labels], count, generator=generator)
    labels = labels[chosen]
    voxels = torch.cat([torch.zeros(count, 1, dtype=torch.long), inside[chosen]], dim=1)
    scores = model.within_tissue(model.regions(features, voxels), model.region_tissues[labels])
    entropy = functional.cross_entropy(scores, labels)
    present = labels.bincount(minlength=scores.shape[1]) > 0
    wanted = functional.one_hot(labels, scores.shape[1]).float()
    return entropy + soft_dice_loss(scores.softmax(dim=1)[:, present], wanted[:, present])


def dice(found: np.ndarray, truth: np.ndarray) -> float:
    """Twice the overlap over the sum of sizes; NaN where both are empty.

    Parameters
    ----------
    found, truth
        Masks of the same shape.
    """
    total = int(found.sum()) + int(truth.sum())
    return float(2 * np.logical_and(found, truth).sum() / total) if total else float("nan")


def dice_per_class(
    found: np.ndarray, truth: np.ndarray, classes: Sequence[int]
) -> dict[int, float]:
    """Dice of each class of two label images."""
    return {k: dice(found == k, truth == k) for k in classes}
