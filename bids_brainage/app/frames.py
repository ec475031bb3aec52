"""Tables that a user gives by hand."""

from pathlib import Path
from typing import Any

import pandas as pd

from bids_brainage.errors import InputError, MissingInputError

# Read as text, as 01 is another label than 1.
LABELS = ("participant_id", "session_id")


def read_frame(path: Path, *, text: bool = False) -> pd.DataFrame:
    """Read a TSV or CSV with a header.

    Parameters
    ----------
    text
        Keep all cells as text, as labels such as ``01`` need.

    Raises
    ------
    MissingInputError, InputError
        If it is absent or not a table.
    """
    if not path.is_file():
        raise MissingInputError("no such table", place=path)
    separator = "," if path.name.removesuffix(".gz").endswith(".csv") else "\t"
    kinds: Any = str if text else dict.fromkeys(LABELS, str)
    try:
        frame = pd.read_csv(path, sep=separator, na_values=["n/a"], dtype=kinds)
    except (ValueError, OSError) as error:
        raise InputError(f"cannot read the table: {error}", place=path) from error
    # A header that lacks the name of one column, that of the row names, is understood.
    if isinstance(frame.index, pd.MultiIndex):
        raise InputError("rows of the table are longer than its header", place=path)
    return frame.reset_index(drop=True)
