"""Read a raw BOLD run and check that it can be worked with."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from bids_brainage.errors import InputError
from bids_brainage.preprocessing.bold import MINIMUM_VOLUMES
from bids_brainage.preprocessing.images import header_units, image_data, open_nifti
from bids_brainage.records.raw import TIME_UNITS, RawBold, repetition_seconds

MINIMUM_SLICES = 5
_ZOOMS = (0.3, 10.0)
_COPY = "copy or convert the file again"


@dataclass(frozen=True)
class RawSeries:
    """The numbers of a run, as stored where they are integers.

    Parameters
    ----------
    stored
        4D, volumes last.
    slope, intercept
        Signal is ``stored * slope + intercept``.
    affine
        Voxel to RAS world, mm.
    repetition_time
        Seconds.
    notes
        What was found to be odd.
    """

    stored: np.ndarray
    slope: float
    intercept: float
    affine: np.ndarray
    repetition_time: float
    notes: tuple[str, ...] = ()

    @property
    def n_volumes(self) -> int:
        """Number of volumes."""
        return int(self.stored.shape[3])

    @property
    def shape(self) -> tuple[int, int, int]:
        """Grid of one volume."""
        x, y, z = self.stored.shape[:3]
        return x, y, z

    @property
    def zooms(self) -> np.ndarray:
        """Voxel size in mm."""
        return nib.affines.voxel_sizes(self.affine)

    def volume(self, index: int) -> np.ndarray:
        """One volume, float32."""
        return self.signal(self.stored[..., index])

    def signal(self, stored: np.ndarray) -> np.ndarray:
        """Signal of stored numbers, float32, in C order."""
        values = np.ascontiguousarray(stored, dtype=np.float32)
        if self.slope != 1 or self.intercept != 0:
            values = values * np.float32(self.slope) + np.float32(self.intercept)
        return values


def load_bold(run: RawBold) -> RawSeries:
    """Read a run.

    Raises
    ------
    InputError
        If it is not 4D, has too few volumes or slices, holds no numbers, has empty volumes, or
        its repetition time is nowhere.
    """
    image = open_nifti(run.path, "BOLD image", _COPY)
    shape = image.shape
    while len(shape) > 4 and shape[-1] == 1:
        shape = shape[:-1]
    if len(shape) != 4:
        raise InputError(
            f"the BOLD image has {len(shape)} dimensions, not 4 (shape {_sizes(image.shape)})",
            place=run.path,
            hint="a single volume is no run; leave it out, or convert it again",
        )
    if shape[3] < MINIMUM_VOLUMES:
        raise InputError(
            f"the run has {shape[3]} volumes, fewer than {MINIMUM_VOLUMES}",
            place=run.path,
            hint="leave this run out",
        )
    _check_grid(image, shape, run.path)
    notes: list[str] = []
    seconds = repetition_time(run, image, notes)
    stored, slope, intercept = _read(image, run.path)
    _check_values(stored, run.path, notes)
    return RawSeries(stored, slope, intercept, image.affine, seconds, tuple(notes))


def repetition_time(run: RawBold, image: nib.Nifti1Image, notes: list[str]) -> float:
    """Seconds from sidecar, else volume times, else header.

    Raises
    ------
    InputError
        If none of them states it.
    """
    header = header_time(image)
    stated, note = repetition_seconds(run.metadata.get("RepetitionTime"))
    if note:
        notes.append(note)
    if stated is None:
        stated = _spacing(run, notes)
    if stated is None:
        stated = header or run.repetition_time
        if stated:
            notes.append(f"repetition time {stated:g} s is taken from the image header")
    if not stated:
        raise InputError(
            "the repetition time is not known: the sidecar has no RepetitionTime and the image "
            f"header says {float(_time_zoom(image)):g}",
            place=run.path,
            hint='add "RepetitionTime" in seconds to the BOLD\'s JSON',
        )
    if header is not None and abs(header - stated) > 0.01 * stated:
        notes.append(
            f"repetition time {stated:g} s of the sidecar is used; the header says {header:g} s"
        )
    return stated


def header_time(image: nib.Nifti1Image) -> float | None:
    """Repetition time of the header in seconds, None if it cannot be one."""
    unit = header_units(image)[1]
    return repetition_seconds(float(_time_zoom(image)) * TIME_UNITS.get(unit, 1.0))[0]


def _spacing(run: RawBold, notes: list[str]) -> float | None:
    """Repetition time of evenly spaced VolumeTiming."""
    times = run.metadata.get("VolumeTiming")
    if not isinstance(times, list) or len(times) < 2:
        return None
    try:
        steps = np.diff(np.asarray(times, dtype=float))
    except (TypeError, ValueError, OverflowError):
        steps = np.full(1, np.nan)
    if not np.all(np.isfinite(steps)):
        notes.append("VolumeTiming holds no numbers; it is passed over")
        return None
    if np.ptp(steps) > 0.02 * abs(steps.mean()):
        raise InputError(
            f"volumes are unevenly spaced in time ({steps.min():g} to {steps.max():g} s)",
            place=run.path,
            hint="leave this run out: connectivity needs even sampling",
        )
    seconds, _ = repetition_seconds(float(steps.mean()))
    if seconds is not None:
        notes.append(f"repetition time {seconds:g} s is taken from VolumeTiming")
    return seconds


def _time_zoom(image: nib.Nifti1Image) -> float:
    zooms = image.header.get_zooms()
    return zooms[3] if len(zooms) > 3 else 0.0


def _check_grid(image: nib.Nifti1Image, shape: tuple[int, ...], path: Path) -> None:
    zooms = nib.affines.voxel_sizes(image.affine)
    if not np.all(np.isfinite(image.affine)) or zooms.min() < _ZOOMS[0] or zooms.max() > _ZOOMS[1]:
        raise InputError(
            f"voxels of {_sizes(zooms)} mm are not those of a BOLD run",
            place=path,
            hint=_COPY,
        )
    if min(shape[:3]) < MINIMUM_SLICES:
        raise InputError(
            f"the grid of {_sizes(shape[:3])} voxels is too thin to align",
            place=path,
            hint="runs of a few slices cannot be used; leave this run out",
        )


def _sizes(values: Any) -> str:
    return " x ".join(f"{float(value):.3g}" for value in values)


def _read(image: nib.Nifti1Image, path: Path) -> tuple[np.ndarray, float, float]:
    """Stored integers with their scaling, or float32."""
    proxy: Any = image.dataobj
    if np.issubdtype(image.get_data_dtype(), np.integer) and nib.is_proxy(proxy):
        unscaled = nib.Nifti1Image(_Unscaled(proxy), image.affine)
        stored = image_data(unscaled, path, "BOLD image", _COPY)
        slope, intercept = float(proxy.slope), float(proxy.inter)
    else:
        stored, slope, intercept = image_data(image, path, "BOLD image", _COPY), 1.0, 0.0
        stored = stored.astype(np.float32, copy=False)
    if not stored.dtype.isnative:
        stored = stored.astype(stored.dtype.newbyteorder("="))
    return stored, slope, intercept


class _Unscaled:
    """Stand-in for an image's data that gives the numbers as stored."""

    def __init__(self, proxy: Any) -> None:
        self.proxy = proxy
        self.shape = proxy.shape
        self.dtype = proxy.dtype

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self.proxy.get_unscaled(), dtype=dtype)


def _check_values(stored: np.ndarray, path: Path, notes: list[str]) -> None:
    """Fill what is not a number with zero; refuse runs without signal."""
    bad = 0
    empty: list[int] = []
    for index in range(stored.shape[3]):
        volume = stored[..., index]
        if np.issubdtype(stored.dtype, np.floating):
            wrong = ~np.isfinite(volume)
            if wrong.any():
                bad += int(wrong.sum())
                volume[wrong] = 0
        if volume.min() == volume.max():
            empty.append(index + 1)
    if len(empty) == stored.shape[3]:
        raise InputError("the run is empty: no volume varies", place=path, hint=_COPY)
    if empty:
        raise InputError(
            f"{len(empty)} volumes are empty, the first is volume {empty[0]} of {stored.shape[3]}",
            place=path,
            hint="convert the run again, or cut it before that volume",
        )
    if bad:
        share = bad / stored.size
        notes.append(f"{bad} values ({share:.1%}) were not numbers and became zero")


def metadata_number(metadata: Mapping[str, Any], name: str) -> float | None:
    """Return a sidecar's number, None where it is absent or not a number."""
    try:
        return float(metadata[name])
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
