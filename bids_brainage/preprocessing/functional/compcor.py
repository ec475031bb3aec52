"""Cosine drifts and principal components of noise voxels, as in fMRIPrep's tables."""

from dataclasses import dataclass

import numpy as np

HIGH_PASS_SECONDS = 128.0
_EXPLAINED = 0.5
_AT_LEAST = 10
_AT_MOST = 100
_MINIMUM_VOXELS = 20


@dataclass(frozen=True)
class Components:
    """Components of one mask.

    Parameters
    ----------
    series
        Volumes x components, zero where volumes are not steady.
    singular_values, explained
        Of each component; the latter as share of all variance.
    """

    series: np.ndarray
    singular_values: np.ndarray
    explained: np.ndarray


def cosines(n_volumes: int, repetition_time: float) -> np.ndarray:
    """Discrete cosines with periods of 128 s and longer, volumes x cosines, of unit length."""
    number = int(np.floor(2 * n_volumes * repetition_time / HIGH_PASS_SECONDS))
    moments = np.arange(n_volumes) + 0.5
    orders = np.arange(1, min(number, n_volumes - 1) + 1)
    return np.sqrt(2 / n_volumes) * np.cos(np.pi / n_volumes * np.outer(moments, orders))


def high_passed(voxels: np.ndarray, drift: np.ndarray) -> np.ndarray:
    """Voxel series (volumes x voxels) without mean and drift."""
    basis = np.column_stack([np.ones(len(voxels)), drift])
    values = voxels.astype(np.float64)
    weights, *_ = np.linalg.lstsq(basis, values, rcond=None)
    return values - basis @ weights


def components(voxels: np.ndarray, drift: np.ndarray, first: int) -> Components | None:
    """Principal components of noise voxels (CompCor).

    Behzadi et al. 2007, doi:10.1016/j.neuroimage.2007.04.042. Voxels lose mean and drift and are
    scaled to unit variance; components are kept until half the variance is explained, at least ten.

    Parameters
    ----------
    voxels
        Volumes x voxels.
    drift
        Cosines of the steady volumes.
    first
        First steady volume.

    Returns
    -------
        None if fewer than 20 voxels vary.
    """
    data = high_passed(voxels[first:], drift)
    spread = data.std(axis=0)
    varies = spread > 1e-6 * np.abs(voxels[first:]).max(axis=0, initial=0)
    if varies.sum() < _MINIMUM_VOXELS:
        return None
    data = data[:, varies] / spread[varies]
    values, vectors = np.linalg.eigh(data @ data.T)
    values, vectors = values[::-1].clip(min=0), vectors[:, ::-1]
    explained = values / values.sum()
    rank = int((explained > 1e-10).sum())
    wanted = 1 + int(np.searchsorted(np.cumsum(explained), _EXPLAINED))
    number = min(max(wanted, _AT_LEAST), _AT_MOST, rank)
    # The sign of an eigenvector is arbitrary; fix it so that reruns write the same numbers.
    strongest = vectors[:, :number]
    largest = np.abs(strongest).argmax(axis=0)
    strongest = strongest * np.sign(strongest[largest, np.arange(number)])
    series = np.zeros((len(voxels), number))
    series[first:] = strongest
    return Components(series, np.sqrt(values[:number]), explained[:number])
