import numpy as np
import pytest

from bids_brainage.training.autoencoder.brains import Brains
from bids_brainage.training.gan.recipe import GanRecipe
from bids_brainage.training.gan.sample import make_cubes


@pytest.fixture(scope="session")
def recipe():
    """Networks of a few channels and cubes of 16 voxels."""
    return GanRecipe(
        width=0.1, side=16, epochs=2, batch_size=5, learning_rate=1e-3, n_pairs=20,
        encoder_epochs=2, encoder_rate=1e-3, classifier_epochs=2, classifier_rate=1e-3,
        n_judged=10,
    )  # fmt: skip


@pytest.fixture(scope="session")
def sample(recipe):
    """24 invented brains; those of women are larger."""
    generator = np.random.default_rng(0)
    at = np.stack(np.meshgrid(*[np.linspace(-1, 1, n) for n in (14, 17, 14)], indexing="ij"))
    female = np.arange(24) % 2
    images = np.array([
        np.where((at**2).sum(axis=0) < 0.6 + 0.3 * sex, 1 + 0.1 * generator.random(at.shape[1:]), 0)
        for sex in female
    ])  # fmt: skip
    brains = Brains(
        images=images.astype(np.float16),
        labels=tuple(f"p{i}" for i in range(24)),
        age=np.linspace(20, 70, 24),
        bins=np.full(24, "", dtype=object),
        female=female.astype(float),
        head=np.full(24, np.nan),
    )
    return make_cubes(brains, recipe)
