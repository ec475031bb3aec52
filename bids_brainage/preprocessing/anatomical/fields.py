"""Dense displacement fields: make, read, apply, and the volume change they mean.

A field is a NIfTI image ``[x, y, z, 1, 3]`` of ITK displacement vectors in mm (LPS axes), as
ANTs and ITK apply it: each voxel says where, from its own place, the other image is sampled.
"""

import nibabel as nib
import numpy as np
from scipy import ndimage

_TO_LPS = np.array([-1, -1, 1], dtype=np.float32)


def grid_points(shape: tuple[int, ...], affine: np.ndarray) -> np.ndarray:
    """RAS world coordinates of each voxel, mm, ``[x, y, z, 3]`` float32."""
    parts = [
        np.arange(n, dtype=np.float32)[:, None] * affine[:3, axis].astype(np.float32)
        for axis, n in enumerate(shape[:3])
    ]
    return parts[0][:, None, None] + parts[1][:, None] + parts[2] + affine[:3, 3].astype(np.float32)


def make_field(points: np.ndarray, affine: np.ndarray) -> nib.Nifti1Image:
    """Field that sends each voxel of a grid to a point of the RAS world.

    Parameters
    ----------
    points
        Where to sample, mm, ``[x, y, z, 3]``.
    affine
        Of the grid.
    """
    vectors = (points - grid_points(points.shape, affine)) * _TO_LPS
    image = nib.Nifti1Image(vectors[:, :, :, None].astype(np.float32), affine)
    image.header.set_intent("vector")
    image.header.set_xyzt_units("mm")
    return image


def field_points(field: nib.Nifti1Image) -> np.ndarray:
    """For each voxel of the field's grid the point to sample, RAS world, ``[x, y, z, 3]``."""
    vectors = np.asarray(field.dataobj, dtype=np.float32)[:, :, :, 0]
    return grid_points(vectors.shape, field.affine) + vectors * _TO_LPS


def carry_points(field: nib.Nifti1Image, points: np.ndarray) -> np.ndarray:
    """Send any points of the RAS world through a field, as ITK does: no move beyond its grid.

    Parameters
    ----------
    points
        mm, ``[..., 3]``.
    """
    vectors = np.asarray(field.dataobj, dtype=np.float32)[:, :, :, 0] * _TO_LPS
    moved = [sample(vectors[..., axis], field.affine, points) for axis in range(3)]
    return points + np.stack(moved, axis=-1)


def sample(data: np.ndarray, affine: np.ndarray, points: np.ndarray, order: int = 1) -> np.ndarray:
    """Values of an image at points of the RAS world; 0 beyond the image.

    Parameters
    ----------
    points
        mm, ``[..., 3]``.
    order
        0 nearest, 1 linear, 3 cubic spline.
    """
    inverse = np.linalg.inv(affine).astype(np.float32)
    voxels = points.astype(np.float32) @ inverse[:3, :3].T + inverse[:3, 3]
    return ndimage.map_coordinates(
        data, np.moveaxis(voxels, -1, 0), order=order, mode="constant", output=np.float32
    )


def resample(image: nib.Nifti1Image, field: nib.Nifti1Image, order: int = 1) -> nib.Nifti1Image:
    """Carry a 3D image to the grid of a field, in one interpolation."""
    data = sample(np.asarray(image.dataobj), image.affine, field_points(field), order)
    result = nib.Nifti1Image(data, field.affine)
    result.header.set_xyzt_units("mm")
    return result


def jacobian(field: nib.Nifti1Image) -> nib.Nifti1Image:
    """Volume at the sampled place per volume of the field's grid, the affine part included.

    The determinant of the derivative of the whole map, by central differences; below 0 where the
    map folds.
    """
    points = field_points(field).astype(np.float64)
    inverse = np.linalg.inv(field.affine[:3, :3])
    by_voxel = np.stack([np.gradient(points, axis=axis) for axis in range(3)], axis=-1)
    determinant = np.linalg.det(by_voxel @ inverse)
    image = nib.Nifti1Image(determinant.astype(np.float32), field.affine)
    image.header.set_xyzt_units("mm")
    return image
