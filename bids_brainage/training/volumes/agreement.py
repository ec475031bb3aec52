"""Our volumes beside those of DLMUSE on heads that have both."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bids_brainage.errors import InputError
from bids_brainage.preprocessing.images import image_data, open_nifti
from bids_brainage.preprocessing.regions import region_table, regions_of_codes
from bids_brainage.records.segmentation import TISSUES
from bids_brainage.training.volumes.table import IMAGES, MUSE, VolumeTable, make_table

LABELS = "derivatives/*/{person}/**/*_dseg.nii.gz"
COLUMNS = ("measure", "n", "n_unseen", "ours_ml", "dlmuse_ml", "median_ratio", "pcc")


def labelled_volumes(path: Path) -> dict[str, float]:
    """Measure an image of MUSE codes: regions, tissues and their sum, in mm3.

    Raises
    ------
    InputError
        If it cannot be read or holds no known code.
    """
    hint = "give an image of MUSE codes"
    image = open_nifti(path, "label image", hint)
    regions = regions_of_codes(image_data(image, path, "label image", hint).astype(int))
    if not regions.any():
        raise InputError("no MUSE code in the image", place=path, hint=hint)
    voxel = abs(float(np.linalg.det(image.affine[:3, :3])))
    counts = np.bincount(regions.ravel(), minlength=len(region_table()) + 1) * voxel
    volumes = {region.name: float(counts[region.number]) for region in region_table()}
    tissues = {
        tissue: sum(volumes[r.name] for r in region_table() if r.tissue == tissue)
        for tissue in TISSUES[1:]
    }
    return volumes | tissues | {"ICV": sum(tissues.values())}


def labelled_twins(table: VolumeTable, root: Path) -> VolumeTable | None:
    """Measure the label images beside the images of a dataset, person by person.

    Returns
    -------
    VolumeTable | None
        The same people by DLMUSE; None if there are no label images.
    """
    rows = []
    for i in np.flatnonzero((table.methods == IMAGES) & (table.datasets == root.resolve().name)):
        person = str(table.participants[i]).partition("_ses-")[0]
        paths = sorted(root.glob(LABELS.format(person=person)))
        if paths:
            rows.append({
                "participant_id": table.participants[i],
                "age": table.age[i],
                "female": table.female[i],
                "volumes": labelled_volumes(paths[0]),
            })  # fmt: skip
    return make_table(rows, root.resolve().name, MUSE) if rows else None


def agreement(
    table: VolumeTable,
    twins: VolumeTable,
    left_out: Mapping[str, Mapping[str, float]] | None = None,
) -> list[dict[str, Any]]:
    """Compare each measure of the same people: median ratio of ours to DLMUSE, and correlation.

    Parameters
    ----------
    left_out
        Participant to measures by a network trained without that person, used in place of those
        in the table.
    """
    where = {
        (table.datasets[i], table.participants[i]): i
        for i in np.flatnonzero(table.methods == IMAGES)
    }
    keys = zip(twins.datasets, twins.participants, strict=True)
    ours = table.measures[[where[key] for key in keys]]
    for row, person in zip(ours, twins.participants, strict=True):
        if measures := (left_out or {}).get(str(person)):
            row[:] = [measures.get(name, np.nan) for name in table.names]
    rows = []
    for j, name in enumerate(table.names):
        a, b = ours[:, j], twins.measures[:, j]
        known = (a > 0) & (b > 0)
        if not known.any():
            continue
        a, b = a[known], b[known]
        varied = len(a) > 2 and np.ptp(a) > 0 and np.ptp(b) > 0
        rows.append({
            "measure": name,
            "n": int(known.sum()),
            "ours_ml": float(np.median(a)) / 1000,
            "dlmuse_ml": float(np.median(b)) / 1000,
            "median_ratio": float(np.median(a / b)),
            "pcc": float(np.corrcoef(a, b)[0, 1]) if varied else math.nan,
        })  # fmt: skip
    return rows


def aligned(table: VolumeTable, rows: list[dict[str, Any]]) -> VolumeTable:
    """Bring the measures of DLMUSE in a table to the level of ours, by the median ratios."""
    ratios = {row["measure"]: row["median_ratio"] for row in rows}
    factors = np.array([ratios.get(name, 1.0) for name in table.names])
    measures = table.measures.copy()
    measures[table.methods == MUSE] *= factors
    return VolumeTable(
        table.participants, table.datasets, table.sites, table.methods, table.age, table.female,
        measures, table.names,
    )  # fmt: skip
