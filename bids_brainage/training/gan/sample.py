"""People as cubes, real ones and generated ones in the same form."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from sklearn.model_selection import GroupShuffleSplit
from torch import Tensor

from bids_brainage.errors import InputError
from bids_brainage.models.cubes import to_cubes
from bids_brainage.training.aegan import AeganOptions
from bids_brainage.training.autoencoder.brains import Brains, load_brains
from bids_brainage.training.gan.recipe import GanRecipe

BLOCK = 16
STEP = 7
FEWEST = 4  # people in a sample to train on


@dataclass(frozen=True)
class CubeSample:
    """People as cubes.

    Parameters
    ----------
    cubes
        Half precision, between 0 and 1; (n, side, side, side).
    brains
        What is known of the people, and their images.
    """

    cubes: np.ndarray
    brains: Brains

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.cubes)

    @property
    def female(self) -> np.ndarray:
        """1, or 0 for male; NaN where unknown."""
        return self.brains.female

    @property
    def age(self) -> np.ndarray:
        """Years; NaN where unknown."""
        return self.brains.age

    def block(self, rows: Sequence[int] | np.ndarray) -> Tensor:
        """Cubes of some people in single precision; (k, side, side, side)."""
        return take(self.cubes, rows)

    def marks(self) -> np.ndarray:
        """Some voxels of each cube, by which a resumed training knows that they are the same."""
        return np.array(self.cubes[:, ::STEP, ::STEP, ::STEP])

    def split(self, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Numbers of images to train on, and of those kept apart; a person is in one of them.

        Raises
        ------
        InputError
            If too few people would be left to train on.
        """
        everyone = np.arange(len(self))
        kept, apart = everyone, everyone[:0]
        if share > 0:
            splitter = GroupShuffleSplit(1, test_size=share, random_state=seed)
            try:
                kept, apart = next(splitter.split(everyone, groups=self.brains.labels))
            except ValueError as error:
                raise InputError(f"{len(self)} people cannot be split with held_out = {share:g}",
                                 hint="give more people") from error  # fmt: skip
        if len(kept) < FEWEST:
            raise InputError(f"{len(kept)} people to train on", hint=f"give {FEWEST} or more")
        return kept, apart


def load_cubes(options: AeganOptions) -> CubeSample:
    """Read the people of the options' data as cubes of the recipe.

    Raises
    ------
    UsageError, InputError, MissingInputError, OutputError
        As `bids_brainage.training.autoencoder.brains.load_brains`.
    """
    return make_cubes(load_brains(options), options.recipe)


def make_cubes(brains: Brains, recipe: GanRecipe) -> CubeSample:
    """Turn brains into cubes, as the finished model does with those of a user."""
    parts = [
        to_cubes(
            torch.from_numpy(brains.block(np.arange(start, min(start + BLOCK, len(brains))))),
            recipe.side,
            recipe.quantile,
        )
        .half()
        .numpy()
        for start in range(0, len(brains), BLOCK)
    ]
    return CubeSample(np.concatenate(parts), brains)


def take(cubes: np.ndarray, rows: Sequence[int] | np.ndarray) -> Tensor:
    """Some cubes in single precision; (k, side, side, side)."""
    return torch.from_numpy(np.stack([cubes[i] for i in rows]).astype(np.float32))
