"""The simple generator beside the GAN: normal scores of the components of voxels."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Components:
    """Principal components of the voxels of some people.

    Parameters
    ----------
    mean
        Mean cube, flat; (v,).
    axes
        Orthonormal; (k, v).
    spreads
        Standard deviation of the people along each; (k,).
    side
        Voxels along each side.
    """

    mean: np.ndarray
    axes: np.ndarray
    spreads: np.ndarray
    side: int

    def scores(self, cubes: np.ndarray) -> np.ndarray:
        """Place of cubes along the components, in standard deviations of the people; (n, k)."""
        flat = cubes.reshape(len(cubes), -1).astype(np.float32) - self.mean
        found: np.ndarray = flat @ self.axes.T / self.spreads
        return found

    def draw(self, n: int, seed: int) -> np.ndarray:
        """Cubes of normal scores, cut to between 0 and 1; (n, side, side, side)."""
        scores = np.random.default_rng(seed).standard_normal((n, len(self.spreads)))
        flat = self.mean + (scores * self.spreads).astype(np.float32) @ self.axes
        return np.clip(flat, 0, 1).reshape(n, *[self.side] * 3)


def fit_components(cubes: np.ndarray) -> Components:
    """All components of the people's cubes; (n, side, side, side), n of 2 or more."""
    flat = cubes.reshape(len(cubes), -1).astype(np.float32)
    mean = flat.mean(axis=0)
    flat = flat - mean
    # Fewer people than voxels: components by way of the people's products.
    values, vectors = np.linalg.eigh((flat @ flat.T).astype(float))
    kept = values > values.max() * 1e-6
    values, vectors = values[kept][::-1], vectors[:, kept][:, ::-1]
    axes = (vectors.T @ flat / np.sqrt(values)[:, None]).astype(np.float32)
    spreads = np.sqrt(values / (len(flat) - 1))
    return Components(mean, axes, spreads.astype(np.float32), cubes.shape[1])
