"""Grey-matter volume of atlas regions in standard space, modulated to native volume."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nilearn.maskers import NiftiLabelsMasker

from bids_brainage.errors import InputError
from bids_brainage.features.tissue_volumes import write_volumes
from bids_brainage.preprocessing.parcellation import Atlas
from bids_brainage.preprocessing.templates import labels_on_grid


def modulated_suffix(atlas: Atlas) -> str:
    """File name after the session stem and its underscore."""
    return f"seg-{atlas.name}_desc-modulated_morph.tsv"


def regional_gm(
    gm_mni: nib.Nifti1Image, jacobian: nib.Nifti1Image, atlas: Atlas
) -> dict[str, float]:
    """Sum the modulated grey matter of every region.

    Grey-matter probability times the local volume change of the registration times voxel volume:
    the grey matter that the region has in the native brain (Good et al., 2001,
    doi:10.1006/nimg.2001.0786).

    Parameters
    ----------
    gm_mni
        Grey-matter probability in standard space, 0 to 1.
    jacobian
        Native volume per template volume, on the same grid.
    atlas
        In the same space; carried to the grid by nearest neighbour.

    Returns
    -------
    dict[str, float]
        Region name to mm3 of native space, in the order of the atlas; NaN for a region without
        a voxel on the grid.

    Raises
    ------
    InputError
        If the two images are on different grids, or no region lies on them.
    """
    if gm_mni.shape != jacobian.shape or not np.allclose(gm_mni.affine, jacobian.affine, atol=1e-3):
        raise InputError(
            f"grey matter has shape {gm_mni.shape}, the Jacobian {jacobian.shape}, or they stand "
            "elsewhere",
            hint="run the registration again",
        )
    labels = _labels(atlas, gm_mni)
    present = set(np.unique(labels[labels > 0]).tolist())
    if not present & set(atlas.values):
        raise InputError(
            f"no region of atlas {atlas.name} lies on the image",
            hint="give an atlas in the space of the image",
        )
    voxel = abs(float(np.linalg.det(gm_mni.affine[:3, :3])))
    modulated = np.asarray(gm_mni.dataobj, np.float64) * np.asarray(jacobian.dataobj, np.float64)
    masker = NiftiLabelsMasker(
        nib.Nifti1Image(labels, gm_mni.affine), strategy="sum", standardize=None,
        resampling_target=None, reports=False,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        sums = np.ravel(masker.fit_transform(nib.Nifti1Image(modulated, gm_mni.affine)))
    found = dict(zip(sorted(present), sums * voxel, strict=True))
    return {
        name: float(found.get(value, np.nan))
        for name, value in zip(atlas.regions, atlas.values, strict=True)
    }


def write_regional_gm(
    path_tsv: Path, volumes: Mapping[str, float], atlas: Atlas, sidecar_extra: Mapping[str, Any]
) -> Path:
    """Write modulated volumes in the format of `write_volumes`, with the atlas in the sidecar."""
    description = "Grey matter of atlas regions, modulated by the Jacobian of the registration"
    content = {
        "Description": description,
        "measure": {"Description": f"Region of atlas {atlas.name}"},
        "Atlas": atlas.describe(),
    }
    return write_volumes(path_tsv, volumes, content | dict(sidecar_extra))


def _labels(atlas: Atlas, grid: nib.Nifti1Image) -> np.ndarray:
    try:
        return np.asarray(labels_on_grid(atlas.labels, grid).dataobj).astype(np.int32)
    except ValueError:  # the two fields of view do not touch
        return np.zeros(grid.shape, np.int32)
