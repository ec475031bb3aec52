"""The anatomical path of one T1w."""

from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from bids_brainage import __version__
from bids_brainage.errors import InputError
from bids_brainage.preprocessing.anatomical import bias, register
from bids_brainage.preprocessing.anatomical.fields import field_points, jacobian, sample
from bids_brainage.preprocessing.anatomical.itk import (
    box_around,
    default_threads,
    image_like,
)
from bids_brainage.preprocessing.anatomical.load import read_t1w
from bids_brainage.preprocessing.anatomical.strip import is_skull_stripped
from bids_brainage.preprocessing.anatomical.templates import SPACE, BrainTemplate, brain_template
from bids_brainage.preprocessing.step_cache import StepCache, fingerprint
from bids_brainage.records.raw import AnatomicalResult, RawT1w
from bids_brainage.records.segmentation import Segmentation

Segmenter = Callable[[nib.Nifti1Image], Segmentation]
SMALLEST_BRAIN_ML = 300.0
# Raised when a step's result changes with the same settings.
_REVISION = 1
_MARGIN_MM = 6.0
_WHITE = 2


def preprocess_t1w(
    t1w: RawT1w,
    work: StepCache,
    *,
    segmenter: Segmenter,
    segmenter_name: str = "",
    progress: Callable[[str], None] = lambda step: None,
    threads: int | None = None,
    templateflow: Path | None = None,
) -> AnatomicalResult:
    """Correct, segment and register a raw T1w.

    The raw image is segmented for its brain mask, N4 corrects brightness inside it, the corrected
    image is segmented again, and its brain is registered to the template.

    Parameters
    ----------
    work
        Keeps the slow steps; a second run with the same file and settings takes them from there.
    segmenter
        Cuts a head into tissues, for example `segmentation.segment`.
    segmenter_name
        Name and version of the segmenter's weights, so that kept results of others do not count.
    progress
        Called with the name of each step as it begins.
    threads
        CPUs to use; by default those available, at most 8.
    templateflow
        TemplateFlow folder, see `templates.brain_template`.

    Raises
    ------
    InputError
        If the image cannot be used or a step fails.
    MissingInputError
        If no template is installed.
    """
    threads = threads or default_threads()
    template = brain_template(templateflow)
    progress("reading the T1w")
    loaded = read_t1w(t1w.path)
    key: dict[str, Any] = {
        "file": fingerprint(t1w.path),
        "revision": _REVISION,
        "segmenter": segmenter_name,
        "versions": _versions(),
    }

    progress("bias correction")
    found = work.step(
        "t1w-bias",
        {**key, "bias": _bias_settings()},
        lambda: _bias_step(loaded.image, segmenter, t1w.path, threads),
    )
    field = bias.BiasField(
        np.asarray(found["log"]), tuple(found["corner"]), tuple(found["factors"])
    )
    preproc = bias.divide_bias(loaded.image, field)

    progress("tissue segmentation")
    key["bias"] = _bias_settings()
    found = work.step(
        "t1w-segmentation", key, lambda: _segmentation_step(preproc, segmenter, t1w.path)
    )
    segmentation = _unpack_segmentation(found, preproc)
    stripped, reason = is_skull_stripped(loaded.image, t1w.skull_stripped, segmentation)

    progress("registration to the template")
    key |= {"template": template.words, "greedy": _greedy_settings()}
    found = work.step(
        "t1w-registration",
        key,
        lambda: _registration_step(preproc, segmentation, template, t1w.path, threads),
    )
    registration = register.Registration(**{**found, "notes": tuple(found["notes"])})
    mni, probabilities = to_template(preproc, segmentation, registration.to_mni)
    return AnatomicalResult(
        source=t1w,
        skull_stripped=stripped,
        preproc=preproc,
        segmentation=segmentation,
        space=SPACE,
        mni=mni,
        mni_segmentation=probabilities,
        jacobian=jacobian(registration.to_mni),
        to_mni=registration.to_mni,
        from_mni=registration.from_mni,
        template=template.words,
        details={
            "SkullStrippedReason": reason,
            "BiasField": {
                **_bias_settings(),
                **_bias_numbers(loaded.image, preproc, segmentation, field),
            },
            "Segmentation": {
                "Model": segmenter_name or "unnamed",
                "BrainVolumeMl": _ml(segmentation),
            },
            "Registration": {**_greedy_settings(), **registration.numbers},
            "Versions": _versions(),
        },
        notes=_notes(loaded.notes, t1w, stripped, reason) + registration.notes,
    )


def to_template(
    preproc: nib.Nifti1Image, segmentation: Segmentation, to_mni: nib.Nifti1Image
) -> tuple[nib.Nifti1Image, np.ndarray]:
    """Carry the brain and its tissue probabilities to the template's grid.

    Returns
    -------
    tuple[Nifti1Image, ndarray]
        T1w without skull, and ``[4, x, y, z]`` probabilities that sum to 1.
    """
    points = field_points(to_mni)
    affine = preproc.affine
    tissues = np.stack([sample(p, affine, points) for p in segmentation.probabilities[1:]])
    background = np.clip(1 - tissues.sum(axis=0, keepdims=True), 0, 1)
    probabilities = np.concatenate([background, tissues]).astype(np.float32)
    box = box_around(segmentation.brain, (1, 1, 1))
    brain = np.zeros(preproc.shape, dtype=np.float32)
    brain[box] = np.where(segmentation.brain[box], np.asarray(preproc.dataobj[box]), 0)
    return image_like(sample(brain, affine, points), to_mni.affine), probabilities


def _bias_step(
    image: nib.Nifti1Image, segmenter: Segmenter, path: Path, threads: int
) -> dict[str, Any]:
    first = _segment(image, segmenter, path)
    field = bias.estimate_bias(image, first, path, threads)
    return {"log": field.log, "corner": list(field.corner), "factors": list(field.factors)}


def _segmentation_step(
    preproc: nib.Nifti1Image, segmenter: Segmenter, path: Path
) -> dict[str, Any]:
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


def _unpack_segmentation(found: dict[str, Any], preproc: nib.Nifti1Image) -> Segmentation:
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
    volume = _ml(found)
    if volume < SMALLEST_BRAIN_ML:
        raise InputError(
            f"the segmentation found {volume:.0f} ml of brain",
            place=path,
            hint="look at the image: it must be a T1w of a whole brain, with its voxel sizes in mm",
        )
    return found


def _registration_step(
    preproc: nib.Nifti1Image,
    segmentation: Segmentation,
    template: BrainTemplate,
    path: Path,
    threads: int,
) -> dict[str, Any]:
    made = register.register_to_template(preproc, segmentation.brain, template, path, threads)
    return {
        "to_mni": made.to_mni,
        "from_mni": made.from_mni,
        "affine": made.affine,
        "numbers": made.numbers,
        "notes": list(made.notes),
    }


def _ml(segmentation: Segmentation) -> float:
    voxel = abs(np.linalg.det(segmentation.affine[:3, :3]))
    return round(float(segmentation.brain.sum() * voxel / 1000), 1)


def _bias_settings() -> dict[str, Any]:
    return {
        "Method": "N4 inside the brain mask",
        "CopyMm": bias.COPY_MM,
        "Iterations": list(bias.ITERATIONS),
        "Convergence": bias.CONVERGENCE,
    }


def _bias_numbers(
    raw: nib.Nifti1Image,
    preproc: nib.Nifti1Image,
    segmentation: Segmentation,
    field: bias.BiasField,
) -> dict[str, float]:
    white = segmentation.tissue == _WHITE
    low, high = np.percentile(field.log, (1, 99))
    if not white.any():
        return {"FieldLow": float(np.exp(low)), "FieldHigh": float(np.exp(high))}
    values = np.asarray(preproc.dataobj)[white]
    return {
        "WhiteMatterMedian": round(float(np.median(values)), 4),
        "WhiteMatterMedianRaw": round(float(np.median(np.asarray(raw.dataobj)[white])), 4),
        "FieldLow": round(float(np.exp(low)), 4),
        "FieldHigh": round(float(np.exp(high)), 4),
    }


def _greedy_settings() -> dict[str, Any]:
    return {
        "CopyMm": register.COPY_MM,
        "Affine": register.AFFINE,
        "Deformable": register.DEFORMABLE,
        "Seed": register.SEED,
    }


def _versions() -> dict[str, str]:
    return {
        "bids_brainage": __version__,
        **{name: version(name) for name in ("SimpleITK", "picsl-greedy")},
    }


def _notes(notes: tuple[str, ...], t1w: RawT1w, stripped: bool, reason: str) -> tuple[str, ...]:
    if t1w.skull_stripped is not None and "although" in reason:
        return (*notes, reason)
    if stripped:
        return (*notes, "the T1w was without skull already")
    return notes
