"""Largest connected piece of a mask, and filling its holes."""

import numpy as np
from scipy.ndimage import binary_dilation, binary_erosion, binary_fill_holes, label


def largest_piece(mask: np.ndarray) -> np.ndarray:
    """Keep the largest connected piece of a mask and fill its holes; empty stays empty.

    Parameters
    ----------
    mask
        3D, true inside.
    """
    out = np.zeros(mask.shape, bool)
    box = bounding_box(mask)
    if box is None:
        return out
    pieces, n = label(mask[box])
    if n > 1:
        sizes = np.bincount(pieces.ravel())
        sizes[0] = 0
        pieces = pieces == sizes.argmax()
    out[box] = binary_fill_holes(pieces > 0)
    return out


def without_bridges(mask: np.ndarray, width: int = 1) -> np.ndarray:
    """Keep the largest piece after cutting bridges of up to twice ``width`` voxels.

    Parameters
    ----------
    mask
        3D, true inside.
    width
        Voxels that are taken off all around before the pieces are looked for, and put back.
    """
    core = largest_piece(binary_erosion(mask, iterations=width))
    if not core.any():
        return largest_piece(mask)
    back = binary_dilation(core, np.ones((3, 3, 3), bool), iterations=width + 1)
    return largest_piece(back & mask)


def bounding_box(mask: np.ndarray) -> tuple[slice, slice, slice] | None:
    """Return the smallest box around what is true; None if nothing is."""
    slices = []
    for axis in range(3):
        others = tuple(k for k in range(3) if k != axis)
        found = np.flatnonzero(mask.any(axis=others))
        if not found.size:
            return None
        slices.append(slice(int(found[0]), int(found[-1]) + 1))
    return slices[0], slices[1], slices[2]
