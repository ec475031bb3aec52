"""Read a preprocessed run once, a few volumes at a time, and keep what is needed of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

import nibabel as nib
import numpy as np
from nilearn.image import resample_to_img
from nilearn.maskers import NiftiLabelsMasker

from bids_brainage.errors import InputError
from bids_brainage.preprocessing.images import READ_ERRORS, image_data, open_nifti
from bids_brainage.preprocessing.parcellation import Atlas
from bids_brainage.preprocessing.tissues import template_brain, thin_out, tissue_masks
from bids_brainage.records.inputs import BoldRun

MINIMUM_VOLUMES = 20
MINIMUM_COVERAGE = 0.5
_CHUNK_BYTES = 8_000_000
_CHUNK_VOLUMES = 4
_ATLAS_PART = 100_000
_ROW = 256
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
    notes: list[str] = []
    chunks = _chunks(run, image)
    _, first = next(chunks)
    reference = nib.Nifti1Image(np.zeros(image.shape[:3], dtype=np.uint8), image.affine)
    mask = _brain(run, reference, notes) & np.isfinite(first[..., 0])
    # Voxels without signal (drop-out, edge of the view) do not count as covered.
    inside = mask & (first[..., 0] != 0)
    if not inside.any():
        raise InputError(
            "no voxel of the brain mask carries signal",
            place=run.bold,
            hint="check that image and mask belong together and hold numbers",
        )
    coverage = _coverage(atlas, inside, image.affine)
    labels = _usable_labels(run, atlas, coverage, reference, mask)
    masks = tissue_masks(reference, inside) if tissues else None
    white = thin_out(masks.white_matter) if masks else np.empty(0, dtype=int)
    csf = thin_out(masks.csf) if masks else np.empty(0, dtype=int)
    brain = np.flatnonzero(mask)
    in_region = labels.ravel()[brain] > 0
    packed = labels.ravel()[brain[in_region]].astype(np.int32)
    present = np.unique(packed)
    masker = _packed_masker(packed)
    column_of = {value: column for column, value in enumerate(atlas.values)}
    columns = [column_of[int(value)] for value in present]

    regions = np.full((n_volumes, len(atlas.values)), np.nan)
    global_signal = np.empty(n_volumes)
    white_voxels = np.empty((n_volumes, len(white)), dtype=np.float32)
    csf_voxels = np.empty((n_volumes, len(csf)), dtype=np.float32)
    for start, block in chain([(0, first)], chunks):
        stop = start + block.shape[3]
        flat = block.reshape(-1, block.shape[3])
        signal = flat[brain].astype(np.float64)
        _check_finite(signal, start, run)
        regions[start:stop, columns] = masker.transform(_pack(signal[in_region]))
        global_signal[start:stop] = signal.mean(axis=0)
        white_voxels[start:stop] = flat[white].T
        csf_voxels[start:stop] = flat[csf].T
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


def _chunks(run: BoldRun, image: nib.Nifti1Image) -> Iterator[tuple[int, np.ndarray]]:
    """Blocks of volumes in order; a packed file is unpacked once."""
    volume_bytes = 8 * int(np.prod(image.shape[:3]))
    step = max(_CHUNK_VOLUMES, _CHUNK_BYTES // volume_bytes)
    for start in range(0, image.shape[3], step):
        try:
            block = np.asarray(image.dataobj[..., start : start + step])
        except READ_ERRORS as error:
            raise InputError(
                f"the BOLD image is cut off near volume {start + 1} of {image.shape[3]}: {error}",
                place=run.bold,
                hint="copy it again or run fMRIPrep again",
            ) from error
        yield start, block


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
    labels = np.asarray(atlas.labels.dataobj)
    to_bold = np.linalg.inv(affine) @ atlas.labels.affine
    size = int(max(atlas.values)) + 1
    total = np.zeros(size)
    hits = np.zeros(size)
    flat = np.flatnonzero(labels > 0)
    for part in np.array_split(flat, 1 + len(flat) // _ATLAS_PART):
        voxels = np.column_stack(np.unravel_index(part, labels.shape))
        index = np.rint(voxels @ to_bold[:3, :3].T + to_bold[:3, 3]).astype(np.int64)
        in_view = np.all((index >= 0) & (index < inside.shape), axis=1)
        covered = np.zeros(len(index), dtype=bool)
        covered[in_view] = inside[tuple(index[in_view].T)]
        values = labels.ravel()[part].astype(np.int64)
        total += np.bincount(values, minlength=size)
        hits += np.bincount(values, weights=covered, minlength=size)
    wanted = np.array(atlas.values)
    return hits[wanted] / np.maximum(total[wanted], 1)


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


def _packed_masker(packed: np.ndarray) -> NiftiLabelsMasker:
    """Masker of labelled voxels only; means of regions do not depend on where voxels stand."""
    return NiftiLabelsMasker(
        _pack(packed), standardize=None, resampling_target=None, reports=False
    ).fit()


def _pack(values: np.ndarray) -> nib.Nifti1Image:
    """Lay voxels (first axis) out as an image of rows, filled up with zeros."""
    rows = -(-len(values) // _ROW)
    grid = np.zeros((rows * _ROW, *values.shape[1:]), dtype=values.dtype)
    grid[: len(values)] = values
    return nib.Nifti1Image(grid.reshape(rows, _ROW, 1, *values.shape[1:]), np.eye(4))


def _check_finite(signal: np.ndarray, start: int, run: BoldRun) -> None:
    broken = ~np.isfinite(signal)
    if broken.any():
        volume = int(np.flatnonzero(broken.any(axis=0))[0]) + start + 1
        raise InputError(
            f"{int(broken.any(axis=1).sum())} brain voxels are not numbers, first in volume "
            f"{volume}",
            place=run.bold,
            hint="run fMRIPrep again, or leave this run out",
        )
