"""Any source of training data, told by the files in its folder."""

from pathlib import Path

from bids_brainage.errors import MissingInputError
from bids_brainage.training.array_files import load_arrays
from bids_brainage.training.output_folder import load_output
from bids_brainage.training.shared_tables import load_shared
from bids_brainage.training.tables import TrainingTable


def load_table(source: Path) -> TrainingTable:
    """Load a training table, telling its kind from the files in the folder.

    Parameters
    ----------
    source
        A folder with ``morphometry.tsv.gz`` (and optionally
        ``abide1_timeseries_HarvardOxford.npz``), an OUTPUT_DIR of the participant level, or a
        folder with ``features1.npy``, ``features2.npy``, ``labels_Age.npy``,
        ``labels_Gender.npy``.

    Raises
    ------
    MissingInputError
        If the folder holds none of these.
    """
    if (source / "morphometry.tsv.gz").is_file():
        return load_shared(source)
    if (source / "features1.npy").is_file() or (source / "features2.npy").is_file():
        return load_arrays(source)
    if source.is_dir() and any(source.glob("sub-*/**/*_desc-extraction_log.json")):
        return load_output(source)
    raise MissingInputError(
        "no training table",
        place=source,
        hint="give a folder with morphometry.tsv.gz, with features1.npy and labels_Age.npy, or "
        "an OUTPUT_DIR of the participant level",
    )
