"""A user's own volumes: an OUTPUT_DIR of the participant level, or a table."""

import logging
import math
from pathlib import Path

import pandas as pd

from bids_brainage.bids.extraction_logs import read_extraction
from bids_brainage.errors import BrainAgeError, InputError, MissingInputError
from bids_brainage.features.tissue_volumes import TISSUE_MEASURES, volume_names
from bids_brainage.features.vectors import volumes_vector
from bids_brainage.training.tables import FEMALE
from bids_brainage.training.volumes.table import IMAGES, VolumeTable, make_table

logger = logging.getLogger(__name__)
LOGS = "sub-*/**/*_desc-extraction_log.json"


def load_output_volumes(folder: Path) -> VolumeTable:
    """Load the volumes of every session that the participant level finished.

    Raises
    ------
    InputError
        If no session has volumes of a raw T1w.
    """
    names = volume_names()
    rows: list[dict[str, object]] = []
    for path in sorted(folder.glob(LOGS)):
        extraction = read_extraction(path)
        name = extraction.derivatives.get("volumes")
        if extraction.status != "ok" or not name:
            continue
        try:
            values = volumes_vector(folder / name, names)
        except BrainAgeError as error:
            logger.warning("%s left out: %s", path.name, error)
            continue
        rows.append({
            "participant_id": extraction.key.stem,
            "age": math.nan if extraction.age is None else extraction.age,
            "female": FEMALE.get(extraction.sex or "", math.nan),
            "volumes": dict(zip(names, values, strict=True)),
        })  # fmt: skip
    if not rows:
        raise InputError(
            "no session with volumes of a raw T1w",
            place=folder,
            hint="run the participant level on raw images",
        )
    return make_table(rows, folder.resolve().name, IMAGES)


def load_volume_table(path: Path) -> VolumeTable:
    """Load a TSV or CSV with ``participant_id``, ``age`` and a column per volume.

    ``sex`` and ``site`` are used where present; volumes are named as in the participant level's
    tables, in mm3.

    Raises
    ------
    MissingInputError
        If the file does not exist.
    InputError
        If it cannot be read or a column is missing.
    """
    if not path.is_file():
        raise MissingInputError("no such table", place=path)
    separator = "," if path.name.removesuffix(".gz").endswith(".csv") else "\t"
    try:
        frame = pd.read_csv(path, sep=separator, na_values=["n/a"], dtype={"participant_id": str})
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read the table: {error}", place=path) from error
    wanted = ("participant_id", "age", *TISSUE_MEASURES)
    if missing := [name for name in wanted if name not in frame]:
        raise InputError(
            f"no column {', '.join(missing)}",
            place=path,
            hint="columns: participant_id, age, ICV, GM, WM, CSF and regions, in mm3",
        )
    names = [name for name in volume_names() if name in frame]
    values = frame[names].apply(pd.to_numeric, errors="coerce")
    values = values.where(values > 0)
    columns = frame.to_dict("records")
    rows = [
        {
            "participant_id": row["participant_id"],
            "age": pd.to_numeric(row["age"], errors="coerce"),
            "female": FEMALE.get(str(row.get("sex")), math.nan),
            "site": row.get("site", ""),
            "volumes": volumes,
        }
        for row, volumes in zip(columns, values.to_dict("records"), strict=True)
    ]
    return make_table(rows, path.name.split(".")[0], IMAGES)
