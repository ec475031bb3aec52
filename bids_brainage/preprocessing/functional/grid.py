"""The grid of a run in standard space, and where each of its voxels lies in the T1w."""

import nibabel as nib
import numpy as np
from scipy import ndimage

_FINEST_MM = 2.0
_TO_RAS = np.array([-1.0, -1.0, 1.0])


def output_grid(
    standard: nib.Nifti1Image, zooms: np.ndarray
) -> tuple[tuple[int, int, int], np.ndarray]:
    """Grid over the standard space at the voxel size of the run.

    Isotropic, the median of the run's voxel sizes rounded to 0.1 mm, at least 2 mm; the field of
    view is that of the standard image.

    Returns
    -------
        Shape and affine.
    """
    size = max(_FINEST_MM, round(float(np.median(zooms)), 1))
    old = nib.affines.voxel_sizes(standard.affine)
    shape = np.ceil(np.array(standard.shape[:3]) * old / size - 1e-6).astype(int)
    affine = nib.affines.rescale_affine(standard.affine, standard.shape[:3], size, shape)
    x, y, z = (int(length) for length in shape)
    return (x, y, z), affine


def voxel_points(shape: tuple[int, ...], affine: np.ndarray, where: np.ndarray) -> np.ndarray:
    """World coordinates of voxels, ``[3, n]`` in mm.

    Parameters
    ----------
    where
        Flat indices of the voxels.
    """
    voxels = np.array(np.unravel_index(where, shape), dtype=float)
    return affine[:3, :3] @ voxels + affine[:3, 3:]


def displaced(points: np.ndarray, field: nib.Nifti1Image) -> np.ndarray:
    """Carry points by an ITK displacement field; beyond its edge the nearest vector holds.

    Parameters
    ----------
    points
        ``[3, n]``, RAS world of the field's grid.
    field
        Vectors in mm in LPS, ``[x, y, z, 1, 3]`` or ``[x, y, z, 3]``.

    Returns
    -------
        ``[3, n]``, RAS world of the space that is sampled.
    """
    vectors = np.asarray(field.dataobj, dtype=np.float32)
    vectors = vectors.reshape(*vectors.shape[:3], 3)
    places = sampled_at(points, field.affine)
    moved = [
        ndimage.map_coordinates(vectors[..., axis], places, order=1, mode="nearest")
        for axis in range(3)
    ]
    return points + _TO_RAS[:, None] * np.stack(moved)


def sampled_at(points: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """Voxel coordinates of world points."""
    inverse = np.linalg.inv(affine)
    return inverse[:3, :3] @ points + inverse[:3, 3:]


def sample(
    volume: np.ndarray, affine: np.ndarray, points: np.ndarray, order: int = 1
) -> np.ndarray:
    """Values of a volume at world points; zero beyond its edge."""
    return ndimage.map_coordinates(
        volume, sampled_at(points, affine), order=order, mode="constant", cval=0.0
    )
