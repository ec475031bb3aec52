"""Head motion: a rigid transform of every volume to a reference, by Gauss-Newton least squares."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from bids_brainage.errors import InputError
from bids_brainage.preprocessing.functional.load import RawSeries
from bids_brainage.preprocessing.functional.reference import rough_mask
from bids_brainage.preprocessing.functional.rigid import apply, small_motion

_POINTS = 30_000
_COARSE_POINTS = 4_000
_FWHM_MM = 6.0
_COARSE_FWHM_MM = 10.0
_LEAST_FWHM_VOXELS = 1.5  # less leaves too little to interpolate between large voxels
_ITERATIONS = 12
_CONVERGED_MM = 2e-3
_RADIUS_MM = 60.0
_MINIMUM_OVERLAP = 0.3
_MARGIN = 2  # voxels; what enters the view at its edge is not comparable
_REFERENCE_VOLUMES = 20


@dataclass(frozen=True)
class Motion:
    """Where the head was in each volume.

    Parameters
    ----------
    matrices
        Volumes x 4 x 4: RAS world of the reference to RAS world of the volume.
    reference
        Mean of aligned volumes, float32.
    """

    matrices: np.ndarray
    reference: np.ndarray


class RigidAligner:
    """Aligns volumes of one grid to a reference by least squares of intensities.

    The reference's gradient does not change, so each step only samples the volume and solves six
    equations (inverse-compositional Gauss-Newton; Baker & Matthews 2004,
    doi:10.1023/B:VISI.0000011205.11775.fd). Brightness may differ by a factor. A coarse pass on a
    smoother image comes first.

    Parameters
    ----------
    reference
        3D volume.
    affine
        Voxel to RAS world.
    mask
        Voxels to compare.
    """

    def __init__(self, reference: np.ndarray, affine: np.ndarray, mask: np.ndarray) -> None:
        zooms = np.sqrt((affine[:3, :3] ** 2).sum(axis=0))
        self.levels = [
            _Level(reference, affine, zooms, mask, fwhm, points)
            for fwhm, points in ((_COARSE_FWHM_MM, _COARSE_POINTS), (_FWHM_MM, _POINTS))
        ]

    def align(self, volume: np.ndarray, start: np.ndarray | None = None) -> np.ndarray:
        """World of the reference to world of the volume, 4x4.

        Raises
        ------
        ValueError
            If the volume does not overlap the reference.
        """
        matrix = np.eye(4) if start is None else start
        for level in self.levels:
            matrix = level.align(volume, matrix)
        return matrix


class _Level:
    """One smoothness."""

    def __init__(
        self,
        reference: np.ndarray,
        affine: np.ndarray,
        zooms: np.ndarray,
        mask: np.ndarray,
        fwhm: float,
        n_points: int,
    ) -> None:
        self.sigma = np.maximum(fwhm / zooms, _LEAST_FWHM_VOXELS) / 2.3548
        self.to_voxel = np.linalg.inv(affine)
        self.limits = np.array(mask.shape)[:, None] - 2
        flat = np.flatnonzero(mask & _inner(mask.shape))
        flat = flat[:: max(1, len(flat) // n_points)]
        voxels = np.array(np.unravel_index(flat, mask.shape))
        smooth = ndimage.gaussian_filter(reference.astype(np.float32), self.sigma, truncate=3)
        slopes = np.stack([axis.ravel()[flat] for axis in np.gradient(smooth)])
        slopes = self.to_voxel[:3, :3].T @ slopes
        self.points = apply(affine, voxels.astype(float))
        self.centre = self.points.mean(axis=1)
        self.values = smooth.ravel()[flat].astype(float)
        arms = self.points - self.centre[:, None]
        self.jacobian = np.concatenate([slopes, np.cross(arms, slopes, axis=0)]).T

    def align(self, volume: np.ndarray, matrix: np.ndarray) -> np.ndarray:
        smooth = ndimage.gaussian_filter(volume, self.sigma, truncate=3)
        coefficients = ndimage.spline_filter(smooth, order=3, output=np.float32, mode="mirror")
        for _ in range(_ITERATIONS):
            places = apply(self.to_voxel @ matrix, self.points)
            seen = np.all((places >= 1) & (places <= self.limits), axis=0)
            if seen.mean() < _MINIMUM_OVERLAP:
                raise ValueError("the volume does not overlap the reference")
            sampled = ndimage.map_coordinates(
                coefficients, places[:, seen], order=3, prefilter=False, mode="mirror"
            ).astype(float)
            values = self.values[seen]
            brightness = (values @ sampled) / (values @ values)
            if not brightness > 0:
                raise ValueError("the volume has no signal in the brain")
            jacobian = self.jacobian[seen]
            change, *_ = np.linalg.lstsq(
                jacobian.T @ jacobian, jacobian.T @ (sampled / brightness - values), rcond=None
            )
            matrix = matrix @ np.linalg.inv(small_motion(change, self.centre))
            if np.abs(change[:3]).max() + _RADIUS_MM * np.abs(change[3:]).max() < _CONVERGED_MM:
                break
        return matrix


def estimate_motion(
    series: RawSeries,
    first: int,
    *,
    threads: int = 2,
    progress: Callable[[str], None] = lambda line: None,
) -> Motion:
    """Align every volume to the mean of aligned volumes.

    Some 20 volumes spread over the run are aligned to the one most like their median; their mean
    is the reference for all volumes.

    Parameters
    ----------
    first
        First steady volume.

    Raises
    ------
    InputError
        If a volume cannot be aligned.
    """
    count = min(_REFERENCE_VOLUMES, series.n_volumes - first)
    some = np.unique(np.linspace(first, series.n_volumes - 1, count).round().astype(int))
    stack = np.stack([series.volume(index) for index in some])
    middle = np.median(stack, axis=0)
    distance = np.abs(stack - middle).mean(axis=(1, 2, 3))
    target = stack[int(distance.argmin())]
    aligner = RigidAligner(target, series.affine, _wide(rough_mask(middle, series.zooms)))
    matrices = _align_all(aligner, series, some, threads)
    reference = mean_volume(stack, matrices, series.affine)
    progress("head motion: reference of aligned volumes made")
    aligner = RigidAligner(reference, series.affine, _wide(rough_mask(reference, series.zooms)))
    return Motion(_align_all(aligner, series, np.arange(series.n_volumes), threads), reference)


def mean_volume(stack: np.ndarray, matrices: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """Mean of volumes, each carried to the reference; where seen by at least one."""
    total = np.zeros(stack.shape[1:])
    seen = np.zeros(stack.shape[1:])
    for volume, matrix in zip(stack, matrices, strict=True):
        to_volume = np.linalg.inv(affine) @ matrix @ affine
        moved = ndimage.affine_transform(
            volume, to_volume[:3, :3], to_volume[:3, 3], order=3, mode="constant", cval=np.nan
        )
        good = np.isfinite(moved)
        total[good] += moved[good]
        seen += good
    return (total / np.maximum(seen, 1)).clip(min=0).astype(np.float32)


def _inner(shape: tuple[int, ...]) -> np.ndarray:
    """All but the edge of the view; thin grids keep more."""
    inner = np.zeros(shape, dtype=bool)
    inner[tuple(slice(m, size - m) for size in shape for m in [min(_MARGIN, size // 5)])] = True
    return inner


def _wide(mask: np.ndarray) -> np.ndarray:
    return ndimage.binary_dilation(mask, iterations=2)


def _align_all(
    aligner: RigidAligner, series: RawSeries, indices: Sequence[int] | np.ndarray, threads: int
) -> np.ndarray:
    def one(index: int) -> np.ndarray:
        try:
            return aligner.align(series.volume(int(index)))
        except ValueError as error:
            raise InputError(
                f"head motion cannot be estimated: volume {index + 1}: {error}",
                hint="look at the run; leave it out or cut the volume",
            ) from error

    with ThreadPoolExecutor(max_workers=max(1, threads)) as pool:
        return np.stack(list(pool.map(one, indices)))
