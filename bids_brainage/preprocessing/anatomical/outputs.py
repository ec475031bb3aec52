"""Write what the anatomical path made as BIDS derivatives."""

from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from bids_brainage.bids.outputs import write_json, write_tsv
from bids_brainage.preprocessing import mean_brain
from bids_brainage.preprocessing.anatomical.itk import image_like
from bids_brainage.preprocessing.anatomical.templates import RESOLUTION
from bids_brainage.preprocessing.image_files import scaled_image, write_nifti
from bids_brainage.preprocessing.regions import region_table
from bids_brainage.records.raw import AnatomicalResult
from bids_brainage.records.segmentation import TISSUES

_SCANNER, _MNI = 1, 4
_LOOKUP = ("index", "name", "abbreviation")
_NAMES = {"background": "Background", "GM": "Gray Matter", "WM": "White Matter"}
_NAMES["CSF"] = "Cerebrospinal Fluid"
_PROBABILITY_STEP = 1 / 255


def write_anatomical(
    result: AnatomicalResult, folder: Path, stem: str, sources: list[str]
) -> list[Path]:
    """Write images, lookup tables, transforms and a sidecar for each.

    Parameters
    ----------
    folder
        The session's ``anat`` folder.
    stem
        ``sub-X`` or ``sub-X_ses-Y``.
    sources
        BIDS URIs of the raw image.

    Returns
    -------
    list[Path]
        All files written.

    Raises
    ------
    OutputError
        If the folder cannot be written.
    """
    writer = _Writer(folder, stem, {"Sources": sources, "SkullStripped": result.skull_stripped})
    _write_native(result, writer)
    _write_standard(result, writer)
    _write_linear(result, writer)
    _write_transforms(result, writer)
    return writer.paths


class _Writer:
    """Names and sidecars shared by all files of one image."""

    def __init__(self, folder: Path, stem: str, shared: dict[str, Any]) -> None:
        self.folder, self.stem, self.shared = folder, stem, shared
        self.paths: list[Path] = []

    def image(self, suffix: str, image: Any, sidecar: dict[str, Any], world: int) -> None:
        path = self.folder / f"{self.stem}_{suffix}"
        self.paths.append(write_nifti(path.with_name(f"{path.name}.nii.gz"), image, world=world))
        self.paths.append(
            write_json(path.with_name(f"{path.name}.json"), {**self.shared, **sidecar})
        )

    def lookup(self, suffix: str, rows: list[dict[str, Any]]) -> None:
        self.paths.append(write_tsv(self.folder / f"{self.stem}_{suffix}.tsv", rows, list(_LOOKUP)))


def _write_native(result: AnatomicalResult, writer: _Writer) -> None:
    found, details = result.segmentation, result.details
    affine = result.preproc.affine
    data = np.asarray(result.preproc.dataobj)
    bias = details.get("BiasField", {})
    writer.image(
        "desc-preproc_T1w",
        scaled_image(data, affine, float(bias.get("WhiteMatterMedian", 0)) / 1000, np.int16),
        {
            "Description": "T1w in RAS+ orientation, corrected for brightness, in the intensities "
            "of the raw image at the median of the white matter",
            "SkullStripped": result.skull_stripped,
            "SkullStrippedReason": details.get("SkullStrippedReason"),
            "BiasField": bias,
            "Versions": details.get("Versions"),
            "Notes": list(result.notes),
        },
        _SCANNER,
    )
    shared = {"Segmentation": details.get("Segmentation")}
    writer.image(
        "desc-brain_mask",
        image_like(found.brain.astype(np.uint8), affine),
        {"Type": "Brain", "Description": "Intracranial: grey and white matter and CSF", **shared},
        _SCANNER,
    )
    writer.image(
        "dseg", image_like(found.tissue.astype(np.uint8), affine), _labels(shared), _SCANNER
    )
    rows = [
        {"index": i, "name": _NAMES[t], "abbreviation": "BG" if i == 0 else t}
        for i, t in enumerate(TISSUES)
    ]
    writer.lookup("dseg", rows)
    writer.image(
        "desc-regions_dseg",
        image_like(found.regions.astype(np.int16), affine),
        _labels(shared),
        _SCANNER,
    )
    writer.lookup(
        "desc-regions_dseg",
        [
            {"index": r.number, "name": r.name, "abbreviation": r.abbreviation}
            for r in region_table()
        ],
    )
    for tissue, map_ in zip(TISSUES[1:], found.probabilities[1:], strict=True):
        writer.image(
            f"label-{tissue}_probseg",
            scaled_image(map_, affine, _PROBABILITY_STEP, np.uint8),
            {"Description": f"Probability of {_NAMES[tissue].lower()}", **shared},
            _SCANNER,
        )


def _write_standard(result: AnatomicalResult, writer: _Writer) -> None:
    affine = result.mni.affine
    prefix = f"space-{result.space}_res-{RESOLUTION}"
    shared = {
        "Resolution": "2 mm isotropic, the 91x109x91 grid of FSL",
        "SpatialReference": result.template,
    }
    data = np.asarray(result.mni.dataobj)
    # Linear interpolation never leaves the range, so that the step of the native image holds.
    step = float(result.details.get("BiasField", {}).get("WhiteMatterMedian", 0)) / 1000
    writer.image(
        f"{prefix}_desc-preproc_T1w",
        scaled_image(data, affine, step, np.int16),
        {
            **shared,
            "SkullStripped": True,
            "Description": "Brain only",
            "Registration": result.details.get("Registration"),
        },
        _MNI,
    )
    tissues = result.mni_segmentation
    brain = ndimage.binary_fill_holes(tissues[1:].sum(axis=0) > 0.5)
    writer.image(
        f"{prefix}_desc-brain_mask",
        image_like(brain.astype(np.uint8), affine),
        {**shared, "Type": "Brain"},
        _MNI,
    )
    writer.image(
        f"{prefix}_dseg",
        image_like(tissues.argmax(axis=0).astype(np.uint8), affine),
        _labels(shared),
        _MNI,
    )
    for tissue, map_ in zip(TISSUES[1:], tissues[1:], strict=True):
        writer.image(
            f"{prefix}_label-{tissue}_probseg",
            scaled_image(map_, affine, _PROBABILITY_STEP, np.uint8),
            {**shared, "Description": f"Probability of {_NAMES[tissue].lower()}, not modulated"},
            _MNI,
        )


def _write_linear(result: AnatomicalResult, writer: _Writer) -> None:
    """Write the brain as networks take it that were trained on linearly registered images."""
    if result.affine is None:
        return
    step = float(result.details.get("BiasField", {}).get("WhiteMatterMedian", 0)) / 1000
    data = np.where(result.segmentation.brain, np.asarray(result.preproc.dataobj), 0)
    to_voxels = np.linalg.inv(result.preproc.affine) @ result.affine @ mean_brain.AFFINE
    moved = ndimage.affine_transform(
        data.astype(np.float32), to_voxels[:3, :3], to_voxels[:3, 3], mean_brain.SHAPE, order=1
    )
    writer.image(
        f"space-{result.space}_res-1_desc-linear_T1w",
        scaled_image(moved, mean_brain.AFFINE, step, np.int16),
        {
            "Resolution": "1 mm isotropic, the 182x218x182 grid of FSL",
            "SpatialReference": result.template,
            "SkullStripped": True,
            "Description": "Brain only, registered by an affine alone",
        },
        _MNI,
    )


def _write_transforms(result: AnatomicalResult, writer: _Writer) -> None:
    for first, second, field, world in (
        ("T1w", result.space, result.to_mni, _MNI),
        (result.space, "T1w", result.from_mni, _SCANNER),
    ):
        writer.image(
            f"from-{first}_to-{second}_mode-image_xfm",
            field,
            {
                "Description": f"ITK displacement field that carries images from {first} to "
                f"{second}, affine part included; apply it alone, for example with "
                "antsApplyTransforms -t",
                "SpatialReference": result.template,
                "Registration": result.details.get("Registration"),
            },
            world,
        )


def _labels(sidecar: dict[str, Any]) -> dict[str, Any]:
    return {**sidecar, "Manual": False}
