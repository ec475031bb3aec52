"""Open NIfTI files; what nibabel raises becomes an error of the session."""

import zlib
from pathlib import Path
from typing import cast

import nibabel as nib
import numpy as np

from bids_brainage.errors import InputError

# A packed file that is cut off raises EOFError, a damaged one zlib.error.
READ_ERRORS = (OSError, EOFError, ValueError, zlib.error, nib.filebasedimages.ImageFileError,
               nib.spatialimages.HeaderDataError)  # fmt: skip
_SMALLEST_VOXEL = 1e-9  # mm3


def open_nifti(path: Path, what: str, hint: str) -> nib.Nifti1Image:
    """Open an image of plain numbers without reading its data.

    Parameters
    ----------
    what
        Name of the image in the message.
    hint
        What the user can do if it cannot be opened.

    Raises
    ------
    InputError
        If it is not a NIfTI image, holds colours or complex numbers, or its axes do not span
        space.
    """
    try:
        image = nib.load(path, keep_file_open=True)
    except READ_ERRORS as error:
        raise InputError(f"the {what} cannot be read: {error}", place=path, hint=hint) from error
    if not isinstance(image, nib.Nifti1Pair):
        raise InputError(f"the {what} is not a NIfTI image", place=path, hint=hint)
    kind = image.get_data_dtype()
    if kind.fields is not None or kind.kind not in "biuf":
        name = "colours" if kind.fields is not None else str(kind)
        raise InputError(f"the {what} holds {name}, not plain numbers", place=path, hint=hint)
    if not image.shape or min(image.shape) < 1:
        raise InputError(f"the {what} of shape {image.shape} has no voxel", place=path, hint=hint)
    axes = np.asarray(image.affine, dtype=float)[:3, :3]
    if not np.isfinite(image.affine).all() or abs(np.linalg.det(axes)) < _SMALLEST_VOXEL:
        raise InputError(
            f"the axes of the {what} do not span space: {np.round(axes, 3).tolist()}",
            place=path,
            hint=hint,
        )
    return cast(nib.Nifti1Image, image)


def image_data(image: nib.Nifti1Image, path: Path, what: str, hint: str) -> np.ndarray:
    """Read all data of an image, without axes of length one at its end.

    Raises
    ------
    InputError
        If the file is cut off, or larger than memory.
    """
    try:
        data = np.asarray(image.dataobj)
    except MemoryError as error:
        size = "x".join(map(str, image.shape))
        raise InputError(f"no memory for the {what} of {size} voxels", place=path,
                         hint="check its header, or give more memory") from error  # fmt: skip
    except READ_ERRORS as error:
        raise InputError(f"the {what} is cut off: {error}", place=path, hint=hint) from error
    while data.ndim > 3 and data.shape[-1] == 1:
        data = data[..., 0]
    return data


def header_units(image: nib.Nifti1Image) -> tuple[str, str]:
    """Units of space and time in the header, ``unknown`` where it holds no known code."""
    try:
        space, time = image.header.get_xyzt_units()
    except KeyError:
        return "unknown", "unknown"
    return str(space), str(time)
