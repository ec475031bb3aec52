"""The anatomical path of one T1w."""

from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from bids_brainage import __version__
from bids_brainage.preprocessing.anatomical import bias, greedy, register
from bids_brainage.preprocessing.anatomical.fields import field_points, jacobian, sample
from bids_brainage.preprocessing.anatomical.itk import (
    box_around,
    default_threads,
    image_like,
)
from bids_brainage.preprocessing.anatomical.load import read_t1w
from bids_brainage.preprocessing.anatomical.steps import (
    Segmenter,
    bias_step,
    brain_ml,
    registration_step,
    segmentation_step,
    unpack_segmentation,
)
from bids_brainage.preprocessing.anatomical.strip import is_skull_stripped
from bids_brainage.preprocessing.anatomical.templates import SPACE, brain_template
from bids_brainage.preprocessing.step_cache import StepCache, fingerprint
from bids_brainage.records.raw import AnatomicalResult, RawT1w
from bids_brainage.records.segmentation import Segmentation

# Raised when a step's result changes with the same settings.
_REVISION = 1
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
        lambda: bias_step(loaded.image, segmenter, t1w.path, threads),
    )
    field = bias.BiasField(
        np.asarray(found["log"]), tuple(found["corner"]), tuple(found["factors"])
    )
    preproc = bias.divide_bias(loaded.image, field)

    progress("tissue segmentation")
    key["bias"] = _bias_settings()
    found = work.step(
        "t1w-segmentation", key, lambda: segmentation_step(preproc, segmenter, t1w.path)
    )
    segmentation = unpack_segmentation(found, preproc)
    stripped, reason = is_skull_stripped(loaded.image, t1w.skull_stripped, segmentation)

    progress("registration to the template")
    key |= {"template": template.words, "greedy": _greedy_settings()}
    found = work.step(
        "t1w-registration",
        key,
        lambda: registration_step(preproc, segmentation, template, t1w.path, threads),
    )
    registration = register.Registration(**found)
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
                "BrainVolumeMl": brain_ml(segmentation),
            },
            "Registration": {**_greedy_settings(), **registration.numbers},
            "Versions": _versions(),
        },
        notes=_notes(loaded.notes, t1w, stripped, reason),
        affine=np.asarray(registration.affine, dtype=float),
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
        "Affine": greedy.AFFINE,
        "Deformable": greedy.DEFORMABLE,
        "Seed": greedy.SEED,
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
