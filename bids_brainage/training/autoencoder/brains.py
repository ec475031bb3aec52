"""Brains on the grid of the autoencoder and of the GAN, with what is known of the people."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bids_brainage.errors import BrainAgeError, InputError, UsageError
from bids_brainage.features.tissue_volumes import TOTAL
from bids_brainage.features.vectors import volumes_vector
from bids_brainage.models.image_autoencoder import SCALING, SHAPE, ZOOMS
from bids_brainage.training.aegan import AeganOptions
from bids_brainage.training.autoencoder.tensors import TENSORS, read_labels, read_tensors
from bids_brainage.training.images.people import Person, load_people
from bids_brainage.training.images.sample import label_folds
from bids_brainage.training.images.volumes import load_volumes

logger = logging.getLogger(__name__)
KEPT = "images"
FEMALE = {"F": 1.0, "M": 0.0}
MALE_CODES = {"0": "1", "1": "0", "2": "1"}  # by the code of women
STEP = 5


@dataclass(frozen=True)
class Brains:
    """Brains and what is known of the people.

    Parameters
    ----------
    images
        Half precision, (n, 58, 70, 58), possibly mapped from the disk; the background is 0 and
        the median of a brain's voxels is 1.
    labels
        Whom each image shows.
    age
        Years; NaN where only the bin is known.
    bins
        Bin of the age as text; empty where it is not told.
    female
        1, or 0 for male; NaN where unknown.
    head
        Size of the head (intracranial volume) in mm3; NaN where unknown.
    """

    images: np.ndarray
    labels: tuple[str, ...]
    age: np.ndarray
    bins: np.ndarray
    female: np.ndarray
    head: np.ndarray

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.labels)

    def folds(self, n_folds: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """Numbers of training and test images of every fold; a person is in one test fold.

        Raises
        ------
        InputError
            If there are fewer people than folds.
        """
        if len(set(self.labels)) < n_folds:
            raise InputError(f"{len(set(self.labels))} people for {n_folds} folds",
                             hint="give more people or fewer folds")  # fmt: skip
        return label_folds(self.labels, n_folds)

    def block(self, rows: Sequence[int] | np.ndarray) -> np.ndarray:
        """Some images in single precision; (k, x, y, z)."""
        return np.stack([self.images[i] for i in rows]).astype(np.float32)

    def marks(self) -> np.ndarray:
        """Some voxels of each image, by which a resumed training knows that images are the same."""
        return np.array(self.images[:, ::STEP, ::STEP, ::STEP])


def load_brains(options: AeganOptions) -> Brains:
    """Read the brains of the options' data; they are kept in the output folder.

    The data are OUTPUT_DIRs of the participant level, a folder of images with a table, or a folder
    with ``tensors.npy``, ``age.npy`` or ``age.csv`` and ``sex.npy``.

    Raises
    ------
    UsageError, InputError, MissingInputError
        If there is nothing to read, or an image or label cannot be used.
    OutputError
        If the images cannot be kept.
    """
    own = [folder for folder in options.data if (folder / TENSORS).is_file()]
    if own and len(options.data) > 1:
        raise UsageError(f"{TENSORS} beside other data", hint="give that folder alone")
    if own and options.table:
        raise UsageError(f"a table with {TENSORS}", place=options.table,
                         hint="ages and sexes are in age.npy and sex.npy beside it")  # fmt: skip
    if own:
        return _from_tensors(own[0], options)
    people: list[Person] = []
    codes = {options.female: "F", MALE_CODES[options.female]: "M"}
    for folder in options.data:
        people += load_people(folder, options.table, codes if options.table else None)
    images = load_volumes(people, ZOOMS, SCALING, options.output / KEPT, SHAPE)
    return Brains(
        images=images,
        labels=tuple(person.label for person in people),
        age=np.array([person.age for person in people], float),
        bins=np.full(len(people), "", dtype=object),
        female=np.array([FEMALE.get(person.sex or "", np.nan) for person in people]),
        head=np.array([_head(person) for person in people]),
    )


def _from_tensors(folder: Path, options: AeganOptions) -> Brains:
    images = read_tensors(folder, options.output / KEPT, SHAPE, SCALING)
    n = len(images)
    age, bins, female = read_labels(folder, n, options.bins, options.age_codes)
    labels = tuple(f"row-{number:05d}" for number in range(n))
    logger.info("people are taken for unrelated: %s has no families", folder)
    return Brains(images, labels, age, bins, female, np.full(n, np.nan))


def _head(person: Person) -> float:
    if person.volumes is None:
        return float("nan")
    try:
        return float(volumes_vector(person.volumes, (TOTAL,))[0])
    except BrainAgeError as error:
        logger.info("no head size of %s: %s", person.label, error)
        return float("nan")
