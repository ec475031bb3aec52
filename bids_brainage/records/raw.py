"""Raw images of a session, and what preprocessing makes of them."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import nibabel as nib
    import numpy as np

    from bids_brainage.records.segmentation import Segmentation

Entities = tuple[tuple[str, str], ...]
TIME_UNITS = {"sec": 1.0, "msec": 1e-3, "usec": 1e-6}  # as image headers name them
_SHORTEST, _LONGEST = 0.05, 60.0  # seconds between volumes


def repetition_seconds(value: Any) -> tuple[float | None, str]:
    """Read a repetition time; numbers above 60 are milliseconds.

    Parameters
    ----------
    value
        Of a sidecar, whatever its type; a list of one number counts.

    Returns
    -------
    seconds
        None where it is no number or not plausible.
    note
        How it was read, where that is not plain.
    """
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, bool):
        return None, ""
    try:
        seconds, note = float(value), ""
    except (TypeError, ValueError, OverflowError):
        return None, ""
    if seconds > _LONGEST:
        seconds, note = seconds / 1000, f"repetition time {value} is taken as milliseconds"
    return (seconds, note) if _SHORTEST <= seconds <= _LONGEST else (None, "")


@dataclass(frozen=True)
class RawT1w:
    """A raw T1w image.

    Parameters
    ----------
    skull_stripped
        ``SkullStripped`` of its sidecar; None if not stated.
    entities
        BIDS entities in file-name order.
    """

    path: Path
    skull_stripped: bool | None = None
    entities: Entities = ()


@dataclass(frozen=True)
class RawBold:
    """A raw BOLD run.

    Parameters
    ----------
    entities
        BIDS entities in file-name order.
    metadata
        Its sidecars merged by the inheritance principle.
    repetition_time
        Seconds, from the sidecar, else from the image header; None if unknown.
    """

    path: Path
    entities: Entities = ()
    metadata: dict[str, Any] = field(default_factory=dict)
    repetition_time: float | None = None

    @property
    def label(self) -> str:
        """File-name part that tells runs of a session apart, for example ``task-rest_run-1``."""
        return "_".join(f"{k}-{v}" for k, v in self.entities if k not in ("sub", "ses"))


@dataclass(frozen=True)
class AnatomicalResult:
    """What the anatomical path made of a T1w image; images are RAS+, float32 or integer.

    Parameters
    ----------
    source
        The raw image.
    skull_stripped
        Whether it was without skull already.
    preproc
        Bias-corrected T1w on its own grid, whole head as given.
    segmentation
        Tissues, brain mask and regions on that grid.
    space
        Template name of the standard space.
    mni
        T1w (brain only) on the 2 mm grid of the standard space.
    mni_segmentation
        Tissue probabilities there, ``[4, x, y, z]`` in the order of `Segmentation`.
    jacobian
        Local volume of the native brain per template volume (dimensionless), on the same grid.
    to_mni, from_mni
        ITK displacement fields: ``to_mni`` tells for each point of the standard space where to
        sample the T1w, ``from_mni`` the reverse.
    template
        What was registered to, in words.
    details
        Settings and versions for the sidecars; numbers of each step (registration overlap …).
    notes
        Choices and warnings in plain words.
    affine
        4x4, RAS world of the standard space to RAS world of the T1w, without the deformation.
    """

    source: RawT1w
    skull_stripped: bool
    preproc: "nib.Nifti1Image"
    segmentation: "Segmentation"
    space: str
    mni: "nib.Nifti1Image"
    mni_segmentation: "np.ndarray"
    jacobian: "nib.Nifti1Image"
    to_mni: "nib.Nifti1Image"
    from_mni: "nib.Nifti1Image"
    template: str
    details: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    affine: "np.ndarray | None" = None


@dataclass(frozen=True)
class FunctionalResult:
    """What the functional path made of a BOLD run.

    Parameters
    ----------
    source
        The raw run.
    bold
        4D image in the standard space, motion corrected, in one interpolation.
    mask, reference
        Brain mask and reference volume on that grid.
    native_reference, native_mask
        Reference volume and mask on the grid of the run.
    reference_in_t1w
        Reference volume carried to the space of the T1w (2 mm grid over it), for pictures.
    to_t1w
        4x4 matrix, RAS world of the T1w to RAS world of the run (ITK convention: where to
        sample).
    confounds
        Column name to one value per kept volume, fMRIPrep's names; NaN where undefined.
    confounds_metadata
        Sidecar of the confounds table.
    repetition_time
        Seconds.
    space
        Template name.
    details
        Settings and numbers of each step.
    notes
        Choices and warnings in plain words.
    """

    source: RawBold
    bold: "nib.Nifti1Image"
    mask: "nib.Nifti1Image"
    reference: "nib.Nifti1Image"
    native_reference: "nib.Nifti1Image"
    native_mask: "nib.Nifti1Image"
    reference_in_t1w: "nib.Nifti1Image"
    to_t1w: "np.ndarray"
    confounds: dict[str, "np.ndarray"]
    confounds_metadata: dict[str, Any]
    repetition_time: float
    space: str
    details: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
