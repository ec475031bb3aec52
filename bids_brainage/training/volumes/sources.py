"""Tell what a path to train on holds, and load it."""

import logging
from functools import partial
from pathlib import Path

from bids_brainage.errors import BrainAgeError, MissingInputError
from bids_brainage.models.cards import CARD_NAME, read_card
from bids_brainage.models.find import find_model
from bids_brainage.training.volumes.images import (
    find_datasets,
    measure_dataset,
    measure_left_out,
)
from bids_brainage.training.volumes.published import (
    FREESURFER_FILE,
    MUSE_FILE,
    load_freesurfer,
    load_muse,
)
from bids_brainage.training.volumes.table import VolumeTable, join
from bids_brainage.training.volumes.user_tables import (
    LOGS,
    load_output_volumes,
    load_volume_table,
)

logger = logging.getLogger(__name__)
PUBLISHED = {MUSE_FILE: load_muse, FREESURFER_FILE: load_freesurfer}


def load_volumes(
    data: Path, work: Path, *, segmentation: str = "resunet", device: str = "cpu", threads: int = 1
) -> VolumeTable:
    """Load people with volumes and ages.

    Parameters
    ----------
    data
        A table with ``participant_id``, ``age`` and volumes; an OUTPUT_DIR of the participant
        level; a BIDS dataset with raw T1w images; or a folder that holds such datasets (also in
        ``bids``) and published tables (also in ``data``): ``ixi_muse.tsv.gz``,
        ``morphometry.tsv.gz``. What is absent is left out with a warning.
    work
        Where measures of images are kept for the next time.
    segmentation
        Model that cuts images into tissues and regions.

    Raises
    ------
    MissingInputError
        If the path holds nothing to train on.
    """
    if data.is_file():
        return join([load_volume_table(data)], data)
    if data.is_dir() and any(data.glob(LOGS)):
        return join([load_output_volumes(data)], data)
    tables = _measured(data, work, segmentation, device, threads) if data.is_dir() else []
    for name, load in PUBLISHED.items():
        home = next((f for f in (data, data / "data") if (f / name).is_file()), None)
        if home is None:
            logger.warning("%s is not in %s; trained without it", name, data.name)
            continue
        tables.append(load(home))
    if not tables:
        raise MissingInputError(
            "no volumes to train on",
            place=data,
            hint="give a table, an OUTPUT_DIR of the participant level, or a folder with BIDS "
            f"datasets of raw T1w images, {MUSE_FILE} or {FREESURFER_FILE}",
        )
    return join(tables, data)


def _measured(
    data: Path, work: Path, segmentation: str, device: str, threads: int
) -> list[VolumeTable]:
    datasets = find_datasets(data)
    if not datasets:
        logger.warning("%s holds no BIDS dataset; trained without images", data.name)
        return []
    from bids_brainage.preprocessing.segmentation import segment

    mark = read_card(find_model(segmentation) / CARD_NAME).sha256[:8]
    cut = partial(segment, model=segmentation, device=device)
    tables = []
    for root in datasets:
        store = work / f"{root.name}_{segmentation_name(segmentation)}-{mark}.tsv"
        try:
            table = measure_dataset(root, cut, store, threads)
        except BrainAgeError as error:
            logger.warning("%s left out: %s", root.name, error)
            continue
        if table is None:
            logger.warning("%s left out: no T1w of a person of known age", root.name)
        else:
            tables.append(table)
    return tables


def left_out_measures(
    data: Path, folds: Path, device: str = "cpu", threads: int = 1
) -> dict[str, dict[str, float]]:
    """Measure labelled heads by the networks that were trained without them.

    Parameters
    ----------
    folds
        Output of ``brainage crossval resunet``: ``fold-sub-<label>/model``.

    Returns
    -------
    dict[str, dict[str, float]]
        Participant to measure name to mm3; only people who have such a network.
    """
    from bids_brainage.preprocessing.segmentation import segment

    cutters = {
        place.parent.name.removeprefix("fold-"): partial(segment, model=str(place), device=device)
        for place in sorted(folds.glob("fold-sub-*/model"))
        if (place / CARD_NAME).is_file()
    }
    found: dict[str, dict[str, float]] = {}
    for root in find_datasets(data) if cutters else []:
        found |= measure_left_out(root, cutters, threads)
    return found


def segmentation_name(model: str) -> str:
    """Return the last part of a model's name or path, for file names."""
    return Path(model).name or "segmentation"
