"""Principal components of brains, beside which codes stand."""

import numpy as np

from bids_brainage.training.autoencoder.brains import Brains


class Components:
    """Principal components of some people's voxels.

    Parameters
    ----------
    brains, rows
        The people.
    n
        Most components.
    """

    def __init__(self, brains: Brains, rows: np.ndarray, n: int) -> None:
        images = brains.block(rows)
        self.field = (images != 0).any(axis=0)
        away = images[:, self.field].astype(np.float64)
        self.centre = away.mean(axis=0)
        _, sizes, directions = np.linalg.svd(away - self.centre, full_matrices=False)
        self.directions = directions[: min(n, int((sizes > sizes[0] * 1e-6).sum()))]

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.directions)

    def scores(self, images: np.ndarray) -> np.ndarray:
        """Map brains (n, x, y, z) to their scores; (n, k)."""
        return (images[:, self.field] - self.centre) @ self.directions.T

    def rebuilt(self, images: np.ndarray) -> np.ndarray:
        """Brains as the components keep them, zero outside the people's field; (n, x, y, z)."""
        found = np.zeros(images.shape, np.float32)
        found[:, self.field] = self.centre + self.scores(images) @ self.directions
        return found
