"""A brain in template space as image networks take it: one grid, scaled inside the brain."""

from collections.abc import Sequence
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.affines import from_matvec
from scipy import ndimage

from bids_brainage.errors import InputError
from bids_brainage.preprocessing.images import image_data, open_nifti

SHAPE = (91, 109, 91)
ZOOMS = 2.0
# World position of the template's first voxel centre in RAS+ order (MNI152, 91 x 109 x 91, 2 mm).
ORIGIN = (-90.0, -126.0, -72.0)
SCALINGS = ("mask", "whole", "median")
MINIMUM_VOLUME = 400_000.0  # mm3
ALIKE = 1e-4  # range over the largest value; grids interpolate
HINT = "give the brain of a T1w in MNI152 space, zero outside"


def grid_affine(zooms: float = ZOOMS, shape: Sequence[int] | None = None) -> np.ndarray:
    """Affine of the template's grid at a voxel size, over the same field of view.

    Parameters
    ----------
    shape
        Voxels of a larger or smaller grid, which has the centre of the template.
    """
    if shape is None or tuple(shape) == grid_shape(zooms):
        shift = (zooms - ZOOMS) / 2
        return from_matvec(np.diag([zooms] * 3), [start + shift for start in ORIGIN])
    middle = [start + ZOOMS * (n - 1) / 2 for start, n in zip(ORIGIN, SHAPE, strict=True)]
    start = [m - zooms * (n - 1) / 2 for m, n in zip(middle, shape, strict=True)]
    return from_matvec(np.diag([zooms] * 3), start)


def grid_shape(zooms: float = ZOOMS) -> tuple[int, int, int]:
    """Voxels of that grid."""
    a, b, c = (int(np.ceil(n * ZOOMS / zooms)) for n in SHAPE)
    return a, b, c


def load_brain(
    path: Path,
    mask: Path | None = None,
    zooms: float = ZOOMS,
    scaling: str = "mask",
    shape: Sequence[int] | None = None,
) -> np.ndarray:
    """Read a brain in template space, put it on the grid and scale it.

    Parameters
    ----------
    path
        T1w in MNI152 space, of any grid and orientation; without ``mask`` zero outside the brain.
    mask
        Brain mask in the same space; voxels outside are set to zero.
    zooms
        Voxel size in mm; coarser grids average.
    scaling
        See `scale`.
    shape
        Voxels of the grid, which has the centre of the template; by default its field of view.

    Returns
    -------
        Single precision, zero outside the brain.

    Raises
    ------
    InputError
        If it cannot be read, is not 3D, or holds no brain in template space.
    """
    data, affine = read_brain(path, mask)
    shape = tuple(shape or grid_shape(zooms))
    data = put_on_grid(data, affine, shape, grid_affine(zooms, shape))
    check_brain(data, zooms, path)
    try:
        return scale(data, scaling)
    except ValueError as error:
        raise InputError(str(error), place=path, hint=HINT) from error


def read_brain(path: Path, mask: Path | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Read a brain with its axes to the right, front and top, zero outside the mask.

    Returns
    -------
        Voxels in single precision, finite, and their affine.

    Raises
    ------
    InputError
        If it cannot be read, is not 3D, or the mask is of another grid.
    """
    data, affine = _volume(path, "T1w in template space")
    if mask is not None:
        inside, mask_affine = _volume(mask, "brain mask")
        if inside.shape != data.shape or not np.allclose(mask_affine, affine, atol=1e-3):
            raise InputError(f"the brain mask has shape {inside.shape}, the image {data.shape}",
                             place=mask, hint="give the mask of this image")  # fmt: skip
        data = np.where(inside > 0, data, 0.0)
    return np.where(np.isfinite(data), data, 0.0).astype(np.float32), affine


def check_brain(data: np.ndarray, zooms: float, path: Path) -> None:
    """Check that a brain fills a plausible part of the grid.

    Raises
    ------
    InputError
        If there is too little of it, hardly a voxel is zero, or the brain has one value alone.
    """
    if float((data != 0).sum()) * zooms**3 < MINIMUM_VOLUME:
        raise InputError(f"{(data != 0).sum() * zooms**3 / 1000:.0f} cm3 of brain in the field of "
                         "view of the template", place=path, hint=HINT)  # fmt: skip
    if (data != 0).mean() > 0.9:
        raise InputError("the image is not zero outside the brain", place=path, hint=HINT)
    inside = data[data != 0]
    if np.ptp(inside) <= ALIKE * np.abs(inside).max():
        raise InputError("the brain's voxels are all alike", place=path, hint=HINT)


def scale(brain: np.ndarray, scaling: str = "mask") -> np.ndarray:
    """Take the brain's mean from its voxels and divide them by their spread, or by their median.

    Parameters
    ----------
    brain
        Zero outside.
    scaling
        ``mask``: standard deviation of the brain's voxels. ``whole``: the squared deviations of
        all voxels, the background's too, are divided by the number of the brain's, as weights of
        TSAN from before November 2023 expect. ``median``: nothing is taken away, and the median
        of the brain's voxels becomes 1, so that the background stays darker than the brain.

    Raises
    ------
    ValueError
        If the brain is constant, or there is none, or its median is not above zero.
    """
    if scaling not in SCALINGS:
        raise ValueError(f"scaling {scaling!r} is none of {', '.join(SCALINGS)}")
    inside = brain != 0
    values = brain[inside].astype(np.float64)
    variance = values.var() if len(values) else 0.0
    if not variance > 0:
        raise ValueError("the brain's voxels are all alike")
    if scaling == "median":
        return _over_median(brain, values)
    if scaling == "whole":
        variance += values.mean() ** 2 * (~inside).sum() / len(values)
    scaled = np.zeros(brain.shape, dtype=np.float32)
    scaled[inside] = (values - values.mean()) / np.sqrt(variance)
    return scaled


def _over_median(brain: np.ndarray, values: np.ndarray) -> np.ndarray:
    median = float(np.median(values))
    if not median > 0:
        raise ValueError(f"the median of the brain's voxels is {median:g}, not above zero")
    return (brain / median).astype(np.float32)


def _volume(path: Path, kind: str) -> tuple[np.ndarray, np.ndarray]:
    image = nib.as_closest_canonical(open_nifti(path, kind, HINT))
    data = np.squeeze(image_data(image, path, kind, HINT))
    if data.ndim != 3:
        raise InputError(f"the image has {data.ndim} dimensions, not 3", place=path, hint=HINT)
    return data, image.affine


def put_on_grid(
    data: np.ndarray, affine: np.ndarray, shape: tuple[int, ...], wanted: np.ndarray
) -> np.ndarray:
    """Put a brain on another grid: trilinear, and a coarser grid first averages over its voxels.

    Parameters
    ----------
    affine, wanted
        Of the brain, and of the grid; both with axes to the right, front and top.
    """
    if data.shape == shape and np.allclose(affine, wanted, atol=1e-3):
        return data
    steps = nib.affines.voxel_sizes(wanted) / nib.affines.voxel_sizes(affine)
    size = np.maximum(np.rint(steps), 1).astype(int)
    brain = (data != 0).astype(np.float32)
    if (size > 1).any():
        data, brain = (ndimage.uniform_filter(x, size, mode="constant") for x in (data, brain))
    change = np.linalg.inv(affine) @ wanted
    # The mean over an even number of voxels belongs half a voxel before the one it is kept in.
    start = change[:3, 3] + np.where(size % 2 == 0, 0.5, 0.0)
    data, brain = (
        ndimage.affine_transform(x, change[:3, :3], start, shape, order=1, mode="constant")
        for x in (data, brain)
    )
    return np.where(brain > 0.5, data / np.maximum(brain, 0.5), 0.0).astype(np.float32)
