"""The slow steps of the anatomical path, in the form that the step cache keeps."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from bids_brainage.errors import InputError
from bids_brainage.preprocessing.anatomical.bias import estimate_bias
from bids_brainage.preprocessing.anatomical.itk import box_around
from bids_brainage.preprocessing.anatomical.register import register_to_template
from bids_brainage.preprocessing.anatomical.templates import BrainTemplate
from bids_brainage.records.segmentation import Segmentation

Segmenter = Callable[[nib.Nifti1Image], Segmentation]
SMALLEST_BRAIN_ML = 300.0
_MARGIN_MM = 6.0


def bias_step(
    image: nib.Nifti1Image, segmenter: Segmenter, path: Path, threads: int
) -> dict[str, Any]:
    """Segment the raw image and estimate the bias field inside its brain mask."""
    first = _segment(image, segmenter, path)
    field = estimate_bias(image, first, path, threads)
    return {"log": field.log, "corner": list(field.corner), "factors": list(field.factors)}


def segmentation_step(preproc: nib.Nifti1Image, segmenter: Segmenter, path: Path) -> dict[str, Any]:
    """Keep the box around the brain only; beyond it everything is background."""
    made = _segment(preproc, segmenter, path)
    sizes = np.linalg.norm(preproc.affine[:3, :3], axis=0)
    box = box_around(made.brain, tuple(int(np.ceil(_MARGIN_MM / s)) for s in sizes))
    return {
        "corner": [part.start for part in box],
        "tissue": made.tissue[box].astype(np.int8),
        "tissues": made.probabilities[(slice(1, None), *box)].astype(np.float16),
        "brain": made.brain[box].astype(np.uint8),
        "regions": made.regions[box].astype(np.int16),
    }


def unpack_segmentation(found: dict[str, Any], preproc: nib.Nifti1Image) -> Segmentation:
    """Make a whole segmentation of what `segmentation_step` kept."""
    corner, shape = found["corner"], found["tissue"].shape
    box = tuple(slice(c, c + n) for c, n in zip(corner, shape, strict=True))

    def whole(part: np.ndarray, dtype: type) -> np.ndarray:
        full: np.ndarray = np.zeros(preproc.shape, dtype=dtype)
        full[box] = part
        return full

    probabilities = np.zeros((4, *preproc.shape), dtype=np.float32)
    probabilities[0] = 1
    inside = (slice(None), *box)
    probabilities[1:][inside] = found["tissues"]
    probabilities[0][box] = np.clip(1 - probabilities[1:][inside].sum(axis=0), 0, 1)
    return Segmentation(
        tissue=whole(found["tissue"], np.int8),
        probabilities=probabilities,
        brain=whole(found["brain"], bool),
        regions=whole(found["regions"], np.int16),
        affine=preproc.affine,
    )


def _segment(image: nib.Nifti1Image, segmenter: Segmenter, path: Path) -> Segmentation:
    found = segmenter(image)
    if found.brain.shape != image.shape:
        raise ValueError(f"the segmenter gave {found.brain.shape} for {image.shape}")
    volume = brain_ml(found)
    if volume < SMALLEST_BRAIN_ML:
        raise InputError(
            f"the segmentation found {volume:.0f} ml of brain",
            place=path,
            hint="look at the image: it must be a T1w of a whole brain, with its voxel sizes in mm",
        )
    return found


def registration_step(
    preproc: nib.Nifti1Image,
    segmentation: Segmentation,
    template: BrainTemplate,
    path: Path,
    threads: int,
) -> dict[str, Any]:
    """Register the brain to the template."""
    made = register_to_template(preproc, segmentation.brain, template, path, threads)
    return {
        "to_mni": made.to_mni,
        "from_mni": made.from_mni,
        "affine": made.affine,
        "numbers": made.numbers,
    }


def brain_ml(segmentation: Segmentation) -> float:
    """Volume of the brain mask, ml."""
    voxel = abs(np.linalg.det(segmentation.affine[:3, :3]))
    return round(float(segmentation.brain.sum() * voxel / 1000), 1)
