"""Volumes of tissues and regions in native space, in the format of FreeSurfer morphometry."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from bids_brainage.bids.outputs import write_json, write_tsv
from bids_brainage.preprocessing.regions import region_table
from bids_brainage.records.segmentation import TISSUES, Segmentation

SUFFIX = "desc-volumes_morph.tsv"
TOTAL = "ICV"
TISSUE_MEASURES = (TOTAL, *TISSUES[1:])


def volume_names() -> tuple[str, ...]:
    """Names of all measures in the order of the table: totals, then regions."""
    return (*TISSUE_MEASURES, *(region.name for region in region_table()))


def tissue_volumes(segmentation: Segmentation) -> dict[str, float]:
    """Measure tissues by their probabilities and regions by their voxels.

    Probabilities are summed over the brain mask and one voxel around it, so that voxels that the
    edge of the brain cuts count in part. ``ICV`` is the sum of the three tissues.

    Returns
    -------
    dict[str, float]
        `volume_names` to mm3; NaN for a region without a voxel.
    """
    voxel = abs(float(np.linalg.det(segmentation.affine[:3, :3])))
    near = ndimage.binary_dilation(segmentation.brain)
    tissues = segmentation.probabilities[1:, near].sum(axis=1, dtype=np.float64) * voxel
    values = dict(zip(TISSUES[1:], (float(v) for v in tissues), strict=True))
    counts = np.bincount(segmentation.regions.ravel(), minlength=len(region_table()) + 1)
    regions = {region.name: float(counts[region.number]) * voxel for region in region_table()}
    return (
        {TOTAL: sum(values.values())}
        | values
        | {name: volume if volume > 0 else float("nan") for name, volume in regions.items()}
    )


def write_volumes(
    path_tsv: Path, volumes: Mapping[str, float], sidecar_extra: Mapping[str, Any]
) -> Path:
    """Write volumes as ``measure value unit``, and a JSON sidecar.

    Parameters
    ----------
    path_tsv
        Path of the table; the sidecar stands beside it.
    volumes
        Measure name to mm3; NaN where missing.
    sidecar_extra
        Entries added to the sidecar, such as ``Sources`` as BIDS URIs.
    """
    sidecar = {
        "Description": "Volumes of tissues (from their probabilities) and of regions, native space",
        "measure": {
            "Description": "ICV (GM, WM and CSF together), tissue, or region (MUSE codes grouped)"
        },
        "value": {"Description": "Measured volume; n/a where no voxel was found"},
        "unit": {"Levels": {"mm3": "cubic millimetre"}},
        **sidecar_extra,
    }
    rows = [{"measure": m, "value": float(v), "unit": "mm3"} for m, v in volumes.items()]
    write_json(path_tsv.with_suffix(".json"), sidecar)
    return write_tsv(path_tsv, rows, ("measure", "value", "unit"))
