"""Read a raw T1w of any orientation, type and scaling into one form, or say why not."""

from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np

from bids_brainage.errors import InputError
from bids_brainage.preprocessing.images import header_units, image_data, open_nifti

VOXEL_SIZES = (0.2, 8.0)
EXTENTS = (80.0, 700.0)
SMALLEST_OBJECT_ML = 250.0
_WHAT = "T1w image"
_AGAIN = "convert it again from DICOM, or leave it out"
_LARGEST_SHEAR = 0.02
_DIFFERENT_FORMS_MM = 2.0


@dataclass(frozen=True)
class LoadedT1w:
    """A T1w in one form.

    Parameters
    ----------
    image
        RAS+, 3D, float32, finite, air near 0, nothing below 0.
    notes
        What was odd about the file, in plain words.
    """

    image: nib.Nifti1Image
    notes: tuple[str, ...] = ()


def load_t1w(path: Path) -> nib.Nifti1Image:
    """Read a raw T1w as RAS+, 3D, float32.

    Raises
    ------
    InputError
        As `read_t1w`.
    """
    return read_t1w(path).image


def read_t1w(path: Path) -> LoadedT1w:
    """Read a raw T1w and what was odd about it.

    Axes are reordered and flipped to be closest to right, anterior, superior; nothing is
    interpolated, so that an oblique image stays oblique.

    Raises
    ------
    InputError
        If it is not a 3D image of a head-sized object in millimetres: several volumes, colours,
        no finite number, one value only, impossible voxel sizes, extents or axes.
    """
    file = open_nifti(path, _WHAT, _AGAIN)
    _check_shape(file, path)
    notes: list[str] = []
    affine = _affine(file, path, notes)
    data = image_data(file, path, _WHAT, _AGAIN)
    _check_grid(affine, data.shape, file, path, notes)
    image = nib.as_closest_canonical(
        nib.Nifti1Image(_clean(data.astype(np.float32), path, notes), affine)
    )
    data = np.ascontiguousarray(image.dataobj)
    _check_object(data, affine, path)
    image = nib.Nifti1Image(data, image.affine)
    image.header.set_xyzt_units("mm")
    return LoadedT1w(image, tuple(notes))


def _check_shape(file: nib.Nifti1Image, path: Path) -> None:
    if len(file.shape) < 3 or any(n != 1 for n in file.shape[3:]) or 0 in file.shape:
        raise InputError(
            f"the {_WHAT} has the shape {'x'.join(map(str, file.shape))}, not one volume",
            place=path,
            hint="give one 3D volume",
        )


def _affine(file: nib.Nifti1Image, path: Path, notes: list[str]) -> np.ndarray:
    """Take the axes as nibabel does: sform, else qform, else voxel sizes alone."""
    header = file.header
    q_code, s_code = int(header["qform_code"]), int(header["sform_code"])
    affine = np.asarray(file.affine, dtype=float)
    if not q_code and not s_code:
        notes.append(
            "the header states no orientation (qform and sform code 0); the axes are a guess and "
            "left may be right"
        )
    elif q_code and s_code:
        corner = np.append(np.array(file.shape[:3]) - 1.0, 1.0)
        try:
            apart = float(np.linalg.norm((header.get_qform() - affine) @ corner))
        except nib.spatialimages.HeaderDataError:
            notes.append("the qform is broken; the sform is used")
            apart = 0.0
        if apart > _DIFFERENT_FORMS_MM:
            notes.append(f"sform and qform differ by {apart:.0f} mm; the sform is used")
    axes = affine[:3, :3]
    directions = axes / np.linalg.norm(axes, axis=0)
    shear = np.abs(directions.T @ directions - np.eye(3)).max()
    if shear > _LARGEST_SHEAR:
        raise InputError(
            f"the axes of the {_WHAT} are not at right angles (cosine {shear:.2f})",
            place=path,
            hint="resample it to a grid with right angles",
        )
    return affine


def _check_grid(
    affine: np.ndarray,
    shape: tuple[int, ...],
    file: nib.Nifti1Image,
    path: Path,
    notes: list[str],
) -> None:
    sizes = np.linalg.norm(affine[:3, :3], axis=0)
    words = " x ".join(f"{size:.4g}" for size in sizes)
    unit = header_units(file)[0]
    if sizes.min() < VOXEL_SIZES[0] or sizes.max() > VOXEL_SIZES[1]:
        raise InputError(
            f"voxels of {words} (unit in the header: {unit}), not between {VOXEL_SIZES[0]:g} and "
            f"{VOXEL_SIZES[1]:g} mm",
            place=path,
            hint="write the voxel sizes in mm",
        )
    if unit in ("meter", "micron"):
        notes.append(f"the header says {unit}, but voxels of {words} can only be in mm")
    extents = sizes * shape
    if extents.min() < EXTENTS[0] or extents.max() > EXTENTS[1]:
        raise InputError(
            f"the {_WHAT} covers {' x '.join(f'{e:.0f}' for e in extents)} mm, not a whole head",
            place=path,
            hint=f"give an image of at least {EXTENTS[0]:g} mm each way",
        )


def _clean(data: np.ndarray, path: Path, notes: list[str]) -> np.ndarray:
    finite = np.isfinite(data)
    n_broken = int(data.size - finite.sum())
    if n_broken == data.size:
        raise InputError(f"the {_WHAT} holds no finite number", place=path, hint=_AGAIN)
    if n_broken:
        data[~finite] = 0
        notes.append(f"{n_broken} voxels were not finite and became 0")
    low, high = float(data.min()), float(data.max())
    if low == high:
        raise InputError(f"the {_WHAT} holds only the value {low:g}", place=path, hint=_AGAIN)
    if low < 0:
        # Air is 0 in a magnitude image; elsewhere (CT-like, z-scored) it lies at the edge.
        air = min(float(np.median(_faces(data))), 0.0)
        data -= air
        np.maximum(data, 0, out=data)
        notes.append(
            f"values start at {low:g}; "
            + (f"{-air:g} was added and the rest below 0 cut" if air else "those below 0 were cut")
        )
    return data


def _faces(data: np.ndarray) -> np.ndarray:
    """Voxels on the six faces of the image."""
    return np.concatenate(
        [data.take(end, axis=axis).ravel() for axis in range(3) for end in (0, -1)]
    )


def _check_object(data: np.ndarray, affine: np.ndarray, path: Path) -> None:
    """The share of voxels well above air must fill at least a small brain."""
    thinned = data[::2, ::2, ::2]
    filled = thinned[thinned > 0]
    threshold = 0.1 * float(np.percentile(filled, 98)) if filled.size else 0.0
    volume = float((thinned > threshold).mean()) * data.size * abs(np.linalg.det(affine[:3, :3]))
    if volume / 1000 < SMALLEST_OBJECT_ML:
        raise InputError(
            f"the {_WHAT} shows an object of {volume / 1000:.0f} ml, smaller than a brain",
            place=path,
            hint="check that it is a T1w of a head, with voxel sizes in mm",
        )
