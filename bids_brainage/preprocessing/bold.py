"""Read a preprocessed run once, a volume at a time, and keep what is needed of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

import nibabel as nib
import numpy as np
from nilearn.image import resample_to_img

from bids_brainage.errors import InputError
from bids_brainage.preprocessing.images import READ_ERRORS, image_data, open_nifti
from bids_brainage.preprocessing.parcellation import Atlas
from bids_brainage.preprocessing.stored_volumes import scaling, stored_volumes
from bids_brainage.preprocessing.tissues import template_brain, thin_out, tissue_masks
from bids_brainage.records.inputs import BoldRun

MINIMUM_VOLUMES = 20
MINIMUM_COVERAGE = 0.5
_ATLAS_PART = 100_000
_AGAIN = "run fMRIPrep again for this run"


@dataclass(frozen=True)
class BoldSignals:
    """Raw signals of one run.

    Parameters
    ----------
    regions
        Volumes x regions, mean of each region's voxels; NaN columns for missing regions.
    coverage
        Share of each region inside the brain mask and with signal, 0 to 1.
    white_matter, csf
        Volumes x voxels of pure tissue; None unless asked for.
    global_signal
        Mean of the brain mask per volume.
    notes
        What was resampled or left out.
    """

    regions: np.ndarray
    coverage: np.ndarray
    white_matter: np.ndarray | None
    csf: np.ndarray | None
    global_signal: np.ndarray
    notes: tuple[str, ...] = ()


def open_bold(run: BoldRun) -> nib.Nifti1Image:
    """Open a run and check its shape, without reading its data.

    Raises
    ------
    InputError
        If it is not a 4D NIfTI image or has too few volumes.
    """
    image = open_nifti(run.bold, "BOLD image", _AGAIN)
    if len(image.shape) != 4:
        raise InputError(
            f"the BOLD image has {len(image.shape)} dimensions, not 4",
            place=run.bold,
            hint="give the desc-preproc_bold image, not a reference",
        )
    if image.shape[3] < MINIMUM_VOLUMES:
        raise InputError(
            f"the run has {image.shape[3]} volumes, fewer than {MINIMUM_VOLUMES}",
            place=run.bold,
            hint="leave this run out",
        )
    return image


def read_signals(run: BoldRun, image: nib.Nifti1Image, atlas: Atlas, tissues: bool) -> BoldSignals:
    """Mean signal of each region, as nilearn's NiftiLabelsMasker gives it.

    Parameters
    ----------
    image
        From :func:`open_bold`.
    tissues
        Whether to keep voxels of white matter and ventricles too.

    Raises
    ------
    InputError
        If the image is cut off, holds no signal, or does not overlap mask or atlas.
    """
    n_volumes = image.shape[3]
    slope, intercept = scaling(image)
    notes: list[str] = []
    volumes = _volumes(run, image)
    head = next(volumes)
    first = (head * slope + intercept).reshape(image.shape[:3], order="F")
    reference = nib.Nifti1Image(np.zeros(image.shape[:3], dtype=np.uint8), image.affine)
    mask = _brain(run, reference, notes) & np.isfinite(first)
    # Voxels without signal (drop-out, edge of the view) do not count as covered.
    inside = mask & (first != 0)
    if not inside.any():
        raise InputError(
            "no voxel of the brain mask carries signal",
            place=run.bold,
            hint="check that image and mask belong together and hold numbers",
        )
    coverage = _coverage(atlas, inside, image.affine)
    labels = _usable_labels(run, atlas, coverage, reference, mask)
    masks = tissue_masks(reference, inside) if tissues else None
    white = _in_file(thin_out(masks.white_matter), mask.shape) if masks else np.empty(0, dtype=int)
    csf = _in_file(thin_out(masks.csf), mask.shape) if masks else np.empty(0, dtype=int)
    brain = np.flatnonzero(mask.ravel(order="F"))
    number_of = labels.ravel(order="F")[brain].astype(np.intp)
    sizes = np.bincount(number_of)
    present = np.flatnonzero(sizes[1:]) + 1
    column_of = {value: column for column, value in enumerate(atlas.values)}
    columns = [column_of[int(value)] for value in present]

    regions = np.full((n_volumes, len(atlas.values)), np.nan)
    global_signal = np.empty(n_volumes)
    white_voxels = np.empty((n_volumes, len(white)), dtype=np.float32)
    csf_voxels = np.empty((n_volumes, len(csf)), dtype=np.float32)
    # Slope and intercept are applied to means: a mean of scaled voxels is the scaled mean.
    for number, stored in enumerate(chain([head], volumes)):
        signal = stored[brain]
        sums = np.bincount(number_of, weights=signal)
        if not np.isfinite(sums).all():
            _refuse_broken(signal, number, run)
        regions[number, columns] = sums[present] / sizes[present] * slope + intercept
        global_signal[number] = sums.sum() / len(brain) * slope + intercept
        white_voxels[number] = stored[white] * slope + intercept
        csf_voxels[number] = stored[csf] * slope + intercept
    missing = [name for column, name in enumerate(atlas.regions) if column not in columns]
    if missing:
        notes.append(
            f"{len(missing)} regions have less than {MINIMUM_COVERAGE:.0%} of their volume, or no "
            f"voxel, in the brain mask and are missing: {', '.join(missing[:5])}"
            + (" …" if len(missing) > 5 else "")
        )
    return BoldSignals(
        regions,
        coverage,
        white_voxels if tissues else None,
        csf_voxels if tissues else None,
        global_signal,
        tuple(notes),
    )


def _volumes(run: BoldRun, image: nib.Nifti1Image) -> Iterator[np.ndarray]:
    """Volumes as stored; what is wrong with the file becomes an error that names the place."""
    volumes = stored_volumes(image)
    for number in range(image.shape[3] + 1):
        try:
            volume = next(volumes, None)
        except READ_ERRORS as error:
            raise InputError(
                f"the BOLD image is cut off or damaged near volume "
                f"{min(number + 1, image.shape[3])} of {image.shape[3]}: {error}",
                place=run.bold,
                hint="copy it again or run fMRIPrep again",
            ) from error
        if volume is not None:
            yield volume


def _brain(run: BoldRun, reference: nib.Nifti1Image, notes: list[str]) -> np.ndarray:
    if run.mask is None:
        notes.append("no brain mask beside the BOLD; the template's brain mask is used")
        try:
            return template_brain(reference)
        except ValueError as error:
            raise InputError(
                "the image does not overlap the template's brain",
                place=run.bold,
                hint="give BOLD in MNI space",
            ) from error
    mask = open_nifti(run.mask, "brain mask", _AGAIN)
    data = np.nan_to_num(image_data(mask, run.mask, "brain mask", _AGAIN)) > 0
    if data.ndim != 3 or not data.any():
        raise InputError(
            f"the brain mask is empty or not 3D (shape {mask.shape})",
            place=run.mask,
            hint=_AGAIN,
        )
    if data.shape == reference.shape and np.allclose(mask.affine, reference.affine, atol=1e-3):
        return data
    notes.append("the brain mask is on another grid and was resampled to the BOLD")
    resampled = resample_to_img(
        nib.Nifti1Image(data.astype(np.uint8), mask.affine),
        reference,
        interpolation="nearest",
        force_resample=True,
        copy_header=True,
    )
    return np.asarray(resampled.dataobj) > 0


def _coverage(atlas: Atlas, inside: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """Share of each region's own voxels whose nearest BOLD voxel is inside the mask."""
    axes, values = atlas.voxels
    to_bold = np.linalg.inv(affine) @ atlas.labels.affine
    hits = np.zeros(int(max(atlas.values)) + 1)
    for start in range(0, len(values), _ATLAS_PART):
        part = slice(start, start + _ATLAS_PART)
        in_view = np.ones(len(values[part]), dtype=bool)
        index = []
        for weights, shift, size in zip(to_bold[:3, :3], to_bold[:3, 3], inside.shape, strict=True):
            # Where the axes of both grids are parallel, two of the three weights are zero.
            terms = (w * axis[part] for w, axis in zip(weights, axes, strict=True) if w)
            place = np.rint(sum(terms) + shift)
            in_view &= (place >= 0) & (place < size)
            index.append(place.astype(np.int32))
        covered = inside[tuple(place[in_view] for place in index)]
        hits += np.bincount(values[part][in_view], weights=covered, minlength=len(hits))
    wanted = np.array(atlas.values)
    total = np.bincount(values, minlength=len(hits))
    return hits[wanted] / np.maximum(total[wanted], 1)


def _in_file(indices: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Turn flat indices of an array, last axis fastest, into those of a stored volume."""
    return np.ravel_multi_index(np.unravel_index(indices, shape), shape, order="F")


def _usable_labels(
    run: BoldRun,
    atlas: Atlas,
    coverage: np.ndarray,
    reference: nib.Nifti1Image,
    mask: np.ndarray,
) -> np.ndarray:
    """Labels in the mask, on the grid of the run, of regions that are mostly inside."""
    usable = np.array(atlas.values)[coverage >= MINIMUM_COVERAGE]
    if len(usable):
        resampled = resample_to_img(
            atlas.labels, reference, interpolation="nearest", force_resample=True, copy_header=True
        )
        labels = np.asarray(resampled.dataobj).astype(np.int32)
        labels[~np.isin(labels, usable) | ~mask] = 0
    if not len(usable) or not labels.any():
        raise InputError(
            f"no region of atlas {atlas.name} lies inside the brain mask "
            f"(best coverage {float(coverage.max()):.2f})",
            place=run.bold,
            hint="give BOLD in the space of the atlas (MNI)",
        )
    return labels


def _refuse_broken(signal: np.ndarray, number: int, run: BoldRun) -> None:
    broken = int((~np.isfinite(signal)).sum())
    if broken:
        raise InputError(
            f"{broken} brain voxels are not numbers, first in volume {number + 1}",
            place=run.bold,
            hint="run fMRIPrep again, or leave this run out",
        )
