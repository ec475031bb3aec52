"""A head made of formulas: it can be moved and sampled anywhere without interpolation."""

import nibabel as nib
import numpy as np

from bids_brainage.preprocessing.functional.rigid import apply
from bids_brainage.records.raw import AnatomicalResult, RawT1w
from bids_brainage.records.segmentation import Segmentation

BOLD_SHAPE = (28, 32, 24)
BOLD_AFFINE = np.array(
    [[-6.0, 0, 0, 81], [0, 5.91, -1.04, -80], [0, 1.04, 5.91, -84], [0, 0, 0, 1]]
)
FINE_SHAPE = (50, 58, 46)
FINE_AFFINE = np.array([[3.0, 0, 0, -73.5], [0, 3, 0, -85.5], [0, 0, 3, -67.5], [0, 0, 0, 1]])
INTENSITY = np.array([0.0, 1000, 820, 1400])


def tissues(points: np.ndarray) -> np.ndarray:
    """Background, GM, WM and CSF at world points ``[3, n]``, ``[4, n]``."""
    x, y, z = points
    radius = np.sqrt((x / 62) ** 2 + ((y + 4 * np.sign(z)) / 76) ** 2 + ((z - y / 9) / 56) ** 2)
    folds = 0.05 * np.sin(x / 7) * np.cos(y / 8) + 0.04 * np.sin(z / 6 + x / 20)
    head = soft(1 - radius)
    white = soft(0.72 + folds - radius)
    middle = soft(0.22 - np.sqrt((x / 40) ** 2 + ((y - 10) / 90) ** 2 + ((z - 8) / 35) ** 2))
    csf = middle * white
    white = white - csf
    return np.stack([1 - head, head - white - csf, white, csf])


def soft(distance: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-distance / 0.02))


def world(shape: tuple[int, ...], affine: np.ndarray) -> np.ndarray:
    voxels = np.indices(shape).reshape(3, -1).astype(float)
    return affine[:3, :3] @ voxels + affine[:3, 3:]


def bold_volume(moved: np.ndarray | None = None, view: np.ndarray = BOLD_AFFINE) -> np.ndarray:
    """Volume in which the head was moved by a matrix (world of the head to that of the run).

    A voxel is the mean of eight points in it, so that it holds no edges sharper than itself.
    """
    back = np.eye(4) if moved is None else np.linalg.inv(moved)
    volume = np.zeros(np.prod(BOLD_SHAPE))
    for corner in np.ndindex(2, 2, 2):
        part = view.copy()
        part[:3, 3] += view[:3, :3] @ (np.array(corner) / 2 - 0.25)
        volume += INTENSITY @ tissues(apply(back, world(BOLD_SHAPE, part))) / 8
    return volume.reshape(BOLD_SHAPE).astype(np.float32)


def anatomy() -> AnatomicalResult:
    """Anatomy of the head; its standard space is its own."""
    probabilities = tissues(world(FINE_SHAPE, FINE_AFFINE)).reshape(4, *FINE_SHAPE)
    probabilities = probabilities.astype(np.float32)
    tissue = probabilities.argmax(axis=0).astype(np.int8)
    segmentation = Segmentation(
        tissue, probabilities, tissue > 0, np.zeros(FINE_SHAPE, np.int16), FINE_AFFINE
    )
    t1w = nib.Nifti1Image((1 - probabilities[0]).astype(np.float32), FINE_AFFINE)
    still = nib.Nifti1Image(np.zeros((*FINE_SHAPE, 1, 3), np.float32), FINE_AFFINE)
    return AnatomicalResult(
        source=RawT1w("T1w.nii.gz"),
        skull_stripped=False,
        preproc=t1w,
        segmentation=segmentation,
        space="MNI152NLin6Asym",
        mni=t1w,
        mni_segmentation=probabilities,
        jacobian=t1w,
        to_mni=still,
        from_mni=still,
        template="phantom",
    )
