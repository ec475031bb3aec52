"""White matter and ventricles of the template, and components of the noise in them."""

from dataclasses import dataclass
from functools import lru_cache

import nibabel as nib
import numpy as np
from nilearn.datasets import load_mni152_wm_template
from nilearn.image import resample_to_img
from scipy import ndimage

from bids_brainage.errors import InputError
from bids_brainage.preprocessing.harvard_oxford import lateral_ventricles
from bids_brainage.preprocessing.templates import at_2_mm, brain_mask

MINIMUM_VOXELS = 20
MAXIMUM_VOXELS = 20_000
_WHITE_MATTER = 0.9
_VENTRICLE = 0.5


@dataclass(frozen=True)
class TissueMasks:
    """Voxels of pure tissue on the grid of a run.

    Parameters
    ----------
    white_matter, csf
        Boolean arrays; white matter is eroded, CSF is the lateral ventricles.
    """

    white_matter: np.ndarray
    csf: np.ndarray


def tissue_masks(reference: nib.Nifti1Image, inside: np.ndarray) -> TissueMasks:
    """Tissue masks from template probability maps, for runs without CompCor columns.

    White matter: at least 90 % in the MNI ICBM 152 2009a template, eroded by one voxel where
    enough is left. CSF: lateral ventricles, at least 50 % in the Harvard-Oxford maps. Both in
    template space, so no mask of the person is needed.

    Parameters
    ----------
    reference
        3D image whose grid is used.
    inside
        Voxels of the brain mask that carry signal.
    """
    white = _on_grid(_white_matter(), reference) >= _WHITE_MATTER
    eroded = ndimage.binary_erosion(white) & inside
    if eroded.sum() < 10 * MINIMUM_VOXELS:
        eroded = white & inside
    ventricles = _on_grid(lateral_ventricles(), reference) >= _VENTRICLE
    return TissueMasks(eroded, ventricles & inside & ~eroded)


def template_brain(reference: nib.Nifti1Image) -> np.ndarray:
    """Brain mask of the template on the grid of a run, for runs without a mask."""
    return np.asarray(brain_mask(reference).dataobj) > 0


def thin_out(mask: np.ndarray) -> np.ndarray:
    """Flat indices of a mask's voxels, evenly thinned to a number that fits in memory."""
    indices = np.flatnonzero(mask)
    step = -(-len(indices) // MAXIMUM_VOXELS)
    return indices[:: max(step, 1)]


def noise_components(voxels: np.ndarray, n_components: int, steady: np.ndarray) -> np.ndarray:
    """Principal components of noise voxels (aCompCor).

    Behzadi et al. 2007, doi:10.1016/j.neuroimage.2007.04.042. As in C-PAC, voxel series lose their
    linear and quadratic trend and are scaled to unit variance first.

    Parameters
    ----------
    voxels
        Volumes x voxels.
    steady
        Volumes of the steady state; components are zero elsewhere.

    Returns
    -------
        Volumes x components, in falling order of explained variance.

    Raises
    ------
    InputError
        If there are too few voxels that vary.
    """
    data = voxels[steady].astype(np.float64)
    level = np.abs(data).max(axis=0)
    basis = np.column_stack([np.ones(len(data)), polynomial_trend(len(data), 2)])
    data -= basis @ np.linalg.lstsq(basis, data, rcond=None)[0]
    spread = data.std(axis=0)
    varies = spread > 1e-6 * level
    if varies.sum() < max(MINIMUM_VOXELS, n_components):
        raise InputError(
            f"only {int(varies.sum())} voxels of white matter and ventricles for CompCor",
            hint="use fMRIPrep's confounds, or --denoising 24P",
        )
    data = data[:, varies] / spread[varies]
    values, vectors = np.linalg.eigh(data @ data.T)
    strongest = vectors[:, np.argsort(values)[::-1][:n_components]]
    # The sign of an eigenvector is arbitrary; fix it so that reruns write the same numbers.
    largest = np.abs(strongest).argmax(axis=0)
    strongest = strongest * np.sign(strongest[largest, np.arange(strongest.shape[1])])
    components = np.zeros((len(voxels), strongest.shape[1]))
    components[steady] = strongest
    return components


def polynomial_trend(n_volumes: int, order: int) -> np.ndarray:
    """Legendre polynomials of order 1 to ``order``, volumes x order."""
    time = np.linspace(-1, 1, n_volumes)
    return np.polynomial.legendre.legvander(time, order)[:, 1:]


@lru_cache(maxsize=1)
def _white_matter() -> nib.Nifti1Image:
    return at_2_mm(load_mni152_wm_template(resolution=1))


def _on_grid(image: nib.Nifti1Image, reference: nib.Nifti1Image) -> np.ndarray:
    resampled = resample_to_img(
        image, reference, interpolation="linear", force_resample=True, copy_header=True
    )
    return np.asarray(resampled.dataobj)
