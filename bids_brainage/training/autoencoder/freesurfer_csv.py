"""The system's own form: a FreeSurfer table with HCP's column names, age in bins, and sex."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from bids_brainage.errors import InputError
from bids_brainage.training.autoencoder.label_files import SUBJECT
from bids_brainage.training.autoencoder.labels import (
    age_bins,
    read_age_labels,
    read_sex_labels,
    sex_of,
    text_codes,
)
from bids_brainage.training.tables import TrainingTable

logger = logging.getLogger(__name__)
PREFIX = "FS_"
VOLUME = "_Vol"
HEAD = "FS_IntraCranial_Vol"
PREFERRED = ("full_unrestricted.csv", "restricted.csv")
AGES = ("age.csv", "age.npy")
SEXES = ("sex.csv", "sex.npy")
FAMILIES = ("Family_ID", "Mother_ID")
YEARS = "Age_in_Yrs"
MIN_KNOWN = 0.5
DATASET = "freesurfer"


def find_freesurfer_csv(folder: Path) -> Path | None:
    """Find the FreeSurfer table with HCP's column names in a folder.

    Raises
    ------
    InputError
        If several tables have such columns, none of which is named as the system's.
    """
    if folder.is_file() and folder.suffix == ".csv":
        return folder
    found = [path for path in sorted(folder.glob("*.csv")) if _measures(_header(path))]
    for name in PREFERRED:
        if folder / name in found:
            return folder / name
    if len(found) > 1:
        raise InputError(
            f"{len(found)} tables with {PREFIX} columns: {', '.join(p.name for p in found)}",
            place=folder,
            hint="keep one of them in the folder, or name the file itself",
        )
    return found[0] if found else None


def load_freesurfer(
    path: Path, bins: Sequence[str], age_codes: str = ""
) -> tuple[TrainingTable, np.ndarray]:
    """Load measures, bins of ages, sexes and families of people.

    Ages come from ``age.csv`` or ``age.npy`` beside the table, else from its column Age; where a
    table has Age_in_Yrs they are in years as well. Sexes come from its column Gender, else from
    ``sex.csv`` or ``sex.npy``. Columns of another CSV in the folder that has Subject are joined,
    so that families, which a restricted table tells, are kept together.

    Parameters
    ----------
    path
        CSV with Subject and FS_ columns.
    bins
        Bins of ages in order of years.

    Returns
    -------
    tuple[TrainingTable, np.ndarray]
        People, whose site is their family where it is known; and codes of their bins, -1 for
        none, shape (n,).

    Raises
    ------
    InputError
        If the table has no such columns, or labels do not fit it.
    """
    frame = _read(path)
    names = _measures(list(frame.columns))
    if not names:
        raise InputError(f"no column starts with {PREFIX}", place=path)
    subjects = _subjects(frame)
    frame = _with_others(frame, subjects, path)
    values = frame[names].apply(pd.to_numeric, errors="coerce").to_numpy(float, copy=True)
    values[~np.isfinite(values)] = np.nan
    volumes = np.array([name.endswith(VOLUME) for name in names])
    values[:, volumes] = np.where(values[:, volumes] > 0, values[:, volumes], np.nan)
    known = np.isfinite(values).mean(axis=0) >= MIN_KNOWN
    varies = np.array([np.unique(column[np.isfinite(column)]).size > 1 for column in values.T])
    keep = known & varies
    if not keep.any():
        raise InputError("no measure that differs between people", place=path)
    names = [name for name, kept in zip(names, keep, strict=True) if kept]
    logger.info("%d people, %d measures", len(frame), len(names))
    years = np.full(len(frame), np.nan)
    if YEARS in frame:
        years = pd.to_numeric(frame[YEARS], errors="coerce").to_numpy(float)
    codes = _codes(frame, subjects, path, bins, age_codes, years)
    table = TrainingTable(
        participants=np.array(subjects),
        datasets=np.full(len(frame), DATASET),
        sites=_families(frame),
        age=years,
        female=_female(frame, subjects, path),
        measures={"morphometry": values[:, keep], "connectivity": np.full((len(frame), 1), np.nan)},
        names={"morphometry": tuple(names), "connectivity": ("none",)},
        kind="hcp",
    )
    rows = table.has("morphometry")
    return table.subset(rows), codes[rows]


def _codes(
    frame: pd.DataFrame,
    subjects: Sequence[str],
    path: Path,
    bins: Sequence[str],
    age_codes: str,
    years: np.ndarray,
) -> np.ndarray:
    for name in AGES:
        if (labels := path.parent / name).is_file():
            return read_age_labels(labels, bins, age_codes, subjects)
    if np.isfinite(years).any():
        return age_bins(years, bins)
    if "Age" in frame:
        return text_codes(frame["Age"].fillna("").astype(str).tolist(), bins, path)
    raise InputError("no ages", place=path, hint=f"put {' or '.join(AGES)} beside the table")


def _female(frame: pd.DataFrame, subjects: Sequence[str], path: Path) -> np.ndarray:
    if "Gender" in frame:
        return np.array([sex_of(str(v), path) for v in frame["Gender"].fillna("")])
    for name in SEXES:
        if (labels := path.parent / name).is_file():
            return read_sex_labels(labels, subjects)
    logger.warning("%s has no column Gender and no %s beside it", path.name, " or ".join(SEXES))
    return np.full(len(frame), np.nan)


def _families(frame: pd.DataFrame) -> np.ndarray:
    """Family of each person, as a site that folds keep together; one site without families."""
    for name in FAMILIES:
        if name in frame:
            ids = frame[name].fillna("").astype(str).tolist()
            return np.array([f"{DATASET}/family-{v or f'alone-{i}'}" for i, v in enumerate(ids)])
    logger.warning(
        "no column %s: relatives may stand in training and test alike", " or ".join(FAMILIES)
    )
    return np.full(len(frame), f"{DATASET}/{DATASET}")


def _with_others(frame: pd.DataFrame, subjects: Sequence[str], path: Path) -> pd.DataFrame:
    """Join ages, sexes and families from the other tables of the folder."""
    wanted = ("Gender", "Age", YEARS, *FAMILIES)
    frame = frame.copy()
    for other in sorted(path.parent.glob("*.csv")):
        header = _header(other)
        missing = [name for name in wanted if name in header and name not in frame]
        if other == path or other.name in (*AGES, *SEXES) or SUBJECT not in header or not missing:
            continue
        more = _read(other)
        more.index = pd.Index(_subjects(more))
        for name in missing:
            frame[name] = more[name].reindex(list(subjects)).to_numpy()
    return frame


def _subjects(frame: pd.DataFrame) -> list[str]:
    if SUBJECT not in frame:
        return [f"row-{i:05d}" for i in range(len(frame))]
    subjects = frame[SUBJECT].astype(str).str.strip().tolist()
    if len(set(subjects)) < len(subjects):
        twice = next(s for s in subjects if subjects.count(s) > 1)
        raise InputError(f"subject {twice} stands twice", hint="keep one row per person")
    return subjects


def _measures(columns: Sequence[str]) -> list[str]:
    return [name for name in columns if name.startswith(PREFIX)]


def _header(path: Path) -> list[str]:
    try:
        # What is no UTF-8 is told once the table is read.
        with path.open(encoding="utf-8-sig", errors="replace") as handle:
            return [name.strip().strip('"') for name in handle.readline().split(",")]
    except (OSError, ValueError):
        return []


def _read(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path, encoding="utf-8-sig", low_memory=False,
                           dtype={SUBJECT: str, **dict.fromkeys(FAMILIES, str)})  # fmt: skip
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read the table: {error}", place=path) from error
