"""Reading predictions that somebody may have damaged, copied or edited."""

from pathlib import Path

from bids_brainage.bids.outputs import predictions_file, read_tsv
from bids_brainage.errors import InputError
from bids_brainage.records.prediction import columns
from bids_brainage.records.session import SessionKey


def read_predictions(output_dir: Path, key: SessionKey) -> list[dict[str, str]]:
    """Read the rows of one session, one per model.

    Raises
    ------
    InputError
        If the table cannot be read, lacks rows or columns, or is of another session.
    """
    path = predictions_file(output_dir, key)
    rows = read_tsv(path)
    names = set(columns())
    if not rows or any(names - row.keys() for row in rows):
        raise InputError("the table of predictions is not whole", place=path,
                         hint="rerun with --force")  # fmt: skip
    for row in rows:
        named = (row["participant_id"], row["session_id"])
        if named != (key.participant_id, key.session_id):
            raise InputError(f"the predictions are of {' '.join(named)}", place=path,
                             hint="rerun with --force")  # fmt: skip
    return rows
