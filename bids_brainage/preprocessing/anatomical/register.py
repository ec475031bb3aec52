"""Affine and deformable registration of a brain to the template."""

import logging
from dataclasses import dataclass, field
from pathlib import Path

import nibabel as nib
import numpy as np

from bids_brainage.errors import InputError
from bids_brainage.preprocessing.anatomical.agreement import (
    agreement,
    inverse_error,
    volume_change,
)
from bids_brainage.preprocessing.anatomical.fields import (
    field_points,
    grid_points,
    make_field,
    sample,
)
from bids_brainage.preprocessing.anatomical.greedy import affine_and_warp, affine_maps
from bids_brainage.preprocessing.anatomical.itk import box_around, crop_affine, pooled
from bids_brainage.preprocessing.anatomical.starts import (
    correlation,
    find_starts,
    rotation_degrees,
)
from bids_brainage.preprocessing.anatomical.templates import BrainTemplate

logger = logging.getLogger(__name__)
COPY_MM = 2.0
FIELD_MM = 2.0
STARTS = 3
START_MM = 4.0
# Another start must beat the image as labelled by this much correlation.
START_GAIN = 0.05
# Nobody lies in the scanner turned further than this; the labels must be wrong then.
LARGEST_ROTATION = 60.0


@dataclass(frozen=True)
class Registration:
    """Maps between a T1w and the template.

    Parameters
    ----------
    to_mni, from_mni
        Fields as `fields` describes: on the template's grid, and on a 2 mm grid over the T1w.
    affine
        4x4, RAS world of the template to RAS world of the T1w.
    numbers
        Overlap of the brain masks and correlation of the brains after each stage, rotation
        against the orientation labels, range of the volume change.
    """

    to_mni: nib.Nifti1Image
    from_mni: nib.Nifti1Image
    affine: np.ndarray
    numbers: dict[str, float] = field(default_factory=dict)


def register_to_template(
    image: nib.Nifti1Image,
    brain: np.ndarray,
    template: BrainTemplate,
    path: Path,
    threads: int,
) -> Registration:
    """Register a head to the brain template.

    On copies of about 2 mm, by normalised cross-correlation: affine from several starts, then a
    diffeomorphic warp, which is inverted.

    Parameters
    ----------
    image
        Bias-corrected T1w.
    brain
        Brain mask on its grid.
    path
        Place named in errors.

    Raises
    ------
    InputError
        If greedy fails, or the head lies turned so far that its orientation labels must be
        wrong. A mere exchange of left and right cannot be seen.
    """
    moving, mask, affine = _small_brain(image, brain)
    start, scores = _best_start(template, moving, affine, path, threads)
    matrix, warp, inverse = affine_and_warp(
        (template.brain, template.affine), (moving, affine), start, path, threads
    )
    grid = grid_points(template.brain.shape, template.affine)
    straight = _move(matrix, grid)
    to_mni = make_field(_move(matrix, grid + warp), template.affine)
    from_mni = _inverse_field(image, matrix, inverse, template)
    numbers = {
        **scores,
        "RotationDegrees": rotation_degrees(matrix),
        **agreement("Affine", template, moving, mask, affine, straight),
        **agreement("", template, moving, mask, affine, field_points(to_mni)),
        **volume_change(to_mni, template),
        "InverseErrorMm": inverse_error(to_mni, from_mni, template),
    }
    if not all(np.isfinite(value) for value in numbers.values()):
        raise InputError(
            "the registration gave no finite result",
            place=path,
            hint="look at the image and its mask",
        )
    logger.info("registered %s: %s", path.name, numbers)
    _check_rotation(numbers["RotationDegrees"], path)
    return Registration(to_mni, from_mni, matrix, {k: round(v, 4) for k, v in numbers.items()})


def _small_brain(
    image: nib.Nifti1Image, brain: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Brain alone, bright parts near 1, its mask and their affine."""
    box = box_around(brain, (4, 4, 4))
    inside = brain[box]
    affine = crop_affine(image.affine, box)
    data, small = pooled(np.where(inside, np.asarray(image.dataobj[box]), 0), affine, COPY_MM)
    mask = pooled(inside, affine, COPY_MM)[0]
    bright = float(np.percentile(data[mask > 0.5], 98)) or 1.0
    return np.clip(data / bright, 0, 1.5), mask, small


def _best_start(
    template: BrainTemplate, moving: np.ndarray, affine: np.ndarray, path: Path, threads: int
) -> tuple[np.ndarray, dict[str, float]]:
    """Try each start by a quick affine registration; the labels win unless clearly worse."""
    fixed, fixed_affine = pooled(template.brain, template.affine, START_MM)
    small, small_affine = pooled(moving, affine, START_MM)
    grid = grid_points(fixed.shape, fixed_affine)
    starts = find_starts(template.brain, template.affine, moving, affine, STARTS)
    matrices = affine_maps((fixed, fixed_affine), (small, small_affine), starts, path, threads)
    best, best_score, found, labelled = starts[0], -1.0, 0, 0.0
    for number, matrix in enumerate(matrices):
        values = sample(small, small_affine, _move(matrix, grid))
        score = correlation(values, fixed)
        if number == 0:
            labelled = score
            score += START_GAIN
        if score > best_score:
            best, best_score, found = starts[number], score, number
    return best, {
        "CorrelationAsLabelled": labelled,
        "CorrelationOfStart": best_score - (0 if found else START_GAIN),
    }


def _inverse_field(
    image: nib.Nifti1Image, matrix: np.ndarray, inverse: np.ndarray, template: BrainTemplate
) -> nib.Nifti1Image:
    """Field on a 2 mm grid over the whole T1w that sends it to the template."""
    sizes = np.linalg.norm(image.affine[:3, :3], axis=0)
    shape = tuple(
        int(np.ceil(n * s / FIELD_MM)) + 1 for n, s in zip(image.shape, sizes, strict=True)
    )
    affine = image.affine.copy()
    affine[:3, :3] *= FIELD_MM / sizes
    points = _move(np.linalg.inv(matrix), grid_points(shape, affine))
    moves = [sample(inverse[..., axis], template.affine, points) for axis in range(3)]
    return make_field(points + np.stack(moves, axis=-1), affine)


def _move(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    return points @ matrix[:3, :3].T.astype(np.float32) + matrix[:3, 3].astype(np.float32)


def _check_rotation(degrees: float, path: Path) -> None:
    if degrees > LARGEST_ROTATION:
        raise InputError(
            f"the head lies turned by {degrees:.0f} degrees against the image's orientation "
            "labels, so that left and right may be exchanged too",
            place=path,
            hint="correct the orientation in the header, best by converting it again from DICOM",
        )
