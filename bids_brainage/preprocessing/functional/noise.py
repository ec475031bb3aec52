"""Voxels of pure tissue, and signals of the brain that show artefacts."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from bids_brainage.preprocessing.functional.compcor import high_passed
from bids_brainage.preprocessing.functional.grid import sample, voxel_points

_PURE = 0.95
_FILLED = (0.95, 0.75, 0.5)
_MINIMUM_VOXELS = 20
_ENOUGH_VOXELS = 100
_NOISIEST = 0.02
_CHUNK = 20_000
_STANDARD_MEDIAN = 1000.0


@dataclass(frozen=True)
class NoiseMasks:
    """Voxels on the grid of the run.

    Parameters
    ----------
    white_matter, csf
        Pure tissue away from grey matter; empty where there is too little.
    brain
        Brain mask without its rim, for temporal CompCor.
    """

    white_matter: np.ndarray
    csf: np.ndarray
    brain: np.ndarray


def noise_masks(
    probabilities: np.ndarray, grid: np.ndarray, mask: np.ndarray, affine: np.ndarray
) -> NoiseMasks:
    """Make masks of pure tissue.

    Grey matter is widened by one voxel of its 2 mm grid and taken out of white matter and CSF;
    voxels of the run must be filled by what is left, by at least 95 % or, where that leaves
    fewer than 100 voxels, by less, down to 50 %; then grey matter is not widened.

    Parameters
    ----------
    probabilities, grid
        Background, GM, WM and CSF in standard space, ``[4, x, y, z]``, and the affine of them.
    mask, affine
        Brain mask of the run in standard space.
    """
    near_grey = ndimage.binary_dilation(probabilities[1] > 0.5)
    everywhere = voxel_points(mask.shape, affine, np.arange(mask.size))
    size = np.sqrt((affine[:3, :3] ** 2).sum(axis=0)) / np.sqrt((grid[:3, :3] ** 2).sum(axis=0))

    def filled(tissue: int) -> np.ndarray:
        plain = probabilities[tissue] > _PURE
        best = np.zeros_like(mask)
        for pure in (plain & ~near_grey, plain, probabilities[tissue] > 0.5):
            share = ndimage.gaussian_filter(pure.astype(np.float32), 0.3 * size)
            share = sample(share, grid, everywhere).reshape(mask.shape)
            for level in _FILLED:
                best = (share >= level) & mask
                if best.sum() >= _ENOUGH_VOXELS:
                    return best
        return best if best.sum() >= _MINIMUM_VOXELS else np.zeros_like(mask)

    inner = ndimage.binary_erosion(mask)
    return NoiseMasks(filled(2), filled(3), inner if inner.sum() >= _MINIMUM_VOXELS else mask)


def series_of(bold: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Voxels of a mask, volumes x voxels."""
    return np.ascontiguousarray(bold[mask].T)


def noisiest(bold: np.ndarray, mask: np.ndarray, drift: np.ndarray, first: int) -> np.ndarray:
    """Mask of the 2 % of voxels that vary most after the high-pass, for temporal CompCor."""
    flat = np.flatnonzero(mask)
    places = np.array(np.unravel_index(flat, mask.shape))
    spread = np.concatenate(
        [
            high_passed(bold[(*part, slice(first, None))].T, drift).std(axis=0)
            for part in np.array_split(places, 1 + len(flat) // _CHUNK, axis=1)
        ]
    )
    count = max(_MINIMUM_VOXELS, round(_NOISIEST * len(flat)))
    chosen = np.zeros_like(mask)
    chosen.ravel()[flat[np.argsort(spread, kind="stable")[-count:]]] = True
    return chosen


def dvars(bold: np.ndarray, mask: np.ndarray, first: int) -> tuple[np.ndarray, np.ndarray]:
    """Root mean square change between volumes, plain and standardised.

    Signals are scaled to a median of 1000 over the brain first. The standardised one is divided by
    what would be expected of each voxel's robust spread and autocorrelation (Nichols 2013,
    arXiv:1704.01469; Power et al. 2012, doi:10.1016/j.neuroimage.2011.10.018).

    Parameters
    ----------
    first
        First steady volume; expectation rests on steady volumes.

    Returns
    -------
        ``dvars`` and ``std_dvars``, NaN for the first volume.
    """
    n_volumes = bold.shape[3]
    places = np.array(np.nonzero(mask))
    steady_mean = np.median(bold[mask][:, first:].mean(axis=1))
    scale = _STANDARD_MEDIAN / steady_mean if steady_mean > 0 else 1.0
    squares = np.zeros(n_volumes - 1)
    expected = 0.0
    for part in np.array_split(places, 1 + places.shape[1] // _CHUNK, axis=1):
        series = bold[tuple(part)].astype(np.float32) * np.float32(scale)
        squares += (np.diff(series, axis=1) ** 2).sum(axis=0, dtype=np.float64)
        steady = series[:, first:]
        quarter, three_quarters = np.percentile(steady, [25, 75], axis=1)
        spread = (three_quarters - quarter) / 1.349
        centred = steady - steady.mean(axis=1, keepdims=True)
        power = (centred**2).sum(axis=1)
        lagged = (centred[:, 1:] * centred[:, :-1]).sum(axis=1)
        correlation = np.divide(lagged, power, out=np.zeros_like(power), where=power > 0)
        expected += float((np.sqrt(2 * (1 - correlation).clip(min=0)) * spread).sum())
    plain = np.append(np.nan, np.sqrt(squares / places.shape[1]))
    expected /= places.shape[1]
    return plain, plain / expected if expected > 0 else np.full(n_volumes, np.nan)
