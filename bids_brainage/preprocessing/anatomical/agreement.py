"""Numbers that tell how well a registration went."""

import nibabel as nib
import numpy as np

from bids_brainage.preprocessing.anatomical.fields import (
    carry_points,
    field_points,
    grid_points,
    jacobian,
    sample,
)
from bids_brainage.preprocessing.anatomical.starts import correlation
from bids_brainage.preprocessing.anatomical.templates import BrainTemplate


def agreement(
    stage: str,
    template: BrainTemplate,
    moving: np.ndarray,
    mask: np.ndarray,
    affine: np.ndarray,
    points: np.ndarray,
) -> dict[str, float]:
    """Dice of the brain masks and correlation of the brains inside the template's.

    Parameters
    ----------
    stage
        End of the names of the numbers.
    moving, mask, affine
        Brain, its mask from 0 to 1, and their grid.
    points
        Where to sample them for each voxel of the template, RAS mm.
    """
    inside = sample(mask, affine, points) > 0.5
    both = (inside & template.mask).sum()
    values = sample(moving, affine, points)[template.mask]
    return {
        f"BrainDice{stage}": float(2 * both / (inside.sum() + template.mask.sum())),
        f"Correlation{stage}": correlation(values, template.brain[template.mask]),
    }


def volume_change(to_mni: nib.Nifti1Image, template: BrainTemplate) -> dict[str, float]:
    """Range of native volume per template volume inside the brain, and where the map folds."""
    inside = np.asarray(jacobian(to_mni).dataobj)[template.mask]
    return {
        "Jacobian1Percent": float(np.percentile(inside, 1)),
        "JacobianMedian": float(np.median(inside)),
        "Jacobian99Percent": float(np.percentile(inside, 99)),
        "FoldedShare": float((inside <= 0).mean()),
    }


def inverse_error(
    to_mni: nib.Nifti1Image, from_mni: nib.Nifti1Image, template: BrainTemplate
) -> float:
    """Median distance from a point of the template to itself, there and back, mm."""
    inside = template.mask[::3, ::3, ::3]
    start = grid_points(template.brain.shape, template.affine)[::3, ::3, ::3][inside]
    there = field_points(to_mni)[::3, ::3, ::3][inside]
    return float(np.median(np.linalg.norm(carry_points(from_mni, there) - start, axis=-1)))
