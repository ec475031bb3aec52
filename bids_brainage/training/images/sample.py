"""People with images as tensors of one length."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from sklearn.model_selection import GroupKFold, GroupShuffleSplit
from torch import Tensor

from bids_brainage.errors import InputError
from bids_brainage.training.images.people import Person, measured_volumes
from bids_brainage.training.images.recipe import ImageRecipe
from bids_brainage.training.images.volumes import load_volumes

STEP = 5


@dataclass(frozen=True)
class Sample:
    """People as tensors of one length.

    Parameters
    ----------
    images
        Half precision, (n, x, y, z), possibly mapped from the disk.
    age
        Years.
    sex
        One column for female and one for male; NaN where unknown; (n, 2).
    first
        Age in years that a first stage tells; NaN where there is none.
    measures
        Logarithms of volumes relative to the head; (n, k), k = 0 where they were not read.
    """

    images: np.ndarray
    age: Tensor
    sex: Tensor
    first: Tensor
    measures: Tensor

    def marks(self) -> np.ndarray:
        """Some voxels of each image, by which a resumed training knows that images are the same."""
        return np.array(self.images[:, ::STEP, ::STEP, ::STEP])

    def brains(self, rows: Sequence[int] | np.ndarray, device: torch.device) -> Tensor:
        """Images of some people on a device; (k, 1, x, y, z)."""
        block = np.stack([self.images[i] for i in rows]).astype(np.float32)
        return torch.from_numpy(block)[:, None].to(device)


def load_sample(people: Sequence[Person], recipe: ImageRecipe, folder: Path) -> Sample:
    """People, their images on the grid of a recipe, and what they are pretrained on.

    Parameters
    ----------
    folder
        Where the images are kept.

    Raises
    ------
    InputError, OutputError
        If images or volumes cannot be used, or the folder cannot be written.
    """
    images = load_volumes(people, recipe.zooms, recipe.scaling, folder, recipe.shape)
    sample = make_sample(people, images)
    if recipe.pretrain != "volumes":
        return sample
    measures = torch.from_numpy(measured_volumes(people)).float()
    return Sample(images, sample.age, sample.sex, sample.first, measures)


def make_sample(people: Sequence[Person], images: np.ndarray) -> Sample:
    """People and their images as tensors, without ages of a first stage and measures."""
    codes = {"F": (1.0, 0.0), "M": (0.0, 1.0)}
    sex = [codes.get(p.sex or "", (np.nan, np.nan)) for p in people]
    age = torch.tensor([p.age for p in people], dtype=torch.float32)
    nothing = torch.empty(len(people), 0)
    return Sample(images, age, torch.tensor(sex), torch.full_like(age, torch.nan), nothing)


def split_people(people: Sequence[Person], share: float, seed: int) -> tuple[np.ndarray, ...]:
    """Numbers of people to train on and to choose the epoch with; a person is in one of them.

    Raises
    ------
    InputError
        If nobody would be left to train on.
    """
    return split_labels([person.label for person in people], share, seed)


def split_labels(labels: Sequence[str], share: float, seed: int) -> tuple[np.ndarray, ...]:
    """Numbers of images to train on and to choose the epoch with, see `split_people`."""
    everyone = np.arange(len(labels))
    if share == 0:
        return everyone, everyone[:0]
    splitter = GroupShuffleSplit(1, test_size=share, random_state=seed)
    try:
        return next(splitter.split(everyone, groups=labels))
    except ValueError as error:
        raise InputError(f"{len(labels)} people cannot be split with validation = {share:g}",
                         hint="choose another share") from error  # fmt: skip


def person_folds(people: Sequence[Person], n_folds: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Numbers of training and test people of every fold; a person is in one test fold."""
    return label_folds([person.label for person in people], n_folds)


def label_folds(labels: Sequence[str], n_folds: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Numbers of training and test images of every fold, see `person_folds`."""
    order = np.random.default_rng(0).permutation(len(labels))
    splitter = GroupKFold(n_folds)
    groups = np.array(labels)
    return [
        (np.sort(order[a]), np.sort(order[b]))
        for a, b in splitter.split(order, groups=groups[order])
    ]
