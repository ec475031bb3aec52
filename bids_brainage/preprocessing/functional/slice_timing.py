"""Bring all slices of a volume to one moment."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

_REACH = 4  # volumes on each side
_TOLERANCE = 1e-3
_ABSURD = 10  # times beyond this many repetition times are milliseconds


@dataclass(frozen=True)
class SliceTimes:
    """When each slice was taken.

    Parameters
    ----------
    axis
        Axis of the array along which slices stand.
    shifts
        Per slice, by how many volumes later the common moment is than the slice.
    moment
        The common moment, seconds after the volume's start.
    """

    axis: int
    shifts: np.ndarray
    moment: float


def slice_times(
    metadata: Mapping[str, Any], shape: tuple[int, ...], repetition_time: float
) -> tuple[SliceTimes | None, str]:
    """Read slice times of a sidecar.

    The common moment is the middle of the first and last slice's time, as in fMRIPrep.

    Returns
    -------
        None if slices cannot or need not be shifted, and the reason or what was found.
    """
    times = metadata.get("SliceTiming")
    if times is None:
        return None, "slice timing is not corrected: the sidecar has no SliceTiming"
    try:
        seconds = np.asarray(times, dtype=float).ravel()
    except (TypeError, ValueError, OverflowError):
        return None, "slice timing is not corrected: SliceTiming does not hold numbers"
    direction = str(metadata.get("SliceEncodingDirection", "k"))
    axis = {"i": 0, "j": 1, "k": 2}.get(direction[:1], 2)
    if len(seconds) != shape[axis]:
        return None, (
            f"slice timing is not corrected: {len(seconds)} slice times for {shape[axis]} slices"
        )
    unit = ""
    latest = seconds.max(initial=0)
    if repetition_time * _ABSURD < latest <= 1000 * (repetition_time + _TOLERANCE):
        seconds = seconds / 1000
        unit = " (taken as milliseconds)"
    if not np.isfinite(seconds).all() or seconds.min() < -_TOLERANCE:
        return None, "slice timing is not corrected: SliceTiming holds impossible times"
    if seconds.max() > repetition_time + _TOLERANCE:
        return None, (
            f"slice timing is not corrected: the last slice at {seconds.max():g} s lies beyond the "
            f"repetition time of {repetition_time:g} s"
        )
    if np.ptp(seconds) < _TOLERANCE:
        return None, "slice timing is not corrected: all slices have the same time"
    if direction.endswith("-"):
        seconds = seconds[::-1]
    moment = float(seconds.min() + seconds.max()) / 2
    shifts = (moment - seconds) / repetition_time
    return SliceTimes(axis, shifts, moment), f"slices are shifted to {moment:.3f} s{unit}"


def shift_volume(window: np.ndarray, centre: int, times: SliceTimes) -> np.ndarray:
    """One volume with all slices at the common moment.

    Interpolation in time by a Lanczos-windowed sinc over eight volumes.

    Parameters
    ----------
    window
        Volumes around it, last axis; see :func:`neighbours`.
    centre
        Place of the volume in the window.
    times
        From :func:`slice_times`.
    """
    kernel = lanczos(np.arange(window.shape[-1]) - centre, times.shifts)
    moved = np.moveaxis(window, times.axis, 0)
    shifted = np.einsum("s...t,st->s...", moved, kernel, optimize=False)
    return np.ascontiguousarray(np.moveaxis(shifted, 0, times.axis), dtype=np.float32)


def neighbours(index: int, first: int, n_volumes: int) -> np.ndarray:
    """Volumes that interpolation at one of them needs; ends are mirrored.

    Parameters
    ----------
    first
        First steady volume; those before it are not mixed in.
    """
    around = np.arange(index - _REACH, index + _REACH + 1)
    last = n_volumes - 1
    around = np.where(around < first, 2 * first - around, around)
    around = np.where(around > last, 2 * last - around, around)
    return np.clip(around, first, last)


def lanczos(distance: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    """Weights of samples at whole distances for each shift, shifts x samples; rows sum to one."""
    away = shifts[:, None] - distance[None, :]
    weights = np.sinc(away) * np.sinc(away / _REACH) * (np.abs(away) < _REACH)
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
