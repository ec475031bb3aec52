"""Affine and deformable registration of a brain to the template, with greedy."""

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import nibabel as nib
import numpy as np

from bids_brainage.errors import InputError
from bids_brainage.preprocessing.anatomical.fields import (
    carry_points,
    field_points,
    grid_points,
    jacobian,
    make_field,
    sample,
)
from bids_brainage.preprocessing.anatomical.itk import (
    box_around,
    crop_affine,
    from_itk,
    pooled,
    quiet,
    to_itk,
)
from bids_brainage.preprocessing.anatomical.starts import (
    correlation,
    find_starts,
    rotation_degrees,
)
from bids_brainage.preprocessing.anatomical.templates import BrainTemplate

if TYPE_CHECKING:
    from picsl_greedy import Greedy3D

logger = logging.getLogger(__name__)
COPY_MM = 2.0
FIELD_MM = 2.0
STARTS = 3
START_MM = 4.0
# Another start must beat the image as labelled by this much correlation.
START_GAIN = 0.05
SEED = 1
AFFINE = "-a -dof 12 -m NCC 4x4x4 -n 100x50x0"
DEFORMABLE = "-m NCC 2x2x2 -n 100x50x30 -s 3mm 1.5mm -wp 0"
_STEP = "the registration to the template"


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
    notes
        What was odd, in plain words.
    """

    to_mni: nib.Nifti1Image
    from_mni: nib.Nifti1Image
    affine: np.ndarray
    numbers: dict[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def register_to_template(
    image: nib.Nifti1Image,
    brain: np.ndarray,
    template: BrainTemplate,
    path: Path,
    threads: int,
) -> Registration:
    """Register a head to the brain template.

    Greedy (Yushkevich et al. 2016, doi:10.1016/j.jalz.2016.06.205) on copies of about 2 mm, with
    normalised cross-correlation: affine from several starts, then deformable, smoothed to a
    diffeomorphism that is inverted.

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
        If greedy fails, or its result does not cover the template.
    """
    moving, mask, affine = _small_brain(image, brain)
    start, scores = _best_start(template, moving, affine, path, threads)
    with quiet(path, _STEP):
        matrix, warp, inverse = _greedy(template, moving, affine, start, threads)
    grid = grid_points(template.brain.shape, template.affine)
    straight = _move(matrix, grid)
    to_mni = make_field(_move(matrix, grid + warp), template.affine)
    from_mni = _inverse_field(image, matrix, inverse, template)
    numbers = {
        **scores,
        "RotationDegrees": rotation_degrees(matrix),
        **_agreement("Affine", template, moving, mask, affine, straight),
        **_agreement("", template, moving, mask, affine, field_points(to_mni)),
        **_volume_change(to_mni, template),
        "InverseErrorMm": _inverse_error(to_mni, from_mni, template),
    }
    if not all(np.isfinite(value) for value in numbers.values()):
        raise InputError(
            f"{_STEP} gave no finite result", place=path, hint="look at the image and its mask"
        )
    logger.info("registered %s: %s", path.name, numbers)
    return Registration(
        to_mni, from_mni, matrix, {k: round(v, 4) for k, v in numbers.items()}, _notes(numbers)
    )


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
    best, best_score, found, labelled = np.eye(4), -1.0, 0, 0.0
    for number, start in enumerate(
        find_starts(template.brain, template.affine, moving, affine, STARTS)
    ):
        with quiet(path, _STEP):
            greedy = _run_affine(
                fixed, fixed_affine, small, np.linalg.inv(start) @ small_affine, threads
            )
        matrix = start @ greedy["affine"]
        values = sample(small, small_affine, _move(matrix, grid))
        score = correlation(values, fixed)
        if number == 0:
            labelled = score
            score += START_GAIN
        if score > best_score:
            best, best_score, found = start, score, number
    return best, {
        "CorrelationAsLabelled": labelled,
        "CorrelationOfStart": best_score - (0 if found else START_GAIN),
    }


def _run_affine(
    fixed: np.ndarray,
    fixed_affine: np.ndarray,
    moving: np.ndarray,
    moving_affine: np.ndarray,
    threads: int,
) -> "Greedy3D":
    from picsl_greedy import Greedy3D

    greedy = Greedy3D()
    greedy.execute(
        f"-V 0 -d 3 -threads {threads} -seed {SEED} {AFFINE} -i fixed moving -ia-identity "
        "-o affine",
        fixed=to_itk(fixed, fixed_affine),
        moving=to_itk(moving, moving_affine),
        affine=None,
    )
    return greedy


def _greedy(
    template: BrainTemplate,
    moving: np.ndarray,
    affine: np.ndarray,
    start: np.ndarray,
    threads: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Affine matrix (template to image), warp and its inverse on the template's grid, RAS mm."""
    greedy = _run_affine(
        template.brain, template.affine, moving, np.linalg.inv(start) @ affine, threads
    )
    greedy.execute(
        f"-V 0 -d 3 -threads {threads} -seed {SEED} {DEFORMABLE} -i fixed moving -it affine "
        "-o warp -oinv inverse",
        warp=None,
        inverse=None,
    )
    to_ras = np.array([-1, -1, 1], dtype=np.float32)
    warp, inverse = (
        from_itk(greedy[name]).astype(np.float32) * to_ras for name in ("warp", "inverse")
    )
    return start @ greedy["affine"], warp, inverse


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


def _agreement(
    stage: str,
    template: BrainTemplate,
    moving: np.ndarray,
    mask: np.ndarray,
    affine: np.ndarray,
    points: np.ndarray,
) -> dict[str, float]:
    inside = sample(mask, affine, points) > 0.5
    both = (inside & template.mask).sum()
    values = sample(moving, affine, points)[template.mask]
    return {
        f"BrainDice{stage}": float(2 * both / (inside.sum() + template.mask.sum())),
        f"Correlation{stage}": correlation(values, template.brain[template.mask]),
    }


def _volume_change(to_mni: nib.Nifti1Image, template: BrainTemplate) -> dict[str, float]:
    inside = np.asarray(jacobian(to_mni).dataobj)[template.mask]
    return {
        "Jacobian1Percent": float(np.percentile(inside, 1)),
        "JacobianMedian": float(np.median(inside)),
        "Jacobian99Percent": float(np.percentile(inside, 99)),
        "FoldedShare": float((inside <= 0).mean()),
    }


def _inverse_error(
    to_mni: nib.Nifti1Image, from_mni: nib.Nifti1Image, template: BrainTemplate
) -> float:
    """Median distance from a point of the template to itself, there and back, mm."""
    inside = template.mask[::3, ::3, ::3]
    start = grid_points(template.brain.shape, template.affine)[::3, ::3, ::3][inside]
    there = field_points(to_mni)[::3, ::3, ::3][inside]
    return float(np.median(np.linalg.norm(carry_points(from_mni, there) - start, axis=-1)))


def _notes(numbers: dict[str, float]) -> tuple[str, ...]:
    angle = numbers["RotationDegrees"]
    if angle <= 60:
        return ()
    return (
        f"the head lies turned by {angle:.0f} degrees against its orientation labels, which are "
        "probably wrong; left and right cannot be told",
    )
