"""Read feature vectors back from the derivatives, as models take them."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bids_brainage.bids.outputs import read_tsv
from bids_brainage.errors import InputError, ModelError
from bids_brainage.features.tissue_volumes import TISSUE_MEASURES

_RERUN = "run the participant level again with --force"


def morphometry_vector(tsv_path: Path, names: Sequence[str]) -> np.ndarray:
    """Measures in the order of a model.

    Parameters
    ----------
    tsv_path
        A ``_morph.tsv`` derivative.
    names
        Measure names the model takes.

    Returns
    -------
        One value per name; NaN where missing.

    Raises
    ------
    InputError
        If the table cannot be read.
    ModelError
        If the table has none of the model's measures.
    """
    rows = read_tsv(tsv_path)
    values = {row.get("measure", ""): row.get("value", "n/a") for row in rows}
    if not any(name in values for name in names):
        raise ModelError(
            f"none of the model's {len(names)} measures is in the table",
            place=tsv_path,
            hint=f"use a model trained on such measures, or {_RERUN}",
        )
    return np.array([_number(values.get(name, "n/a"), tsv_path) for name in names])


def volumes_vector(tsv_path: Path, names: Sequence[str]) -> np.ndarray:
    """Volumes of tissues and regions in the order of a model.

    Parameters
    ----------
    tsv_path
        A ``_desc-volumes_morph.tsv`` derivative.
    names
        Measure names the model takes.

    Returns
    -------
        One value per name, in mm3; NaN where missing.

    Raises
    ------
    InputError
        If the table cannot be read, or a tissue volume that all others are compared with is
        missing.
    ModelError
        If the table has none of the model's measures.
    """
    vector = morphometry_vector(tsv_path, names)
    missing = [
        name
        for name, value in zip(names, vector, strict=True)
        if name in TISSUE_MEASURES and not value > 0
    ]
    if missing:
        raise InputError(f"no volume of {', '.join(missing)}", place=tsv_path, hint=_RERUN)
    return vector


def connectivity_matrix(relmat_path: Path) -> tuple[np.ndarray, tuple[str, ...]]:
    """Read a matrix and its region names.

    Raises
    ------
    InputError
        If it cannot be read or is not square.
    """
    rows = read_tsv(relmat_path)
    regions = tuple(rows[0]) if rows else ()
    if not regions or len(rows) != len(regions) or any(len(row) != len(regions) for row in rows):
        raise InputError(
            f"not a square matrix: {len(rows)} rows, {len(regions)} columns",
            place=relmat_path,
            hint=_RERUN,
        )
    matrix = np.array([[_number(cell, relmat_path) for cell in row.values()] for row in rows])
    return matrix, regions


def connectivity_vector(relmat_path: Path, regions: Sequence[str]) -> np.ndarray:
    """Upper triangle of a connectivity matrix in ``np.triu_indices`` order.

    Parameters
    ----------
    relmat_path
        A ``_relmat.tsv`` derivative.
    regions
        Region names of the model, in its order.

    Returns
    -------
        ``n (n - 1) / 2`` correlations; NaN where a region is missing.

    Raises
    ------
    InputError
        If the file is not a square matrix.
    ModelError
        If its regions are not the model's, in the model's order.
    """
    matrix, found = connectivity_matrix(relmat_path)
    if found != tuple(regions):
        raise ModelError(
            f"the matrix has {len(found)} regions from '{found[0]}', the model takes "
            f"{len(regions)}{f' from {regions[0]!r}' if len(regions) else ''}",
            place=relmat_path,
            hint=f"{_RERUN} and the atlas of the model",
        )
    return matrix[np.triu_indices(len(found), 1)]


def _number(text: str, path: Path) -> float:
    if text == "n/a":
        return math.nan
    try:
        return float(text)
    except ValueError as error:
        raise InputError(f"'{text}' is not a number", place=path, hint=_RERUN) from error
