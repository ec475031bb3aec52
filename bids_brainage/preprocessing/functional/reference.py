"""Brain mask of a BOLD reference volume, by intensity and then by the T1w's."""

import numpy as np
from scipy import ndimage

_SMOOTH_MM = 4.0
_OPENING_MM = 6.0
_SIGNAL_SHARE = 0.2
_WIDEN_MM = 3.0


def rough_mask(volume: np.ndarray, zooms: np.ndarray) -> np.ndarray:
    """Brain by intensity: threshold, opening, largest piece, holes filled.

    Parameters
    ----------
    zooms
        Voxel size, mm.

    Returns
    -------
        Boolean; may hold some scalp, as EPI shows little of it.
    """
    smooth = ndimage.gaussian_filter(volume.astype(np.float32), _SMOOTH_MM / 2.3548 / zooms)
    bright = smooth > otsu(smooth)
    radius = np.maximum(1, np.rint(_OPENING_MM / zooms / 2)).astype(int)
    opened = ndimage.binary_opening(bright, structure=ball(radius))
    mask = largest(opened if opened.any() else bright)
    mask = ndimage.binary_dilation(mask, structure=ball(radius)) & bright
    closed = ndimage.binary_closing(np.pad(mask, radius.max()), structure=ball(radius))
    inner = tuple(slice(radius.max(), size + radius.max()) for size in mask.shape)
    return ndimage.binary_fill_holes(closed[inner] | mask)


def refined_mask(
    reference: np.ndarray, zooms: np.ndarray, anatomical: np.ndarray
) -> tuple[np.ndarray, float]:
    """Brain mask of the T1w where the run has signal.

    Parameters
    ----------
    anatomical
        The T1w's brain mask on the grid of the run.

    Returns
    -------
        Mask, and the share of the anatomical mask that has signal.
    """
    smooth = ndimage.gaussian_filter(reference.astype(np.float32), _SMOOTH_MM / 2.3548 / zooms)
    level = float(np.median(smooth[anatomical])) if anatomical.any() else 0.0
    mask = anatomical & (smooth > _SIGNAL_SHARE * level) & (reference > 0)
    if not mask.any():
        return mask, 0.0
    return largest(mask), float(mask.sum() / anatomical.sum())


def dice(one: np.ndarray, other: np.ndarray) -> float:
    """Overlap of two masks, 0 to 1."""
    total = one.sum() + other.sum()
    return float(2 * (one & other).sum() / total) if total else 0.0


def otsu(volume: np.ndarray) -> float:
    """Threshold that parts values into two classes of least variance (Otsu 1979)."""
    top = float(np.percentile(volume, 99.5))
    counts, edges = np.histogram(volume.clip(0, top), bins=256)
    centres = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)
    above = below[-1] - below
    sums = np.cumsum(counts * centres)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (sums / below - (sums[-1] - sums) / above) ** 2
    return float(centres[int(np.nanargmax(between))])


def ball(radius: np.ndarray) -> np.ndarray:
    """Ellipsoid of the given radii in voxels."""
    axes = np.ogrid[tuple(slice(-r, r + 1) for r in radius)]
    return sum((axis / (r + 0.5)) ** 2 for axis, r in zip(axes, radius, strict=True)) <= 1


def largest(mask: np.ndarray) -> np.ndarray:
    """Largest connected piece."""
    labels, count = ndimage.label(mask)
    if count < 2:
        return mask
    return labels == 1 + int(np.argmax(np.bincount(labels.ravel())[1:]))
