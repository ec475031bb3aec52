"""Public training tables: FreeSurfer measures of several samples, regional series of ABIDE."""

import csv
import gzip
import logging
from pathlib import Path

import numpy as np

from bids_brainage.errors import InputError
from bids_brainage.models.cards import edge_names
from bids_brainage.training.tables import (
    ATLAS,
    DENOISING,
    FEMALE,
    LEFT_OUT_REGION,
    NOT_COMPARABLE,
    TrainingTable,
    atlas_regions,
    check_table,
    correlations,
)

logger = logging.getLogger(__name__)
DEMOGRAPHICS = ("participant_id", "dataset", "site", "age", "sex", "group")
NEEDED = DEMOGRAPHICS[:5]
SERIES_DATASET = "abide1"


def load_shared(folder: Path) -> TrainingTable:
    """Load ``morphometry.tsv.gz`` and, where present, the ABIDE time series beside it.

    Measures that FreeSurfer versions count differently are left out. People with only one of
    the two modalities stay, with the other missing.

    Raises
    ------
    InputError
        If a file is damaged or its atlas regions are not the expected ones.
    """
    people, names, morphometry = _read_morphometry(folder / "morphometry.tsv.gz")
    numbers, regions = atlas_regions()
    edges = edge_names(regions)
    connectivity = np.full((len(people), len(edges)), np.nan)
    archive = folder / f"{SERIES_DATASET}_timeseries_HarvardOxford.npz"
    if archive.is_file():
        series_people = _read_tsv(folder / f"{SERIES_DATASET}_timeseries.tsv")
        known = {row["participant_id"]: i for i, row in enumerate(people)}
        extra = [r for r in series_people if r["participant_id"] not in known]
        people += [row | {"dataset": SERIES_DATASET} for row in extra]
        index = {row["participant_id"]: i for i, row in enumerate(people)}
        filler = np.full((len(extra), len(names)), np.nan)
        morphometry = np.vstack([morphometry, filler])
        connectivity = np.full((len(people), len(edges)), np.nan)
        for participant, values in _read_series(archive, numbers):
            if participant in index:
                connectivity[index[participant]] = values
    table = TrainingTable(
        participants=np.array([row["participant_id"] for row in people]),
        datasets=np.array([row["dataset"] for row in people]),
        sites=np.array([f"{row['dataset']}/{row['site']}" for row in people]),
        age=np.array([_number(row["age"]) for row in people]),
        female=np.array([FEMALE.get(row["sex"], np.nan) for row in people]),
        measures={"morphometry": morphometry, "connectivity": connectivity},
        names={"morphometry": names, "connectivity": edges},
        regions=regions,
        atlas=ATLAS,
        denoising=DENOISING,
    )
    logger.info("%d people, %d with both modalities", len(table), table.has_both().sum())
    return check_table(table, folder)


def _read_morphometry(path: Path) -> tuple[list[dict[str, str]], tuple[str, ...], np.ndarray]:
    rows = _read_tsv(path)
    if missing := [name for name in NEEDED if name not in rows[0]]:
        raise InputError(f"no column {', '.join(missing)}", place=path,
                         hint="each measure has a column beside these")  # fmt: skip
    if any(None in row or None in row.values() for row in rows):
        raise InputError("a row is longer or shorter than the header", place=path)
    names = tuple(c for c in rows[0] if c not in DEMOGRAPHICS and c not in NOT_COMPARABLE)
    values = np.array([[_number(row[name]) for name in names] for row in rows])
    values[values <= 0] = np.nan
    return rows, names, values


def _read_series(archive: Path, numbers: tuple[int, ...]) -> list[tuple[str, np.ndarray]]:
    with np.load(archive, allow_pickle=False) as series:
        ids = series["region_ids"]
        keep = ids != LEFT_OUT_REGION
        if tuple(int(i) for i in ids[keep]) != numbers:
            raise InputError("the series have other regions than the atlas", place=archive)
        return [
            (name, correlations(series[name][:, keep]))
            for name in series.files
            if name != "region_ids"
        ]


def _read_tsv(path: Path) -> list[dict[str, str]]:
    try:
        if path.suffix == ".gz":
            with gzip.open(path, "rt", encoding="utf-8-sig", newline="") as handle:
                rows = list(csv.DictReader(handle, delimiter="\t"))
        else:
            with path.open(encoding="utf-8-sig", newline="") as handle:
                rows = list(csv.DictReader(handle, delimiter="\t"))
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(f"cannot read the table: {error}", place=path) from error
    if not rows:
        raise InputError("the table is empty", place=path)
    return rows


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")
