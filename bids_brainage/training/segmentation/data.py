"""Heads and brains to train on: images at 2 mm with region and tissue labels."""

import hashlib
import logging
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import nibabel as nib
import numpy as np
import torch

from bids_brainage.errors import DatasetError, OutputError
from bids_brainage.preprocessing.regions import region_tissues, regions_of_codes
from bids_brainage.preprocessing.separable import resample_axes
from bids_brainage.training.segmentation.carry import ants_tissues, brain_box, carry_labels, refine

logger = logging.getLogger(__name__)
SPACING = 2.0
T1W = "sub-*/**/anat/*_T1w.nii*"
N_HEAD_CLASSES = 5


@dataclass(frozen=True)
class Head:
    """One image with labels, RAS+, 2 mm.

    Parameters
    ----------
    name, dataset
        Participant and the dataset's folder.
    image
        T1w, float32.
    regions
        Region numbers of ``data/regions.tsv``.
    whole
        Whether the skull is there.
    donor
        Head whose labels were carried to this one; empty if the labels are its own.
    surroundings
        Classes outside the brain, numbered from 1, by intensity; for synthesis.
    """

    name: str
    dataset: str
    image: np.ndarray = field(repr=False)
    regions: np.ndarray = field(repr=False)
    surroundings: np.ndarray = field(repr=False)
    whole: bool = True
    donor: str = ""

    @property
    def tissue(self) -> np.ndarray:
        """Tissue numbers: 0 background, 1 GM, 2 WM, 3 CSF."""
        return np.asarray(region_tissues(), np.int8)[self.regions]


def find_datasets(root: Path) -> tuple[str, ...]:
    """Return the names of the folders that hold a T1w.

    Raises
    ------
    DatasetError
        If there is none.
    """
    names = tuple(p.name for p in sorted(root.glob("*/")) if any(p.glob(T1W)))
    if not names:
        raise DatasetError("no dataset with a T1w", place=root, hint="give the folder above them")
    return names


def load_heads(root: Path, datasets: Sequence[str], labels: Path, processes: int = 1) -> list[Head]:
    """Read all T1w images of BIDS datasets with their labels.

    A T1w whose dataset holds a label image of it with MUSE codes
    (``derivatives/*/sub-*/**/*_dseg.nii.gz``) is a labelled head. Every other image must be
    skull-stripped; it gets the labels of one labelled head by registration, refined by ANTs.

    Parameters
    ----------
    root
        Folder with the datasets.
    datasets
        Their folder names.
    labels
        Where carried labels are kept for the next time.
    processes
        Registrations at once.

    Raises
    ------
    DatasetError
        If there is no labelled head.
    """
    labelled: list[tuple[str, Path, Path]] = []
    bare: list[tuple[str, Path]] = []
    for name in datasets:
        folder = root / name
        for path in sorted(folder.glob(T1W)):
            stem = path.name.partition("_T1w")[0]
            found = sorted(folder.glob(f"derivatives/*/**/{stem}_*dseg.nii*"))
            if found:
                labelled.append((name, path, found[0]))
            else:
                bare.append((name, path))
    if not labelled:
        raise DatasetError(
            "no T1w with a label image of MUSE codes",
            place=root,
            hint="put them into derivatives/NAME/sub-X/anat/sub-X_…_dseg.nii.gz",
        )
    heads = [_labelled(*found) for found in labelled]
    jobs = [
        (name, path, heads[index % len(heads)], labels) for index, (name, path) in enumerate(bare)
    ]
    if processes > 1 and jobs:
        with ProcessPoolExecutor(processes) as pool:
            return heads + list(pool.map(_carried, jobs))
    return heads + [_carried(job) for job in jobs]


def read_image(path: Path, *, integer: bool = False) -> np.ndarray:
    """Read an image in RAS+ at 2 mm; labels must be at 2 mm already."""
    image = nib.as_closest_canonical(nib.load(path))
    data = np.asarray(image.dataobj)
    zooms = [float(z) for z in image.header.get_zooms()[:3]]
    if integer:
        return np.rint(data).astype(np.int16)
    data = data.astype(np.float32)
    if np.allclose(zooms, SPACING, atol=0.01):
        return data
    shape = [max(1, round(n * z / SPACING)) for n, z in zip(data.shape, zooms, strict=True)]
    return resample_axes(torch.from_numpy(data), zooms, shape, [SPACING] * 3).numpy()


def surrounding_classes(image: np.ndarray, brain: np.ndarray) -> np.ndarray:
    """Cut what is outside the brain into classes of intensity; air is 0."""
    outside = ~brain & (image > 0.12 * np.percentile(image[brain], 50))
    values = image[outside]
    edges = np.quantile(values, np.linspace(0, 1, N_HEAD_CLASSES + 1)[1:-1])
    classes = np.zeros(image.shape, np.int16)
    classes[outside] = 1 + np.searchsorted(edges, values)
    return classes


def _labelled(dataset: str, path: Path, labels: Path) -> Head:
    image = read_image(path)
    regions = regions_of_codes(read_image(labels, integer=True))
    if regions.shape != image.shape:
        raise DatasetError(
            f"labels of {regions.shape} voxels for an image of {image.shape}", place=path
        )
    return Head(_person(path), dataset, image, regions, surrounding_classes(image, regions > 0))


def _carried(job: tuple[str, Path, Head, Path]) -> Head:
    dataset, path, donor, folder = job
    image = read_image(path)
    digest = hashlib.sha256(image.tobytes() + donor.image.tobytes()).hexdigest()[:16]
    store = folder / f"{_person(path)}_from-{donor.name}_{digest}.npz"
    if store.is_file():
        with np.load(store, allow_pickle=False) as arrays:
            regions = arrays["regions"]
    else:
        logger.info("labels for %s from %s", _person(path), donor.name)
        box = brain_box(image)
        carried = carry_labels(image[box], donor.image, donor.regions)
        regions = np.zeros(image.shape, np.int16)
        regions[box] = refine(carried, ants_tissues(image[box], carried))
        try:
            folder.mkdir(parents=True, exist_ok=True)
            np.savez_compressed(store, regions=regions)
        except OSError as error:
            raise OutputError(f"cannot write: {error.strerror}", place=store) from error
    none = np.zeros(image.shape, np.int16)
    return Head(_person(path), dataset, image, regions, none, False, donor.name)


def _person(path: Path) -> str:
    return path.name.partition("_")[0]
