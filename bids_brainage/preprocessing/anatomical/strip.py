"""Tell whether an image is without skull already."""

import nibabel as nib
import numpy as np
from scipy import ndimage

from bids_brainage.records.segmentation import Segmentation

SIGNAL = 0.15
MARGIN_MM = 6.0
LARGEST_REST = 0.05
LARGEST_BRAIN_ML = 2300.0


def is_skull_stripped(
    image: nib.Nifti1Image, stated: bool | None, segmentation: Segmentation | None = None
) -> tuple[bool, str]:
    """Tell whether an image is without skull already, and why.

    The sidecar is believed; the image is looked at in any case. With a segmentation, what counts
    is signal beyond the brain mask; without, how much of the image is empty and how large the
    rest is.

    Parameters
    ----------
    image
        T1w as loaded.
    stated
        ``SkullStripped`` of its sidecar; None if absent.

    Returns
    -------
    tuple[bool, str]
        Whether it is, and the reason in plain words, with the contradiction if there is one.
    """
    looks, seen = (
        _by_size(image) if segmentation is None else _beyond_brain(image, segmentation.brain)
    )
    if stated is None:
        return looks, f"by looking: {seen}"
    if stated is not looks:
        return stated, f"the sidecar says SkullStripped {str(stated).lower()}, although {seen}"
    return stated, f"the sidecar says so, and {seen}"


def _beyond_brain(image: nib.Nifti1Image, brain: np.ndarray) -> tuple[bool, str]:
    data = np.asarray(image.dataobj)
    sizes = image.header.get_zooms()[:3]
    step = tuple(max(1, int(3 / size)) for size in sizes)
    thin = data[:: step[0], :: step[1], :: step[2]]
    mask = brain[:: step[0], :: step[1], :: step[2]].astype(bool)
    if not mask.any():
        return _by_size(image)
    spacing = [size * n for size, n in zip(sizes, step, strict=True)]
    far = ndimage.distance_transform_edt(~mask, sampling=spacing) > MARGIN_MM
    typical = float(np.median(thin[mask]))
    share = float((thin[far] > SIGNAL * typical).sum() / mask.sum())
    return share < LARGEST_REST, (
        f"signal more than {MARGIN_MM:g} mm beyond the brain amounts to {share:.0%} of the brain"
    )


def _by_size(image: nib.Nifti1Image) -> tuple[bool, str]:
    data = np.asarray(image.dataobj)[::2, ::2, ::2]
    voxel_ml = abs(np.linalg.det(image.affine[:3, :3])) * 8 / 1000
    filled = data > 0.02 * float(np.percentile(data[data > 0], 98))
    empty = float((data == 0).mean())
    volume = float(filled.sum() * voxel_ml)
    stripped = volume < LARGEST_BRAIN_ML and empty > 0.3
    return stripped, f"{empty:.0%} of the image is exactly empty and the rest has {volume:.0f} ml"
