"""People with brain measures, from any source, with ages in years or only in bins."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bids_brainage.errors import InputError
from bids_brainage.training.autoencoder.freesurfer_csv import find_freesurfer_csv, load_freesurfer
from bids_brainage.training.autoencoder.labels import age_bins, ordered_bins
from bids_brainage.training.folds import site_folds
from bids_brainage.training.sources import load_table
from bids_brainage.training.tables import TrainingTable

logger = logging.getLogger(__name__)
MODALITY = "morphometry"


@dataclass(frozen=True)
class People:
    """People with brain measures.

    Parameters
    ----------
    table
        Their measures; the age is NaN where only its bin is known, and sites are families where
        families are known.
    codes
        Bin of the age by its order in years, -1 for none; shape (n,).
    bins
        Names of the bins in order.
    """

    table: TrainingTable
    codes: np.ndarray
    bins: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.table)

    @property
    def raw(self) -> np.ndarray:
        """Raw measures, NaN for missing; shape (n, p)."""
        return self.table.measures[MODALITY]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the measures."""
        return self.table.names[MODALITY]

    def with_raw(self, raw: np.ndarray, names: tuple[str, ...]) -> "People":
        """Return the same people with other measures."""
        table = self.table.with_measures(
            {**self.table.measures, MODALITY: raw}, {**self.table.names, MODALITY: names}
        )
        return replace(self, table=table)

    def folds(self, n: int, *, split_single: bool = False) -> np.ndarray:
        """Deal sites, families or people into test folds; shape (n,)."""
        return site_folds(self.table, n, split_single=split_single)


def load_people(data: Sequence[Path], bins: Sequence[str], age_codes: str = "") -> People:
    """Load people from one or more folders.

    Parameters
    ----------
    data
        Folders that `bids_brainage.training.sources.load_table` reads; or folders with a
        FreeSurfer table of HCP's column names, see `load_freesurfer`.
    bins
        Bins of ages, in any order.
    age_codes
        How numbers in the labels of age are read, see `labels.number_codes`.

    Raises
    ------
    InputError
        If folders have other measures than the first, or hold nobody with measures.
    """
    names = ordered_bins(bins)
    found = [_load(folder, names, age_codes) for folder in data]
    first = found[0]
    for other, folder in zip(found, data, strict=True):
        if other.names != first.names:
            raise InputError(
                f"{len(other.names)} measures that are not the {len(first.names)} of {data[0]}",
                place=folder,
                hint="give folders with the same measures in the same order",
            )
    return first if len(found) == 1 else _joined(found)


def _load(folder: Path, bins: tuple[str, ...], age_codes: str) -> People:
    if (path := find_freesurfer_csv(folder)) is not None:
        table, codes = load_freesurfer(path, bins, age_codes)
        return People(table, codes, bins)
    table = load_table(folder)
    keep = table.has(MODALITY)
    if not keep.any():
        raise InputError("nobody with morphometry", place=folder)
    if not keep.all():
        logger.info("%d people without morphometry are left out", int((~keep).sum()))
    table = table.subset(keep)
    table = table.with_measures(
        # Nothing reads connections here, and nobody is dealt into folds by them.
        {MODALITY: table.measures[MODALITY], "connectivity": np.full((len(table), 1), np.nan)},
        {MODALITY: table.names[MODALITY], "connectivity": ("none",)},
    )
    return People(table, age_bins(table.age, bins), bins)


def _joined(found: Sequence[People]) -> People:
    tables = [people.table for people in found]
    measures = {
        name: np.concatenate([table.measures[name] for table in tables])
        for name in tables[0].measures
    }
    table = TrainingTable(
        participants=np.concatenate([table.participants for table in tables]),
        datasets=np.concatenate([table.datasets for table in tables]),
        sites=np.concatenate([table.sites for table in tables]),
        age=np.concatenate([table.age for table in tables]),
        female=np.concatenate([table.female for table in tables]),
        measures=measures,
        names=tables[0].names,
        kind=tables[0].kind,
    )
    return People(table, np.concatenate([people.codes for people in found]), found[0].bins)
