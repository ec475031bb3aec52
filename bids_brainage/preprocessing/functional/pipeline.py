"""The functional path: from a raw run and the anatomy to a run in standard space."""

import hashlib
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import nibabel as nib
import numpy as np
from scipy import ndimage

from bids_brainage.errors import InputError
from bids_brainage.preprocessing.bold import MINIMUM_VOLUMES
from bids_brainage.preprocessing.functional.confound_table import confound_columns
from bids_brainage.preprocessing.functional.dummy import non_steady_volumes
from bids_brainage.preprocessing.functional.grid import (
    displaced,
    output_grid,
    sample,
    voxel_points,
)
from bids_brainage.preprocessing.functional.load import RawSeries, load_bold
from bids_brainage.preprocessing.functional.motion import estimate_motion
from bids_brainage.preprocessing.functional.noise import noise_masks
from bids_brainage.preprocessing.functional.registration import register_to_t1w
from bids_brainage.preprocessing.functional.resample import Target, resample_run, scale_factor
from bids_brainage.preprocessing.functional.rigid import apply, fsl_parameters, root_mean_square
from bids_brainage.preprocessing.functional.slice_timing import SliceTimes, slice_times
from bids_brainage.preprocessing.step_cache import StepCache, digest, fingerprint
from bids_brainage.records.raw import AnatomicalResult, FunctionalResult, RawBold

_VERSION = 2  # of the steps' results; change it when they change
_AROUND_BRAIN_MM = 6.0
_PICTURE_MM = 2.0


def preprocess_bold(
    run: RawBold,
    anatomy: AnatomicalResult,
    work: StepCache,
    *,
    dummy_scans: int | None = None,
    slice_timing: bool = True,
    threads: int = 2,
    progress: Callable[[str], None] = lambda line: None,
) -> FunctionalResult:
    """Preprocess one BOLD run.

    Head motion is estimated on the raw volumes; slices are then brought to one moment; motion,
    registration to the T1w and normalisation are applied together in one interpolation. Geometric
    distortion is not corrected.

    Parameters
    ----------
    anatomy
        The T1w of the same person.
    work
        Keeps slow steps.
    dummy_scans
        Number of volumes at the start that are not steady; None detects them. They stay in the
        image and are marked in the confounds.
    slice_timing
        Whether to correct slice timing where the sidecar allows it.
    progress
        Receives a line per step.

    Raises
    ------
    InputError
        If the run cannot be used, or does not fit the T1w.
    """
    try:
        return _preprocess(run, anatomy, work, dummy_scans, slice_timing, threads, progress)
    except InputError as error:
        if error.place:
            raise
        raise InputError(error.message, place=run.path, hint=error.hint) from error


def _preprocess(
    run: RawBold,
    anatomy: AnatomicalResult,
    work: StepCache,
    dummy_scans: int | None,
    slice_timing: bool,
    threads: int,
    progress: Callable[[str], None],
) -> FunctionalResult:
    progress("reading the BOLD run")
    series = load_bold(run)
    notes = list(series.notes)
    first = _first_steady(series, dummy_scans, notes)
    times = _slice_times(run, series, slice_timing, notes)
    notes.append("geometric distortion is not corrected")

    progress(f"head motion of {series.n_volumes} volumes")
    key: dict[str, Any] = {"run": fingerprint(run.path), "first": first, "version": _VERSION}

    def motion_step() -> dict[str, Any]:
        motion = estimate_motion(series, first, threads=threads, progress=progress)
        return {"matrices": motion.matrices, "reference": motion.reference}

    motion = work.step("bold-motion", key, motion_step)
    matrices, reference = np.asarray(motion["matrices"]), np.asarray(motion["reference"])

    progress("registration of BOLD to T1w")
    key = {"motion": digest(key), "anatomy": _anatomy_digest(anatomy)}

    def registration_step() -> dict[str, Any]:
        found = register_to_t1w(reference, series.affine, anatomy.segmentation)
        return {"matrix": found.matrix, "mask": found.mask, "numbers": found.numbers,
                "notes": list(found.notes)}  # fmt: skip

    registration = work.step("bold-registration", key, registration_step)
    to_t1w, native_mask = np.asarray(registration["matrix"]), np.asarray(registration["mask"])
    notes += registration["notes"]
    if not native_mask.any():
        raise InputError("the brain mask of the run is empty", hint="look at the BOLD image")

    progress("standard space: all transforms in one interpolation")
    shape, affine = output_grid(anatomy.mni, series.zooms)
    target, everywhere = _target(anatomy, to_t1w, shape, affine)
    scale = scale_factor(reference, native_mask)
    key = {
        "registration": digest(key),
        "times": None if times is None else [times.axis, *times.shifts.tolist()],
        "grid": [*shape, *affine.ravel().tolist()],
        "repetition_time": series.repetition_time,
    }

    def resample_step() -> dict[str, Any]:
        data, view, far = resample_run(
            series, matrices, target, times, first, scale, threads=threads, progress=progress
        )
        image = _image(data, affine, series.repetition_time)
        return {"bold": image, "view": view, "far": far}

    resampled = work.step("bold-standard", key, resample_step)
    bold: nib.Nifti1Image = resampled["bold"]
    if resampled["far"]:
        notes.append(
            f"{len(resampled['far'])} volumes moved far out of view, the first is volume "
            f"{resampled['far'][0] + 1}; what is missing of them is the mean of the others"
        )
    inside = sample(native_mask.astype(np.float32), series.affine, everywhere) > 0.5
    mask = inside.reshape(shape) & np.asarray(resampled["view"])
    if not mask.any():
        raise InputError("no voxel of the brain is in view in every volume", hint="see the motion")

    progress("confounds")
    motion_parameters = np.stack(
        [fsl_parameters(matrix, series.affine, series.shape) for matrix in matrices]
    )
    centre = nib.affines.apply_affine(series.affine, ndimage.center_of_mass(native_mask))
    data = np.asarray(bold.dataobj)
    masks = noise_masks(anatomy.mni_segmentation, anatomy.mni.affine, mask, affine)
    table = confound_columns(
        data, mask, masks, motion_parameters, root_mean_square(matrices, centre), first,
        series.repetition_time,
    )  # fmt: skip
    standard = sample(reference * np.float32(scale), series.affine, everywhere, order=3)
    return FunctionalResult(
        source=run,
        bold=bold,
        mask=nib.Nifti1Image(mask.astype(np.uint8), affine),
        reference=_image(standard.reshape(shape).clip(min=0).astype(np.float32), affine),
        native_reference=_image(reference, series.affine),
        native_mask=nib.Nifti1Image(native_mask.astype(np.uint8), series.affine),
        reference_in_t1w=_over_t1w(reference, series.affine, anatomy, to_t1w),
        to_t1w=to_t1w,
        confounds=table.columns,
        confounds_metadata=table.metadata,
        repetition_time=series.repetition_time,
        space=anatomy.space,
        details=_details(series, first, dummy_scans, times, registration["numbers"], scale, shape),
        notes=(*notes, *table.notes),
    )


def _first_steady(series: RawSeries, dummy_scans: int | None, notes: list[str]) -> int:
    most = series.n_volumes - MINIMUM_VOLUMES
    if dummy_scans is not None:
        if dummy_scans > most:
            raise InputError(
                f"{dummy_scans} dummy scans leave {series.n_volumes - dummy_scans} of "
                f"{series.n_volumes} volumes, fewer than {MINIMUM_VOLUMES}",
                hint="lower --dummy-scans or leave this run out",
            )
        return dummy_scans
    level = np.array([series.volume(index).mean() for index in range(series.n_volumes)])
    first = non_steady_volumes(level, most)
    if first:
        notes.append(f"the first {first} volumes are not steady and are marked in the confounds")
    return first


def _slice_times(
    run: RawBold, series: RawSeries, wanted: bool, notes: list[str]
) -> SliceTimes | None:
    if not wanted:
        notes.append("slice timing is not corrected, as asked")
        return None
    times, note = slice_times(run.metadata, series.shape, series.repetition_time)
    notes.append(note)
    return times


def _target(
    anatomy: AnatomicalResult, to_t1w: np.ndarray, shape: tuple[int, int, int], affine: np.ndarray
) -> tuple[Target, np.ndarray]:
    """Voxels in and around the brain, and where every voxel of the grid lies in the run."""
    flat = np.arange(int(np.prod(shape)))
    points = voxel_points(shape, affine, flat)
    in_run = apply(to_t1w, displaced(points, anatomy.to_mni))
    brain = anatomy.mni_segmentation[0] < 0.5
    zooms = nib.affines.voxel_sizes(anatomy.mni.affine)
    near = ndimage.distance_transform_edt(~brain, sampling=zooms) <= _AROUND_BRAIN_MM
    chosen = sample(near.astype(np.float32), anatomy.mni.affine, points) > 0.5
    voxels = np.unravel_index(flat[chosen], shape)
    return Target(shape, tuple(voxels), np.ascontiguousarray(in_run[:, chosen])), in_run


def _over_t1w(
    reference: np.ndarray, affine: np.ndarray, anatomy: AnatomicalResult, to_t1w: np.ndarray
) -> nib.Nifti1Image:
    """Reference of the run on a 2 mm grid over the T1w."""
    old = nib.affines.voxel_sizes(anatomy.preproc.affine)
    size = np.array(anatomy.preproc.shape[:3])
    shape = np.ceil(size * old / _PICTURE_MM).astype(int)
    grid = nib.affines.rescale_affine(anatomy.preproc.affine, size, _PICTURE_MM, shape)
    points = apply(to_t1w, voxel_points(tuple(shape), grid, np.arange(int(shape.prod()))))
    values = sample(reference, affine, points, order=3).clip(min=0)
    return _image(values.reshape(shape).astype(np.float32), grid)


def _image(data: np.ndarray, affine: np.ndarray, seconds: float | None = None) -> nib.Nifti1Image:
    image = nib.Nifti1Image(data, affine)
    image.header.set_xyzt_units("mm", "sec")
    if seconds is not None:
        image.header.set_zooms((*image.header.get_zooms()[:3], seconds))
    return image


def _anatomy_digest(anatomy: AnatomicalResult) -> str:
    """Hash of what the functional path takes from the anatomy."""
    state = hashlib.sha256()
    field = np.asarray(anatomy.to_mni.dataobj, dtype=np.float32)
    for part in (anatomy.segmentation.tissue, anatomy.segmentation.affine, field[::2, ::2, ::2]):
        state.update(np.ascontiguousarray(part).tobytes())
    return state.hexdigest()[:16]


def _details(
    series: RawSeries,
    first: int,
    dummy_scans: int | None,
    times: SliceTimes | None,
    registration: dict[str, Any],
    scale: float,
    shape: tuple[int, int, int],
) -> dict[str, Any]:
    return {
        "NumberOfVolumes": series.n_volumes,
        "NonSteadyVolumes": first,
        "NonSteadyVolumesGiven": dummy_scans is not None,
        "SliceTimingCorrected": times is not None,
        "StartTime": None if times is None else times.moment,
        "Registration": registration,
        "IntensityScale": scale,
        "NativeGrid": [*series.shape],
        "NativeVoxelSize": series.zooms.round(4).tolist(),
        "StandardGrid": [*shape],
        "Interpolation": "cubic B-spline, once",
        "DistortionCorrection": "none",
        "SoftwareVersions": {name: version(name) for name in ("nibabel", "numpy", "scipy")},
    }
