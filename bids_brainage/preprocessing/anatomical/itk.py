"""Grids: to SimpleITK and back, smaller copies, boxes around a mask."""

import os
from typing import TYPE_CHECKING

import nibabel as nib
import numpy as np

if TYPE_CHECKING:
    import SimpleITK

LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
MAX_THREADS = 8


def default_threads() -> int:
    """CPUs that this process may use, at most 8."""
    available = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    return max(1, min(available, MAX_THREADS))


def to_itk(data: np.ndarray, affine: np.ndarray) -> "SimpleITK.Image":
    """3D array and RAS affine as a float32 SimpleITK image (which is LPS)."""
    import SimpleITK

    image = SimpleITK.GetImageFromArray(np.ascontiguousarray(data.T, dtype=np.float32))
    axes = LPS @ affine
    # The directions must be orthonormal to the last digit.
    left, _, right = np.linalg.svd(axes[:3, :3] / np.linalg.norm(axes[:3, :3], axis=0))
    image.SetSpacing(np.linalg.norm(axes[:3, :3], axis=0).tolist())
    image.SetOrigin(axes[:3, 3].tolist())
    image.SetDirection((left @ right).ravel().tolist())
    return image


def from_itk(image: "SimpleITK.Image") -> np.ndarray:
    """Array ``[x, y, z]`` or, of a vector image, ``[x, y, z, 3]``."""
    import SimpleITK

    array = SimpleITK.GetArrayFromImage(image)
    if array.ndim == 4:
        return array.transpose(2, 1, 0, 3)
    return array.T


def pooled(data: np.ndarray, affine: np.ndarray, size: float) -> tuple[np.ndarray, np.ndarray]:
    """Average whole voxels into blocks of at most a given size; nothing is interpolated.

    Parameters
    ----------
    size
        Largest edge of a block in mm; larger voxels stay as they are.

    Returns
    -------
    tuple[ndarray, ndarray]
        The smaller array and its affine; edge blocks repeat the last voxel.
    """
    factors = pool_factors(affine, size)
    pad = [(0, -n % f) for n, f in zip(data.shape, factors, strict=True)]
    data = np.asarray(data, dtype=np.float32)
    if any(after for _, after in pad):
        data = np.pad(data, pad, mode="edge")
    for axis, factor in enumerate(factors):
        if factor > 1:
            shape = list(data.shape)
            shape[axis : axis + 1] = [shape[axis] // factor, factor]
            data = data.reshape(shape).mean(axis=axis + 1)
    move = np.eye(4)
    move[:3, :3] = np.diag(factors)
    move[:3, 3] = (np.array(factors) - 1) / 2
    return data, affine @ move


def pool_factors(affine: np.ndarray, size: float) -> tuple[int, ...]:
    """Voxels per block along each axis."""
    sizes = np.linalg.norm(affine[:3, :3], axis=0)
    return tuple(max(1, int(size / one + 1e-3)) for one in sizes)


def box_around(mask: np.ndarray, margin: tuple[int, ...]) -> tuple[slice, slice, slice]:
    """Smallest box that holds a mask, with a margin in voxels per axis."""
    slices = []
    for axis in range(3):
        hit = np.flatnonzero(mask.any(axis=tuple(a for a in range(3) if a != axis)))
        first = max(0, int(hit[0]) - margin[axis])
        slices.append(slice(first, min(mask.shape[axis], int(hit[-1]) + 1 + margin[axis])))
    return slices[0], slices[1], slices[2]


def crop_affine(affine: np.ndarray, box: tuple[slice, slice, slice]) -> np.ndarray:
    """Affine of a box cut out of an image."""
    moved = affine.copy()
    moved[:3, 3] = (affine @ np.array([*(part.start for part in box), 1.0]))[:3]
    return moved


def image_like(data: np.ndarray, affine: np.ndarray) -> nib.Nifti1Image:
    """NIfTI image in mm."""
    image = nib.Nifti1Image(data, affine)
    image.header.set_xyzt_units("mm")
    return image
