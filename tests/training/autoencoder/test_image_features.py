import numpy as np
import pytest

from bids_brainage.training.autoencoder.brains import Brains
from bids_brainage.training.autoencoder.image_features import VOXELS, makers

N = 12


@pytest.fixture
def brains():
    """Brains of noise, with one more piece in the first person alone."""
    generator = np.random.default_rng(0)
    images = np.zeros((N, 8, 8, 8), np.float16)
    images[:, 2:6, 2:6, 2:6] = 1 + generator.normal(size=(N, 4, 4, 4)) * 0.1
    images[0, 6:, 6:, 6:] = 1
    return Brains(
        images=images, labels=tuple(f"p{i}" for i in range(N)), age=np.linspace(20, 50, N),
        bins=np.full(N, "", dtype=object), female=np.arange(N) % 2.0,
        head=generator.normal(1400, 100, N),
    )  # fmt: skip


def test_voxels_are_of_places_where_every_training_person_has_brain(brains):
    found, other = makers(brains, [], 2)[VOXELS](np.arange(8), np.arange(8, N))
    assert found.shape == (8, 8)
    assert other.shape == (4, 8)
