"""How well an image sits in the standard space: overlaps, symmetry, field of view, rotation."""

import warnings
from dataclasses import dataclass
from functools import lru_cache

import nibabel as nib
import numpy as np
from nibabel.affines import apply_affine
from nilearn.datasets import load_mni152_wm_template
from nilearn.image import resample_to_img
from scipy import ndimage

from bids_brainage.preprocessing.anatomical.templates import brain_template
from bids_brainage.preprocessing.regions import region_table
from bids_brainage.records.segmentation import Segmentation

_STEP = 4
_MINIMUM_VOXELS = 10
# Centres of mass in MNI152NLin6Asym, mm: means of three heads of IXI with MUSE labels.
LANDMARKS = {
    "BrainStem": (0.0, -30.6, -32.9),
    "Left-Thalamus": (-12.4, -17.7, 6.0),
    "Right-Thalamus": (12.4, -17.7, 6.0),
    "Left-Hippocampus": (-26.7, -21.2, -12.7),
    "Right-Hippocampus": (26.7, -21.2, -12.7),
    "Left-CerebellumGM": (-25.8, -62.4, -36.2),
    "Right-CerebellumGM": (25.8, -62.4, -36.2),
    "Left-OccipitalGM": (-23.0, -80.8, 7.4),
    "Right-OccipitalGM": (24.5, -80.8, 7.4),
}


@dataclass(frozen=True)
class StandardBrain:
    """The template on the grid of an image in its space.

    Parameters
    ----------
    brain, white
        Its brain mask, and its white matter.
    """

    brain: np.ndarray
    white: np.ndarray


def standard_brain(grid: nib.Nifti1Image) -> StandardBrain:
    """Put the template that heads are registered to on the grid of an image.

    White matter is that of nilearn's MNI152 template, which lies within 2 mm of it.

    Raises
    ------
    MissingInputError
        If no template is installed.
    """
    return _standard_brain(tuple(grid.shape[:3]), tuple(np.ravel(grid.affine).tolist()))


@lru_cache(maxsize=2)
def _standard_brain(shape: tuple[int, ...], affine: tuple[float, ...]) -> StandardBrain:
    grid = nib.Nifti1Image(np.zeros(shape, dtype=np.uint8), np.reshape(affine, (4, 4)))
    template = brain_template()
    mask = nib.Nifti1Image(
        ndimage.binary_fill_holes(template.mask).astype(np.float32), template.affine
    )
    white = _on_grid(load_mni152_wm_template(resolution=2), grid)
    return StandardBrain(_on_grid(mask, grid) > 0.5, white > 0.5)


def dice(one: np.ndarray, other: np.ndarray) -> float:
    """Dice overlap of two masks, 0 to 1; NaN if both are empty (Dice 1945, doi:10.2307/1932409)."""
    total = int(one.sum()) + int(other.sum())
    return 2 * int((one & other).sum()) / total if total else float("nan")


def mirrored(mask: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """Mirror a mask at the plane between the hemispheres (x = 0 of the standard space).

    Parameters
    ----------
    affine
        Voxel to RAS world; its axes run along those of the world.
    """
    indices = np.arange(mask.shape[0])
    opposite = np.rint((-2 * affine[0, 3]) / affine[0, 0] - indices).astype(int)
    inside = (opposite >= 0) & (opposite < mask.shape[0])
    result = np.zeros_like(mask)
    result[inside] = mask[opposite[inside]]
    return result


def sampled_points(field: nib.Nifti1Image, brain: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every fourth point of the template's brain, and where a displacement field sends it.

    Parameters
    ----------
    field
        ITK displacement field, 5D, LPS vectors in mm.
    brain
        Mask on the grid of the field.

    Returns
    -------
        Both as points x 3 in RAS world, mm.
    """
    chosen = np.zeros_like(brain)
    chosen[::_STEP, ::_STEP, ::_STEP] = True
    voxels = np.argwhere(brain & chosen)
    vectors = np.asarray(field.dataobj).reshape(*field.shape[:3], 3)[tuple(voxels.T)]
    points = apply_affine(field.affine, voxels)
    return points, points + vectors * (-1.0, -1.0, 1.0)


def share_in_view(points: np.ndarray, image: nib.Nifti1Image) -> float:
    """Share of points (RAS world, mm) that lie inside an image's field of view."""
    voxels = apply_affine(np.linalg.inv(image.affine), points)
    inside = (voxels > -0.5) & (voxels < np.array(image.shape[:3]) - 0.5)
    return float(inside.all(axis=1).mean()) if len(points) else float("nan")


def landmark_distance(segmentation: Segmentation, from_standard: nib.Nifti1Image) -> float:
    """Mean distance in mm of a person's regions from where they belong in the standard space.

    An upside-down image can fill the template's outline; its brain stem then lies at the top.

    Parameters
    ----------
    from_standard
        ITK displacement field on the grid of the T1w: where each of its points lies in the
        standard space.

    Returns
    -------
        NaN if no region of :data:`LANDMARKS` was found.
    """
    numbers = {region.name: region.number for region in region_table()}
    vectors = np.asarray(from_standard.dataobj)
    distances = []
    for name, place in LANDMARKS.items():
        voxels = np.argwhere(segmentation.regions == numbers[name])
        if len(voxels) < _MINIMUM_VOXELS:
            continue
        points = apply_affine(segmentation.affine, voxels)
        nodes = np.rint(apply_affine(np.linalg.inv(from_standard.affine), points)).astype(int)
        nodes = np.clip(nodes, 0, np.array(vectors.shape[:3]) - 1)
        shifts = vectors[tuple(nodes.T)].reshape(-1, 3) * (-1.0, -1.0, 1.0)
        distances.append(float(np.linalg.norm((points + shifts).mean(axis=0) - place)))
    return float(np.mean(distances)) if distances else float("nan")


def rotation(points: np.ndarray, moved: np.ndarray) -> float:
    """Angle in degrees of the rotation between two sets of points, NaN without enough points.

    Of the affine map that fits them best, by polar decomposition.
    """
    if len(points) < 4:
        return float("nan")
    here, there = points - points.mean(axis=0), moved - moved.mean(axis=0)
    linear = np.linalg.lstsq(here, there, rcond=None)[0].T
    left, _, right = np.linalg.svd(linear)
    return float(np.degrees(np.arccos(np.clip((np.trace(left @ right) - 1) / 2, -1, 1))))


def _on_grid(image: nib.Nifti1Image, grid: nib.Nifti1Image) -> np.ndarray:
    with warnings.catch_warnings():
        # A mask becomes the share of each voxel that it covers, as wanted.
        warnings.filterwarnings("ignore", "Resampling binary images", UserWarning)
        moved = resample_to_img(
            image, grid, interpolation="linear", copy_header=True, force_resample=True
        )
    return np.asarray(moved.dataobj)
