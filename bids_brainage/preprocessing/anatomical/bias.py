"""Slow changes of brightness across the head, by N4 on a small copy of the brain."""

from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
from scipy import ndimage

from bids_brainage.errors import InputError
from bids_brainage.preprocessing.anatomical.itk import (
    box_around,
    crop_affine,
    from_itk,
    pool_factors,
    pooled,
    to_itk,
)
from bids_brainage.records.segmentation import Segmentation

# Measured: finer copies take ten times as long for the same field; a fourth level takes contrast
# from between grey and white matter.
COPY_MM = 4.0
ITERATIONS = (40, 40, 40)
CONVERGENCE = 1e-4
_MARGIN_MM = 10.0
_WHITE = 2


@dataclass(frozen=True)
class BiasField:
    """Logarithm of the bias field on a coarse grid around the brain.

    Parameters
    ----------
    log
        Natural logarithm, 0 at the median of the white matter.
    corner, factors
        First voxel of the T1w that the coarse grid covers; voxels per coarse voxel.
    """

    log: np.ndarray
    corner: tuple[int, ...]
    factors: tuple[int, ...]


def estimate_bias(
    image: nib.Nifti1Image, segmentation: Segmentation, path: Path, threads: int
) -> BiasField:
    """N4 inside the brain mask, on blocks of about 4 mm.

    Tustison et al. 2010, doi:10.1109/TMI.2010.2046908.

    Parameters
    ----------
    image
        T1w as loaded.
    path
        Place named in errors.

    Raises
    ------
    InputError
        If the mask holds no signal, or N4 fails.
    """
    import SimpleITK

    data = np.asarray(image.dataobj)
    sizes = np.linalg.norm(image.affine[:3, :3], axis=0)
    box = box_around(segmentation.brain, tuple(int(np.ceil(_MARGIN_MM / s)) for s in sizes))
    affine = crop_affine(image.affine, box)
    small, small_affine = pooled(data[box], affine, COPY_MM)
    mask = pooled(segmentation.brain[box], affine, COPY_MM)[0] > 0.5
    white = pooled(segmentation.tissue[box] == _WHITE, affine, COPY_MM)[0] > 0.5
    # The logarithm needs values above 0.
    typical = float(np.median(small[mask])) if mask.any() else 0.0
    if typical <= 0:
        raise InputError(
            "the brain mask holds no signal", place=path, hint="look at the image, or leave it out"
        )
    mask &= small > 0.02 * typical
    field = SimpleITK.N4BiasFieldCorrectionImageFilter()
    field.SetMaximumNumberOfIterations(list(ITERATIONS))
    field.SetConvergenceThreshold(CONVERGENCE)
    field.SetNumberOfThreads(threads)
    source = to_itk(small, small_affine)
    inside = SimpleITK.Cast(to_itk(mask, small_affine), SimpleITK.sitkUInt8)
    try:
        field.Execute(source, inside)
        log = from_itk(field.GetLogBiasFieldAsImage(source)).astype(np.float32)
    except RuntimeError as error:
        raise InputError(
            f"the bias correction failed: {str(error).strip().splitlines()[-1]}",
            place=path,
            hint="look at the image, or leave it out",
        ) from error
    centre = mask & white if (mask & white).any() else mask
    log -= np.median(log[centre])
    return BiasField(log, tuple(part.start for part in box), pool_factors(image.affine, COPY_MM))


def divide_bias(image: nib.Nifti1Image, bias: BiasField) -> nib.Nifti1Image:
    """Divide a T1w by its bias field, carried to full resolution by linear interpolation.

    Beyond the brain's box the nearest value of the field holds. White matter keeps its typical
    brightness, so that intensities stay in the units of the file.
    """
    data = np.asarray(image.dataobj)
    factors = np.array(bias.factors, dtype=float)
    log = ndimage.affine_transform(
        bias.log,
        1 / factors,
        offset=-(np.array(bias.corner) + (factors - 1) / 2) / factors,
        output_shape=data.shape,
        output=np.float32,
        order=1,
        mode="nearest",
        prefilter=False,
    )
    np.negative(log, out=log)
    np.exp(log, out=log)
    log *= data
    corrected = nib.Nifti1Image(log, image.affine)
    corrected.header.set_xyzt_units("mm")
    return corrected
