"""The record of one atlas, and how labelled voxels are made of probability maps."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import nibabel as nib
import numpy as np


@dataclass(frozen=True)
class Atlas:
    """A brain atlas of non-overlapping regions.

    Parameters
    ----------
    name
        Label for file names (letters and digits), for example ``HarvardOxford``.
    labels
        3D image of whole numbers; zero is outside every region.
    regions
        Region names in feature order, unique.
    values
        Number of each region in ``labels``, in the same order.
    space
        Template the atlas is drawn in, or ``unknown``.
    source
        Package or file it comes from.
    details
        Sidecar content: how it was built, threshold, reference.
    """

    name: str
    labels: nib.Nifti1Image
    regions: tuple[str, ...]
    values: tuple[int, ...]
    space: str
    source: str
    details: dict[str, Any] = field(default_factory=dict)

    def describe(self) -> dict[str, Any]:
        """Content for JSON sidecars."""
        return {
            "Name": self.name,
            "Space": self.space,
            "Source": self.source,
            "Regions": len(self.regions),
            **self.details,
        }

    @cached_property
    def voxels(self) -> tuple[np.ndarray, np.ndarray]:
        """Index along each axis (3 x voxels) and number of every labelled voxel."""
        labels = np.asarray(self.labels.dataobj)
        flat = labels.ravel(order="F")
        inside = np.flatnonzero(flat > 0)
        indices = np.unravel_index(inside, labels.shape, order="F")
        return np.stack(indices, dtype=np.int16), flat[inside].astype(np.int32)

    @cached_property
    def centroids(self) -> dict[str, list[float]]:
        """Centre of mass of each region, in mm of the atlas's template."""
        axes, numbers = self.voxels
        counts = np.bincount(numbers)
        sums = np.stack([np.bincount(numbers, weights=axis) for axis in axes], axis=1)
        present = [value for value in self.values if value < len(counts) and counts[value]]
        centres = sums[present] / counts[present, None]
        places = np.round(nib.affines.apply_affine(self.labels.affine, centres), 1).tolist()
        found = dict(zip(present, places, strict=True))
        return {
            name: found[value]
            for name, value in zip(self.regions, self.values, strict=True)
            if value in found
        }


def maximum_probability(
    maps: Iterable[np.ndarray], threshold: float
) -> tuple[np.ndarray, np.ndarray]:
    """Give each voxel to its most probable map.

    Parameters
    ----------
    maps
        Probability maps of one shape, one at a time.
    threshold
        Smallest probability that is kept, in the unit of the maps.

    Returns
    -------
        Map number (from 0, -1 where no map reaches the threshold) and its probability.
    """
    winner: np.ndarray | None = None
    best: np.ndarray | None = None
    for number, probability in enumerate(maps):
        if best is None or winner is None:
            best = np.zeros_like(probability)
            winner = np.full_like(probability, -1, dtype=np.int16)
        # Few voxels of a map are higher; their indices cost less than a mask of all.
        higher = np.nonzero(probability > best)
        best[higher] = probability[higher]
        winner[higher] = number
    if best is None or winner is None:
        raise ValueError("no probability maps")
    winner[best < threshold] = -1
    return winner, best
