"""A brain on FSL's 1 mm grid as SFCN takes it: divided by its mean, cut to the middle."""

from pathlib import Path

import numpy as np
from nibabel.affines import from_matvec

from bids_brainage.errors import InputError
from bids_brainage.preprocessing.brain_image import check_brain, put_on_grid, read_brain

SHAPE = (182, 218, 182)
# FSL's MNI152 at 1 mm, with the first axis to the right.
AFFINE = from_matvec(np.eye(3), (-91.0, -126.0, -72.0))
CUT = (160, 192, 160)


def load_mean_brain(path: Path, mask: Path | None = None) -> np.ndarray:
    """Read a brain in template space, divide it by the mean of the whole grid, and cut it.

    Parameters
    ----------
    path
        T1w in MNI152 space; without ``mask`` zero outside the brain.
    mask
        Brain mask in the same space.

    Returns
    -------
        Single precision, 160 x 192 x 160, zero outside the brain.

    Raises
    ------
    InputError
        If it cannot be read, is not 3D, holds no brain in template space, or its mean is not
        above zero.
    """
    data, affine = read_brain(path, mask)
    data = put_on_grid(data, affine, SHAPE, AFFINE)
    check_brain(data, 1.0, path)
    mean = data.mean(dtype=np.float64)
    if not mean > 0:
        raise InputError(f"the mean of the brain is {mean:.3g}, not above zero", place=path,
                         hint="give a T1w that is not scaled to mean 0")  # fmt: skip
    data = data / mean
    starts = [(whole - part) // 2 for whole, part in zip(SHAPE, CUT, strict=True)]
    x, y, z = (slice(start, start + part) for start, part in zip(starts, CUT, strict=True))
    return np.ascontiguousarray(data[x, y, z], dtype=np.float32)
