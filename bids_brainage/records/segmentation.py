"""A brain cut into tissues and regions."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

TISSUES = ("background", "GM", "WM", "CSF")


@dataclass(frozen=True)
class Segmentation:
    """Tissues and regions of one head.

    Parameters
    ----------
    tissue
        Per voxel 0 background, 1 grey matter, 2 white matter, 3 CSF (the numbers that BIDS
        derivatives use).
    probabilities
        float32, ``[4, x, y, z]`` in that order; they sum to 1.
    brain
        Intracranial mask: grey matter, white matter and CSF, one piece without holes.
    regions
        Region numbers of ``data/regions.tsv``, 0 outside.
    affine
        Voxel to RAS world, mm.
    """

    tissue: "np.ndarray"
    probabilities: "np.ndarray"
    brain: "np.ndarray"
    regions: "np.ndarray"
    affine: "np.ndarray"
