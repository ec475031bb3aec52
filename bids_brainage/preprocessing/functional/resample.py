"""Carry every volume to the standard space in one interpolation."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from bids_brainage.preprocessing.functional.grid import sampled_at
from bids_brainage.preprocessing.functional.load import RawSeries
from bids_brainage.preprocessing.functional.rigid import apply
from bids_brainage.preprocessing.functional.slice_timing import (
    SliceTimes,
    neighbours,
    shift_volume,
)

_TOP = np.iinfo(np.int16).max
_REPORT_EVERY = 50
_MEDIAN = 10_000.0
_HEADROOM = 1.25
# Volumes that lose this share of the voxels more than the middle one have left the view; they are
# put up with if they are few.
_FAR = 0.05
_FEW = 0.05


@dataclass(frozen=True)
class Target:
    """Voxels of the standard space to fill.

    Parameters
    ----------
    shape
        Grid.
    voxels
        Index arrays of the voxels.
    points
        Where they lie in the world of the run's reference, ``[3, n]``.
    """

    shape: tuple[int, int, int]
    voxels: tuple[np.ndarray, ...]
    points: np.ndarray


def resample_run(
    series: RawSeries,
    matrices: np.ndarray,
    target: Target,
    times: SliceTimes | None,
    first: int,
    scale: float,
    *,
    threads: int = 2,
    progress: Callable[[str], None] = lambda line: None,
) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Slice timing, then motion and all transforms together, by cubic splines.

    Parameters
    ----------
    matrices
        Motion of each volume.
    times
        Slice times; None leaves them.
    first
        First steady volume; those before it are not mixed into others.
    scale
        Factor of the signal.

    Returns
    -------
        4D int16, zero outside the target's voxels; a 3D mask of voxels that were in view in every
        volume, but for a few volumes that left it far; and the indices of those, whose voxels out
        of view have their mean over the others.
    """
    filled = np.zeros((*target.shape, series.n_volumes), dtype=np.int16, order="F")
    limits = np.array(series.shape)[:, None] - 0.5

    def one(index: int) -> np.ndarray:
        coefficients = ndimage.spline_filter(
            _at_one_moment(series, index, times, first), order=3, output=np.float32, mode="mirror"
        )
        places = sampled_at(apply(matrices[index], target.points), series.affine)
        values = ndimage.map_coordinates(
            coefficients, places, order=3, prefilter=False, mode="mirror"
        )
        seen = np.all((places > -0.5) & (places < limits), axis=0)
        values = np.where(seen, np.rint(values * scale), 0).clip(0, _TOP)
        filled[..., index][target.voxels] = values.astype(np.int16)
        return seen

    seen = []
    with ThreadPoolExecutor(max_workers=max(1, threads)) as pool:
        for index, found in enumerate(pool.map(one, range(series.n_volumes))):
            seen.append(np.packbits(found))
            if index and index % _REPORT_EVERY == 0:
                progress(f"standard space: {index} of {series.n_volumes} volumes")
    number = target.points.shape[1]
    far = _far_volumes([np.unpackbits(bits, count=number).mean() for bits in seen])
    near = [index for index in range(series.n_volumes) if index not in far]
    always = np.unpackbits(np.bitwise_and.reduce([seen[i] for i in near]), count=number) > 0
    if far:
        mean = sum(filled[..., index][target.voxels].astype(float) for index in near) / len(near)
        for index in far:
            gone = (np.unpackbits(seen[index], count=number) == 0) & always
            filled[..., index][tuple(axis[gone] for axis in target.voxels)] = np.rint(mean[gone])
    view = np.zeros(target.shape, dtype=bool)
    view[target.voxels] = always
    return filled, view, far


def _far_volumes(shares: list[float]) -> list[int]:
    """Volumes of which much less is in view than of the middle one, where they are few."""
    far = np.flatnonzero(np.array(shares) < np.median(shares) - _FAR).tolist()
    return far if len(far) <= _FEW * len(shares) else []


def scale_factor(reference: np.ndarray, mask: np.ndarray) -> float:
    """Factor that brings the brain's median to 10,000 and lets all of it fit into int16."""
    inside = reference[mask]
    median = float(np.median(inside))
    return min(_MEDIAN / median, _TOP / (_HEADROOM * float(inside.max())))


def _at_one_moment(
    series: RawSeries, index: int, times: SliceTimes | None, first: int
) -> np.ndarray:
    if times is None or index < first:
        return series.volume(index)
    around = neighbours(index, first, series.n_volumes)
    return shift_volume(series.signal(series.stored[..., around]), len(around) // 2, times)
