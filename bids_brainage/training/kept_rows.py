"""Rows of a cross-validation that are done, kept for a run that goes on."""

import logging
from pathlib import Path

import numpy as np

from bids_brainage.errors import OutputError
from bids_brainage.training.array_files import BROKEN
from bids_brainage.training.rows import INPUTS, Predictions

logger = logging.getLogger(__name__)


def write_row(path: Path, key: str, predictions: Predictions, seconds: float) -> None:
    """Keep a row's predictions for a run that goes on.

    Raises
    ------
    OutputError
        If the folder cannot be written.
    """
    arrays = {f"{name}_{part}": values[i] for name, values in predictions.items()
              for i, part in enumerate(("age", "sex"))}  # fmt: skip
    part = path.with_name(f".{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(part, seconds=seconds, key=key, **arrays)  # type: ignore[arg-type]
        part.replace(path)
    except OSError as error:
        raise OutputError(f"cannot write: {error.strerror}", place=path) from error


def read_row(path: Path, key: str) -> tuple[Predictions, float] | None:
    """Read a row that was made with the same recipe, folds and ages; None without."""
    if not path.is_file():
        return None
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            if "key" not in arrays.files or str(arrays["key"]) != key:
                logger.warning(
                    "%s was made with another recipe or table and is run again", path.name
                )
                return None
            names = [name for name in INPUTS if f"{name}_age" in arrays.files]
            found = {name: (arrays[f"{name}_age"], arrays[f"{name}_sex"]) for name in names}
            seconds = float(arrays["seconds"]) if "seconds" in arrays.files else float("nan")
    except (*BROKEN, KeyError):
        logger.warning("%s is broken and is run again", path.name)
        return None
    return found, seconds
