"""Brain templates that come with nilearn, for pictures and synthetic data."""

import nibabel as nib
import numpy as np
from nilearn.datasets import load_mni152_brain_mask, load_mni152_template
from nilearn.image import resample_img, resample_to_img


def brain_template(resolution: float) -> nib.Nifti1Image:
    """Skull-stripped MNI152 T1w template.

    Parameters
    ----------
    resolution
        Voxel size in mm.
    """
    return resample_img(
        load_mni152_template(resolution=2),
        target_affine=np.diag([resolution] * 3),
        interpolation="linear",
        copy_header=True,
        force_resample=True,
    )


def at_2_mm(template: nib.Nifti1Image) -> nib.Nifti1Image:
    """Every other voxel of a 1 mm template.

    nilearn's own way to 2 mm is a spline through all voxels, which meets these very values.
    """
    return template.slicer[::2, ::2, ::2]


def brain_mask(grid: nib.Nifti1Image) -> nib.Nifti1Image:
    """Brain mask of the MNI152 template on the grid of another image."""
    return labels_on_grid(at_2_mm(load_mni152_brain_mask(resolution=1)), grid)


def labels_on_grid(labels: nib.Nifti1Image, grid: nib.Nifti1Image) -> nib.Nifti1Image:
    """Carry a label image to the grid of another image, by nearest neighbour."""
    return resample_to_img(
        labels, grid, interpolation="nearest", copy_header=True, force_resample=True
    )
