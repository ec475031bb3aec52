"""Training table from an OUTPUT_DIR that the participant level wrote."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bids_brainage.bids.extraction_logs import read_extraction
from bids_brainage.errors import BrainAgeError, InputError
from bids_brainage.features.vectors import connectivity_vector, morphometry_vector
from bids_brainage.models.cards import edge_names
from bids_brainage.models.store import load_model
from bids_brainage.records.extraction import Extraction
from bids_brainage.training.tables import (
    ATLAS,
    DENOISING,
    FEMALE,
    TrainingTable,
    atlas_regions,
    check_table,
)

logger = logging.getLogger(__name__)


def load_output(
    folder: Path,
    names: Sequence[str] | None = None,
    regions: Sequence[str] | None = None,
    dataset: str = "",
) -> TrainingTable:
    """Load the features of every session that the participant level finished.

    Parameters
    ----------
    folder
        OUTPUT_DIR.
    names
        Morphometry measures in order; those of the shipped model by default.
    regions
        Atlas regions in order; the shipped model's by default.
    dataset
        Name of the sample; the folder's name by default.

    Raises
    ------
    InputError
        If no session has an age and features.
    """
    if names is None:
        names = load_model("mavae")[1].inputs["morphometry"].names
    regions = tuple(regions) if regions is not None else atlas_regions()[1]
    edges = edge_names(tuple(regions))
    sample = dataset or folder.resolve().name
    rows: list[tuple[Extraction, np.ndarray, np.ndarray]] = []
    for path in sorted(folder.glob("sub-*/**/*_desc-extraction_log.json")):
        extraction = read_extraction(path)
        if extraction.status != "ok":
            logger.warning("%s left out: %s", path.name, extraction.reason or extraction.status)
            continue
        rows.append((extraction, *_vectors(folder, extraction, names, regions, len(edges))))
    if not rows:
        raise InputError("no finished session", place=folder, hint="run the participant level")
    settings = rows[0][0].settings
    table = TrainingTable(
        participants=np.array([e.participant for e, _, _ in rows]),
        datasets=np.full(len(rows), sample),
        sites=np.array([f"{sample}/{sample}" for _ in rows]),
        age=np.array([np.nan if e.age is None else e.age for e, _, _ in rows], float),
        female=np.array([FEMALE.get(e.sex or "", np.nan) for e, _, _ in rows]),
        measures={
            "morphometry": np.vstack([m for _, m, _ in rows]),
            "connectivity": np.vstack([c for _, _, c in rows]),
        },
        names={"morphometry": tuple(names), "connectivity": edges},
        regions=regions,
        atlas=str(settings.get("atlas", ATLAS)),
        denoising=str(settings.get("denoising", DENOISING)),
    )
    return check_table(table, folder)


def _vectors(
    folder: Path, extraction: Extraction, names: Sequence[str], regions: Sequence[str], n: int
) -> tuple[np.ndarray, np.ndarray]:
    morphometry, connectivity = np.full(len(names), np.nan), np.full(n, np.nan)
    try:
        if name := extraction.derivatives.get("morphometry"):
            morphometry = morphometry_vector(folder / name, names)
        if name := extraction.derivatives.get("connectivity"):
            connectivity = connectivity_vector(folder / name, regions)
    except BrainAgeError as error:
        logger.warning("%s: features left out: %s", extraction.participant, error)
    return morphometry, connectivity
