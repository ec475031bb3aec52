"""Reading extraction logs that somebody may have damaged, copied or edited."""

from pathlib import Path

from bids_brainage.bids.outputs import read_json
from bids_brainage.errors import InputError
from bids_brainage.records.extraction import Extraction
from bids_brainage.records.session import SessionKey


def read_extraction(path: Path, key: SessionKey | None = None) -> Extraction:
    """Read the log of one session.

    Parameters
    ----------
    key
        Session that the log must be of; None for any.

    Raises
    ------
    InputError
        If it cannot be read, is no such log, or is of another session.
    """
    try:
        return Extraction.from_json(read_json(path), key)
    except TypeError as error:
        raise InputError(f"not an extraction log: {error}", place=path,
                         hint="rerun with --force") from error  # fmt: skip
