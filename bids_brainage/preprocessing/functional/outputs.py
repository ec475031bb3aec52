"""Write what the functional path made, under fMRIPrep's names."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from bids_brainage.bids.outputs import write_json, write_text, write_tsv
from bids_brainage.preprocessing.image_files import write_nifti
from bids_brainage.records.inputs import BoldRun
from bids_brainage.records.raw import FunctionalResult

_MNI = 4
_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def write_functional(
    result: FunctionalResult, folder: Path, stem: str, sources: Sequence[str]
) -> BoldRun:
    """Write images, transform and confounds of a run.

    Parameters
    ----------
    folder
        The session's ``func`` folder of the output.
    stem
        Start of file names with all entities of the run, without an underscore at the end.
    sources
        BIDS URIs of the raw files.

    Returns
    -------
        The run as the connectivity code takes it.

    Raises
    ------
    OutputError
        If a file cannot be written.
    """
    standard = f"{stem}_space-{result.space}"
    made = {"Sources": list(sources)}
    bold = folder / f"{standard}_desc-preproc_bold.nii.gz"
    mask = folder / f"{standard}_desc-brain_mask.nii.gz"
    table = folder / f"{stem}_desc-confounds_timeseries.tsv"
    _write(bold, result.bold, made | bold_metadata(result), _MNI)
    _write(mask, result.mask, made | {"Type": "Brain"}, _MNI)
    _write(folder / f"{standard}_boldref.nii.gz", result.reference, made, _MNI)
    _write(folder / f"{stem}_space-T1w_boldref.nii.gz", result.reference_in_t1w, made)
    _write(folder / f"{stem}_desc-brain_mask.nii.gz", result.native_mask, made | {"Type": "Brain"})
    _write(folder / f"{stem}_boldref.nii.gz", result.native_reference, made)
    transform = folder / f"{stem}_from-boldref_to-T1w_mode-image_xfm.txt"
    write_text(transform, itk_transform(result.to_t1w))
    write_json(
        transform.with_suffix(".json"),
        made | {"Registration": result.details.get("Registration", {})},
    )
    columns = result.confounds
    n_volumes = result.bold.shape[3]
    rows = [{name: float(values[row]) for name, values in columns.items()}
            for row in range(n_volumes)]  # fmt: skip
    write_tsv(table, rows, list(columns))
    write_json(table.with_suffix(".json"), result.confounds_metadata)
    entities = tuple(result.source.entities)
    return BoldRun(
        bold=bold,
        mask=mask,
        confounds=table,
        repetition_time=result.repetition_time,
        space=result.space,
        entities=(*entities, ("space", result.space)),
    )


def bold_metadata(result: FunctionalResult) -> dict[str, Any]:
    """Sidecar of the preprocessed run."""
    details: Mapping[str, Any] = result.details
    content = {
        "RepetitionTime": result.repetition_time,
        "TaskName": result.source.metadata.get("TaskName")
        or dict(result.source.entities).get("task"),
        "SliceTimingCorrected": bool(details.get("SliceTimingCorrected")),
        "StartTime": details.get("StartTime"),
        "SkullStripped": True,
        "Description": "Head motion, registration and normalisation in one interpolation; signal "
        "scaled by IntensityScale; zero away from the brain",
        "Notes": list(result.notes),
        **{name: value for name, value in details.items() if name != "StartTime"},
    }
    return {name: value for name, value in content.items() if value is not None}


def itk_transform(matrix: np.ndarray) -> str:
    """ITK text file of a 4x4 matrix in RAS world coordinates (where to sample)."""
    lps = _TO_LPS @ matrix @ _TO_LPS
    numbers = " ".join(f"{value:.10g}" for value in (*lps[:3, :3].ravel(), *lps[:3, 3]))
    return (
        "#Insight Transform File V1.0\n"
        "#Transform 0\n"
        "Transform: AffineTransform_double_3_3\n"
        f"Parameters: {numbers}\n"
        "FixedParameters: 0 0 0\n"
    )


def _write(path: Path, image: nib.Nifti1Image, sidecar: Mapping[str, Any], world: int = 1) -> None:
    """Write an image and its sidecar."""
    write_nifti(path, image, world=world)
    write_json(path.with_name(path.name.removesuffix(".nii.gz") + ".json"), sidecar)
