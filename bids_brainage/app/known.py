"""What is to be known of a session's inputs and dataset before any model speaks."""

from collections.abc import Sequence
from pathlib import Path

from bids_brainage.app.overlap import trained_on
from bids_brainage.bids.outputs import read_json
from bids_brainage.errors import BrainAgeError
from bids_brainage.features.old_totals import PARTS, TOTAL, old_totals
from bids_brainage.features.vectors import morphometry_vector
from bids_brainage.models.cards import ModelCard
from bids_brainage.records.extraction import Extraction

# Of `bids_brainage.bids.ages`.
ODD_AGES = ("cannot be read", "is implausible", "is censored", "is a range")


def dataset_names(output_dir: Path) -> list[str]:
    """Name, DOI and address of the dataset that OUTPUT_DIR was made from, and of its sources."""
    try:
        description = read_json(output_dir / "dataset_description.json")
    except BrainAgeError:
        return []
    if not isinstance(description, dict):
        return []
    names = [str(description.get("Name", ""))]
    sources = description.get("SourceDatasets")
    for source in sources if isinstance(sources, list) else []:
        if isinstance(source, dict):
            names += [str(source[key]) for key in ("DOI", "URL") if key in source]
    return names


def seen_in_training(names: Sequence[str], card: ModelCard) -> list[str]:
    """Warn of a dataset that the model was trained on; empty where it is not known to be."""
    samples = trained_on(names, card.training)
    if not samples:
        return []
    return [
        f"model {card.name} was trained on {', '.join(samples)}, which this dataset seems to be "
        "part of: errors are smaller here than on new people"
    ]


def input_cautions(output_dir: Path, extraction: Extraction) -> list[str]:
    """Warn of ages that are not plain, and of totals that FreeSurfer 5 counts differently."""
    return [*filter(_of_age, extraction.notes), *_totals(output_dir, extraction)]


def _of_age(note: str) -> bool:
    """Tell whether a note of the extraction is of an age that could not be taken as it stands."""
    return note.startswith("age ") and any(word in note for word in ODD_AGES)


def _totals(output_dir: Path, extraction: Extraction) -> list[str]:
    name = extraction.derivatives.get("morphometry")
    if extraction.status != "ok" or not name:
        return []
    wanted = (TOTAL, *PARTS)
    try:
        values = morphometry_vector(output_dir / name, wanted)
    except BrainAgeError:
        return []
    found = old_totals(dict(zip(wanted, values.tolist(), strict=True)))
    return [found] if found else []
