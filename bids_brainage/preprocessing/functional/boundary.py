"""How well a BOLD reference fits the border of white matter: the cost of Greve & Fischl."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from bids_brainage.preprocessing.functional.grid import sampled_at
from bids_brainage.preprocessing.functional.rigid import apply

_POINTS = 12_000
_SMOOTH_MM = 0.7
_STEP_MM = 2.0
_OUTSIDE_GREY = 0.5
_SLOPE = 0.5


@dataclass(frozen=True)
class Boundary:
    """Points beside the border of white and grey matter.

    Parameters
    ----------
    inside, outside
        World coordinates in white matter and in cortex, ``[3, n]``.
    """

    inside: np.ndarray
    outside: np.ndarray

    @property
    def border(self) -> np.ndarray:
        """Points on the border."""
        return (self.inside + self.outside) / 2


def white_boundary(probabilities: np.ndarray, affine: np.ndarray) -> Boundary:
    """Find the border where white matter's probability crosses one half towards grey matter.

    Parameters
    ----------
    probabilities
        ``[4, x, y, z]``: background, GM, WM, CSF.

    Returns
    -------
        At most some 12,000 pairs of points, 2 mm to each side.
    """
    probabilities, affine = _cropped(probabilities, affine)
    zooms = np.sqrt((affine[:3, :3] ** 2).sum(axis=0))
    sigma = _SMOOTH_MM / zooms
    white = ndimage.gaussian_filter(probabilities[2].astype(np.float32), sigma)
    slopes = np.stack(np.gradient(white))
    steep = np.sqrt(((slopes / zooms[:, None, None, None]) ** 2).sum(axis=0))
    near = (np.abs(white - 0.5) < 0.25) & (steep > 0.1)
    flat = np.flatnonzero(near)
    flat = flat[:: max(1, len(flat) // (4 * _POINTS))]
    voxels = np.array(np.unravel_index(flat, white.shape), dtype=float)
    slope = slopes.reshape(3, -1)[:, flat]
    voxels += (0.5 - white.ravel()[flat]) * slope / (slope**2).sum(axis=0)
    points = apply(affine, voxels)
    inward = np.linalg.inv(affine[:3, :3]).T @ slope
    inward /= np.linalg.norm(inward, axis=0)
    inside, outside = points + _STEP_MM * inward, points - _STEP_MM * inward
    grey = _at(probabilities[1], affine, outside) > _OUTSIDE_GREY
    pure = _at(probabilities[2], affine, inside) > _OUTSIDE_GREY
    keep = np.flatnonzero(grey & pure)
    keep = keep[:: max(1, len(keep) // _POINTS)]
    return Boundary(inside[:, keep], outside[:, keep])


def boundary_cost(
    matrix: np.ndarray, boundary: Boundary, volume: np.ndarray, affine: np.ndarray
) -> float:
    """Cost of a transform: 0 if cortex is brighter everywhere, 1 without relation, 2 if darker.

    Greve & Fischl 2009, doi:10.1016/j.neuroimage.2009.06.060: the mean of one minus the hyperbolic
    tangent of half the difference of cortex and white matter in percent.

    Parameters
    ----------
    matrix
        World of the T1w to world of the run, 4x4.
    volume, affine
        Reference of the run.
    """
    change = contrast(matrix, boundary, volume, affine)
    if change.size < 0.3 * boundary.inside.shape[1]:
        return 2.0
    return float(np.mean(1 - np.tanh(_SLOPE * change)))


def contrast(
    matrix: np.ndarray, boundary: Boundary, volume: np.ndarray, affine: np.ndarray
) -> np.ndarray:
    """Difference of cortex and white matter in percent of their mean, where both are seen."""
    white = _at(volume, affine, apply(matrix, boundary.inside))
    grey = _at(volume, affine, apply(matrix, boundary.outside))
    total = white + grey
    seen = (white > 0) & (grey > 0)
    return 200 * (grey - white)[seen] / total[seen]


def _cropped(probabilities: np.ndarray, affine: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cut to the box of white matter and some voxels around it."""
    boxes = ndimage.find_objects((probabilities[2] > 0.5).astype(np.int8))
    if not boxes:
        return probabilities, affine
    box = tuple(slice(max(0, part.start - 5), part.stop + 5) for part in boxes[0])
    cut = affine.copy()
    cut[:3, 3] += affine[:3, :3] @ np.array([part.start for part in box])
    return probabilities[(slice(None), *box)], cut


def _at(volume: np.ndarray, affine: np.ndarray, points: np.ndarray) -> np.ndarray:
    return ndimage.map_coordinates(
        volume, sampled_at(points, affine), order=1, mode="constant", cval=0.0
    )
