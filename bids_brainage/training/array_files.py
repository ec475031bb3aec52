"""The system's own files: two feature matrices with ages and sexes as NumPy arrays."""

import tokenize
import zipfile
from pathlib import Path

import numpy as np

from bids_brainage.errors import InputError, MissingInputError
from bids_brainage.training.tables import TrainingTable, check_table

FEATURES = ("features1.npy", "features2.npy")
AGES = "labels_Age.npy"
SEXES = "labels_Gender.npy"
DATASET = "arrays"
# NumPy reads the header as Python source, and .npz as a ZIP archive.
BROKEN = (OSError, ValueError, EOFError, TypeError, OverflowError, MemoryError, SyntaxError,
          tokenize.TokenError, zipfile.BadZipFile)  # fmt: skip


def load_arrays(folder: Path, prefix: str = "") -> TrainingTable:
    """Load ``features1.npy``, ``features2.npy``, ``labels_Age.npy``, ``labels_Gender.npy``.

    Parameters
    ----------
    folder
        Where they are. One of the two feature files may be absent.
    prefix
        ``Test_`` for the test files.

    Raises
    ------
    MissingInputError
        If the ages or both feature files are absent.
    InputError
        If shapes disagree or a sex is neither 0 (male) nor 1 (female).
    """
    age = read_array(folder / f"{prefix}{AGES}").reshape(-1).astype(float)
    features = [folder / f"{prefix}{name}" for name in FEATURES]
    if not any(path.is_file() for path in features):
        raise MissingInputError("no feature file", place=features[0])
    sexes = folder / f"{prefix}{SEXES}"
    female = (
        read_array(sexes).reshape(-1).astype(float)
        if sexes.is_file()
        else np.full(len(age), np.nan)
    )
    first, second = (read_array(p) if p.is_file() else None for p in features)
    return table_from_arrays(first, second, age, female, folder)


def table_from_arrays(
    first: np.ndarray | None,
    second: np.ndarray | None,
    age: np.ndarray,
    female: np.ndarray,
    place: Path,
) -> TrainingTable:
    """Build a table from feature matrices; the first stands for morphometry.

    Raises
    ------
    InputError
        If shapes disagree or a sex code is unknown.
    """
    n = len(age)
    if len(female) != n:
        raise InputError(f"{len(female)} sexes for {n} ages", place=place / SEXES)
    known = female[~np.isnan(female)]
    if not np.isin(known, (0.0, 1.0)).all():
        raise InputError(
            f"sex code {known[~np.isin(known, (0.0, 1.0))][0]:g}",
            place=place / SEXES,
            hint="0 is male, 1 is female",
        )
    measures, names = {}, {}
    for modality, values, label in (
        ("morphometry", first, "feature1"), ("connectivity", second, "feature2")
    ):  # fmt: skip
        matrix = np.full((n, 1), np.nan) if values is None else np.asarray(values, float)
        if matrix.ndim != 2 or len(matrix) != n:
            raise InputError(
                f"{label} has shape {matrix.shape}, there are {n} ages",
                place=place,
                hint="features are people x features",
            )
        measures[modality] = np.where(np.isfinite(matrix), matrix, np.nan)
        names[modality] = tuple(f"{label}_{i:04d}" for i in range(matrix.shape[1]))
    people = np.array([f"row-{i:05d}" for i in range(n)])
    table = TrainingTable(
        participants=people,
        datasets=np.full(n, DATASET),
        sites=np.full(n, f"{DATASET}/unknown"),
        age=age,
        female=female,
        measures=measures,
        names=names,
        kind="arrays",
    )
    return check_table(table, place)


def read_array(path: Path) -> np.ndarray:
    """Read a numeric NumPy file; pickled objects are refused.

    Raises
    ------
    MissingInputError
        If it does not exist.
    InputError
        If it is not a numeric array.
    """
    if not path.is_file():
        raise MissingInputError("no such array", place=path)
    try:
        with path.open("rb") as file:
            values = np.load(file, allow_pickle=False)
    except BROKEN as error:
        raise InputError(f"cannot read the array: {error}", place=path) from error
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "fiub":
        raise InputError("not an array of numbers", place=path)
    return values
