"""What a model takes of a session's derivatives, read back from OUTPUT_DIR."""

from pathlib import Path

import numpy as np

from bids_brainage.errors import BrainAgeError
from bids_brainage.features.vectors import (
    connectivity_vector,
    morphometry_vector,
    volumes_vector,
)
from bids_brainage.models.cards import InputSpec, ModelCard
from bids_brainage.preprocessing.brain_image import load_brain
from bids_brainage.preprocessing.denoising import load_preset
from bids_brainage.preprocessing.mean_brain import load_mean_brain
from bids_brainage.records.extraction import Extraction

IMAGE = "image"
TEMPLATE = "MNI152NLin6Asym"
SEX = {"F": (1.0, 0.0), "M": (0.0, 1.0)}
UNKNOWN = (np.nan, np.nan)
MEAN = "mean"


def model_inputs(
    output_dir: Path, extraction: Extraction, card: ModelCard
) -> tuple[dict[str, np.ndarray], list[str]]:
    """Read what one model takes of a session's derivatives.

    Returns
    -------
    inputs, problems
        Modality to feature vector or image; and why a modality was left out, or does not quite
        fit. A model of images gets ``sex`` too, where it is known.
    """
    vectors: dict[str, np.ndarray] = {}
    problems: list[str] = []
    if extraction.status != "ok":
        return vectors, problems
    for modality, spec in card.inputs.items():
        try:
            if modality == IMAGE:
                brain, notes = _brain(output_dir, extraction, card, spec)
                problems += notes
                if brain is not None:
                    vectors[modality] = brain
                    vectors["sex"] = np.array(SEX.get(extraction.sex or "", UNKNOWN))
                continue
            name = extraction.derivatives.get(modality)
            if not name:
                continue
            if modality == "morphometry":
                vector = morphometry_vector(output_dir / name, spec.names)
            elif modality == "volumes":
                vector = volumes_vector(output_dir / name, spec.names)
            else:
                _check_recipe(extraction, card, modality)
                vector = connectivity_vector(output_dir / name, spec.regions)
        except BrainAgeError as error:
            problems.append(f"{modality} left out: {error}")
            continue
        if np.isnan(vector).all():
            problems.append(f"{modality} left out: no measure that model {card.name} knows")
        else:
            vectors[modality] = vector
    return vectors, problems


def _check_recipe(extraction: Extraction, card: ModelCard, modality: str) -> None:
    spec = card.inputs[modality]
    denoising = load_preset(spec.denoising).name if spec.denoising else ""
    for setting, wanted in (("atlas", spec.atlas), ("denoising", denoising)):
        given = extraction.settings.get(setting)
        if wanted and given != wanted:
            raise BrainAgeError(
                f"it was made with {setting} {given}, model {card.name} needs {wanted}",
                hint=f"run with --{setting} {wanted}",
            )


def _brain(
    output_dir: Path, extraction: Extraction, card: ModelCard, spec: InputSpec
) -> tuple[np.ndarray | None, list[str]]:
    """T1w in template space as the model takes it, and what does not fit; None without one."""
    image, fine = extraction.brain_image, extraction.fine_brain
    if spec.scaling == MEAN:
        if fine:
            warped = [] if "_desc-linear_" in fine else [_warped(fine, card)]
            return load_mean_brain(output_dir / fine), warped
        if image:
            brain, mask = (output_dir / name for name in image)
            return load_mean_brain(brain, mask), [_warped(image[0], card)]
    elif image:
        brain, mask = (output_dir / name for name in image)
        found = load_brain(brain, mask, spec.zooms, spec.scaling, spec.shape)
        return found, _other_template(image[0])
    return None, [note for note in extraction.notes if note.startswith("image left out")]


def _other_template(name: str) -> list[str]:
    """Say that an image is in another template than the App's own images, which models learn."""
    space = name.partition("_space-")[2].partition("_")[0]
    if space == TEMPLATE:
        return []
    return [
        f"image: it is in {space}; networks trained on the App's own images know {TEMPLATE}, "
        "where the same brain lies some millimetres elsewhere"
    ]


def _warped(name: str, card: ModelCard) -> str:
    return (
        f"image: {Path(name).name} is warped to the template, model {card.name} was trained on "
        "brains registered by an affine alone"
    )
