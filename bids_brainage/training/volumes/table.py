"""People with volumes, ages and the way the volumes were measured."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bids_brainage.errors import InputError
from bids_brainage.features.tissue_volumes import TISSUE_MEASURES, volume_names

logger = logging.getLogger(__name__)
IMAGES, MUSE, FREESURFER = "images", "muse", "freesurfer"


@dataclass(frozen=True)
class VolumeTable:
    """People of a training or test set, row by row.

    Parameters
    ----------
    participants
        Their labels; shape (n,).
    datasets, sites
        Sample, and sample with site, which keeps folds apart; shape (n,).
    methods
        What measured the volumes: ``images`` (our segmentation), ``muse`` or ``freesurfer``;
        shape (n,).
    age
        Years; shape (n,).
    female
        1 woman, 0 man, NaN unknown; shape (n,).
    measures
        mm3 in the order of `names`, NaN for missing; shape (n, p).
    names
        Measures.
    """

    participants: np.ndarray
    datasets: np.ndarray
    sites: np.ndarray
    methods: np.ndarray
    age: np.ndarray
    female: np.ndarray
    measures: np.ndarray
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.participants)

    def subset(self, rows: np.ndarray) -> "VolumeTable":
        """Return some of the people, by mask or index."""
        return VolumeTable(
            self.participants[rows], self.datasets[rows], self.sites[rows], self.methods[rows],
            self.age[rows], self.female[rows], self.measures[rows], self.names,
        )  # fmt: skip


def make_table(rows: Sequence[Mapping[str, Any]], dataset: str, method: str) -> VolumeTable:
    """Make a table of one sample.

    Parameters
    ----------
    rows
        ``participant_id``, ``age``, ``female``, optionally ``site`` and ``dataset``, and
        ``volumes``: measure name to mm3.
    dataset
        Name of the sample of rows that do not tell theirs.
    method
        See `VolumeTable`.
    """
    names = volume_names()
    sample = [str(row.get("dataset") or dataset) for row in rows]
    site = [str(row.get("site") or name) for row, name in zip(rows, sample, strict=True)]
    measures = np.full((len(rows), len(names)), np.nan)
    for values, row in zip(measures, rows, strict=True):
        values[:] = [row["volumes"].get(name, np.nan) for name in names]
    return VolumeTable(
        participants=np.array([str(row["participant_id"]) for row in rows]),
        datasets=np.array(sample),
        sites=np.array([f"{a}/{b}" for a, b in zip(sample, site, strict=True)]),
        methods=np.full(len(rows), method),
        age=np.array([row["age"] for row in rows], float),
        female=np.array([row["female"] for row in rows], float),
        measures=measures,
        names=names,
    )


def join(tables: Sequence[VolumeTable], place: Path) -> VolumeTable:
    """Join samples, leaving out people without an age or a tissue volume.

    Raises
    ------
    InputError
        If nobody is left.
    """
    if not tables:
        raise InputError("nobody with an age and volumes", place=place)
    columns = {
        name: np.concatenate([getattr(table, name) for table in tables])
        for name in ("participants", "datasets", "sites", "methods", "age", "female", "measures")
    }
    table = VolumeTable(**columns, names=tables[0].names)
    totals = table.measures[:, [table.names.index(n) for n in TISSUE_MEASURES if n != "CSF"]]
    keep = np.isfinite(table.age) & (table.age > 0) & (totals > 0).all(axis=1)
    if not keep.any():
        raise InputError(
            "nobody with an age and volumes",
            place=place,
            hint="ages come from participants.tsv or the column age",
        )
    if not keep.all():
        logger.warning("%d of %d people left out: no age or volumes", (~keep).sum(), len(keep))
    return table.subset(keep)
