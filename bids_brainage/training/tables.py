"""Training tables: people, their raw measures, ages and sexes, from any of three sources."""

import logging
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

import numpy as np

from bids_brainage.errors import InputError
from bids_brainage.features.connectivity import series_correlation
from bids_brainage.models.mavae_core import MODALITIES

logger = logging.getLogger(__name__)
ATLAS = "HarvardOxford"
DENOISING = "compcor"
LEFT_OUT_REGION = 3455
# Measures that FreeSurfer versions define or count differently (5 against 6 and later), and
# counts of topological defects: a model given these extrapolates by decades on another version.
NOT_COMPARABLE = frozenset({
    "SubCortGrayVol", "TotalGrayVol", "SupraTentorialVol", "SupraTentorialVolNotVent",
    "WM-hypointensities", "Left-choroid-plexus", "Right-choroid-plexus", "MaskVol",
    "BrainSegVol", "BrainSegVolNotVent", "SurfaceHoles", "lhSurfaceHoles", "rhSurfaceHoles",
    "CortexVol", "CerebralWhiteMatterVol",
})  # fmt: skip
HEAD_SIZE = ("lhCortexVol", "rhCortexVol", "Left-Cerebellum-Cortex", "Right-Cerebellum-Cortex",
             "Brain-Stem")  # fmt: skip
FEMALE = {"F": 1.0, "M": 0.0}


@dataclass(frozen=True)
class TrainingTable:
    """People of a training or test set, row by row.

    Parameters
    ----------
    participants
        Their labels; shape (n,).
    datasets, sites
        Sample, and sample with site, which keeps folds apart; shape (n,).
    age
        Years; shape (n,).
    female
        1 woman, 0 man, NaN unknown; shape (n,).
    measures
        Modality to raw measures, NaN for missing; shape (n, p).
    names
        Modality to the names of its measures.
    regions
        Atlas regions behind the connectivity, in order.
    kind
        ``bids`` for named measures, ``arrays`` for anonymous feature matrices.
    atlas, denoising
        How the connectivity was made.
    """

    participants: np.ndarray
    datasets: np.ndarray
    sites: np.ndarray
    age: np.ndarray
    female: np.ndarray
    measures: dict[str, np.ndarray]
    names: dict[str, tuple[str, ...]]
    regions: tuple[str, ...] = ()
    kind: str = "bids"
    atlas: str = ""
    denoising: str = ""

    def __len__(self) -> int:
        return len(self.participants)

    def has(self, modality: str) -> np.ndarray:
        """Tell who has at least one measure of a modality; shape (n,)."""
        return ~np.isnan(self.measures[modality]).all(axis=1)

    def has_both(self) -> np.ndarray:
        """Tell who has both modalities; shape (n,)."""
        return self.has(MODALITIES[0]) & self.has(MODALITIES[1])

    def subset(self, rows: np.ndarray) -> "TrainingTable":
        """Return some of the people, by mask or index."""
        return replace(
            self,
            participants=self.participants[rows],
            datasets=self.datasets[rows],
            sites=self.sites[rows],
            age=self.age[rows],
            female=self.female[rows],
            measures={name: values[rows] for name, values in self.measures.items()},
        )

    def with_measures(
        self, measures: dict[str, np.ndarray], names: dict[str, tuple[str, ...]] | None = None
    ) -> "TrainingTable":
        """Return the table with other measures of the same people."""
        return replace(self, measures=measures, names=names or self.names)


def atlas_regions() -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Return numbers and names of the 110 Harvard-Oxford regions, in the models' order."""
    path = resources.files("bids_brainage") / "data" / "harvard_oxford.tsv"
    rows = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]
    number, name = rows[0].index("region_id"), rows[0].index("name")
    body = [row for row in rows[1:] if row[0]]
    return tuple(int(row[number]) for row in body), tuple(row[name] for row in body)


def correlations(series: np.ndarray) -> np.ndarray:
    """Correlate region series exactly as the participant level does; NaN for constant regions.

    Parameters
    ----------
    series
        Volumes x regions.

    Returns
    -------
    np.ndarray
        Upper triangle in ``np.triu_indices`` order.
    """
    matrix = series_correlation(series)
    return matrix[np.triu_indices(matrix.shape[0], 1)]


def check_table(table: TrainingTable, place: Path) -> TrainingTable:
    """Drop people without an age or any measure, and refuse an empty table.

    Raises
    ------
    InputError
        If nobody is left.
    """
    keep = np.isfinite(table.age) & (table.age > 0)
    keep &= table.has(MODALITIES[0]) | table.has(MODALITIES[1])
    if not keep.any():
        raise InputError(
            "nobody with an age and features",
            place=place,
            hint="ages come from participants.tsv or labels_Age.npy",
        )
    if not keep.all():
        logger.warning("%d of %d people left out: no age or no features", (~keep).sum(), len(keep))
    return table.subset(keep)
