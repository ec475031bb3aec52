"""Truth about one of the real labelled heads."""

import csv
from pathlib import Path

import nibabel as nib
import numpy as np

from bids_brainage.records.segmentation import TISSUES, Segmentation

REAL = "IXI012"


def read_labels(dataset: Path) -> Segmentation:
    """Tissues of the dataset's region labels, RAS+."""
    folder = dataset / "derivatives" / "dlmuse"
    with (folder / "dlmuse_tissues.tsv").open(encoding="utf-8") as file:
        tissues = {
            int(row["code"]): TISSUES.index(row["tissue"])
            for row in csv.DictReader(file, delimiter="\t")
        }
    name = f"sub-{REAL}_desc-dlmuse_dseg.nii.gz"
    image = nib.as_closest_canonical(nib.load(folder / f"sub-{REAL}" / "anat" / name))
    codes = np.asarray(image.dataobj).astype(int)
    of_code = np.zeros(max(*tissues, codes.max()) + 1, dtype=np.int8)
    of_code[list(tissues)] = list(tissues.values())
    tissue = of_code[codes]
    return Segmentation(
        tissue=tissue,
        probabilities=np.stack([tissue == n for n in range(4)]).astype(np.float32),
        brain=tissue > 0,
        regions=np.zeros(tissue.shape, dtype=np.int16),
        affine=image.affine,
    )
