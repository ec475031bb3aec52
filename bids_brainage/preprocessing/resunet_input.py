"""Input of the ResUNet as specified: normalised in the mask, 64 voxels of 3 mm per axis."""

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import affine_transform

GRID = (64, 64, 64)
GRID_SPACING = 3.0


def normalise_in_mask(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Give an image zero mean and unit variance inside a mask, and zero outside.

    Parameters
    ----------
    image
        Any units.
    mask
        True in the brain.
    """
    inside = image[mask]
    spread = float(inside.std()) if inside.size else 0.0
    centred = image - (float(inside.mean()) if inside.size else 0.0)
    return np.where(mask, centred / (spread or 1.0), 0.0).astype(np.float32)


def specified_grid(
    image: np.ndarray,
    zooms: Sequence[float],
    order: int = 3,
    shape: Sequence[int] = GRID,
    spacing: float = GRID_SPACING,
) -> np.ndarray:
    """Resample to a grid with the same axes and the same physical centre; zero beyond.

    Parameters
    ----------
    zooms
        Voxel size in mm.
    order
        3 for the cubic B-spline of the original, which rings at the edge of a masked brain; 1
        for linear interpolation, which does not; 0 for labels.
    """
    factors = [spacing / z for z in zooms]
    offset = [
        (n - 1) / 2 - f * (m - 1) / 2 for n, m, f in zip(image.shape, shape, factors, strict=True)
    ]
    return affine_transform(
        image, np.asarray(factors), offset, tuple(shape), order=order, mode="constant", cval=0
    )
