"""Write images as packed NIfTI in one step, small and the same bytes each time."""

import gzip
from pathlib import Path

import nibabel as nib
import numpy as np

from bids_brainage.bids.outputs import write_bytes

# Measured on a 0.7 mm head: level 3 takes 1.3 times as long as 1 for 3 % less, level 9 six times.
PACKING = 1


def scaled_image(data: np.ndarray, affine: np.ndarray, step: float, kind: type) -> nib.Nifti1Image:
    """Image of whole multiples of a step, stored as integers with a scaling factor.

    Parameters
    ----------
    step
        Smallest difference that is kept; larger if the integers would not reach the largest
        value.
    kind
        Integer type.
    """
    limits = np.iinfo(kind)
    step = max(step, float(data.max()) / limits.max) or 1.0
    whole = np.clip(np.rint(data / step), limits.min, limits.max)
    image = nib.Nifti1Image(whole.astype(kind), affine)
    image.header.set_slope_inter(step, 0)
    return image


def write_nifti(path: Path, image: nib.Nifti1Image, *, world: int = 1) -> Path:
    """Write a ``.nii.gz`` under another name first, so that no reader ever sees half of it.

    Parameters
    ----------
    world
        NIfTI code of the space: 1 scanner, 4 MNI.

    Raises
    ------
    OutputError
        If the folder cannot be written.
    """
    image.header.set_xyzt_units("mm", image.header.get_xyzt_units()[1])
    image.header.set_sform(image.affine, world)
    image.header.set_qform(image.affine, world)
    return write_bytes(path, gzip.compress(image.to_bytes(), PACKING, mtime=0))
