"""The card of a trained segmentation network."""

import csv
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bids_brainage import __version__
from bids_brainage.models.cards import InputSpec, ModelCard, TrainingSample, names_hash
from bids_brainage.models.resunet_compact import CompactResUNet
from bids_brainage.training.segmentation.crossval_table import regions_table, tissue_table
from bids_brainage.training.segmentation.data import Head
from bids_brainage.training.segmentation.recipe import SegmentationRecipe
from bids_brainage.training.versions import versions

DESCRIPTION = (
    "Compact residual U-Net that cuts a T1w image, whole head or skull-stripped, at 2 mm into "
    "brain mask, grey matter, white matter, CSF and 54 regions."
)
LIMITS = (
    "Trained on 2 mm images of adults of 20 to 55 years without gross lesions; the labels of "
    "regions come from five heads."
)
NOTE = (
    "Dice with each labelled head left out in turn, with it every label carried from it; "
    "mean, smallest and largest over heads. Agreement is with ANTs, not with truth."
)
PACKAGES = ("antspyx", "numpy", "picsl-greedy", "scipy", "torch")
REFERENCES = (
    "Çiçek et al., 2016, 3D U-Net, 10.1007/978-3-319-46723-8_49",
    "Billot et al., 2023, SynthSeg, 10.1016/j.media.2023.102789",
    "Doshi et al., 2016, MUSE, 10.1016/j.neuroimage.2015.11.073",
    "Tustison et al., 2010, N4ITK, 10.1109/TMI.2010.2046908",
    "Avants et al., 2011, Atropos, 10.1007/s12021-011-9109-y",
)
INPUTS = {"T1w": InputSpec(("T1w",), names_hash(("T1w",)), unit="any; scaled by the head's mean")}


def bare_card(name: str, network: CompactResUNet, recipe: SegmentationRecipe) -> ModelCard:
    """Return a card that tells only what the network is and how it was trained."""
    return ModelCard(
        name=name, version=__version__, family="resunet", description=DESCRIPTION, inputs=INPUTS,
        training=(), metrics={}, bias_correction={}, age_range={}, sha256="",
        config=network.config.as_dict(), recipe=recipe.as_dict(), seed=recipe.seed, command="",
        versions=versions(PACKAGES), references=REFERENCES,
    )  # fmt: skip


def describe_samples(root: Path, heads: Sequence[Head]) -> tuple[TrainingSample, ...]:
    """Describe the people of every dataset from its participants.tsv and description."""
    samples = []
    for dataset in dict.fromkeys(head.dataset for head in heads):
        people = {head.name for head in heads if head.dataset == dataset}
        rows = [row for row in _participants(root / dataset) if row["participant_id"] in people]
        ages = np.array([_age(row.get("age", "")) for row in rows] or [np.nan])
        sexes = Counter(row.get("sex", "").upper()[:1] for row in rows)
        sites = Counter(row.get("site") or dataset for row in rows)
        known = ages[~np.isnan(ages)] if (~np.isnan(ages)).any() else ages
        samples.append(TrainingSample(
            dataset, len(people), sexes["F"], sexes["M"], float(known.min()),
            float(np.median(known)), float(known.max()), dict(sites), source=dataset,
            licence=_licence(root / dataset),
        ))  # fmt: skip
    return tuple(samples)


def crossval_metrics(folder: Path, rows: Sequence[str]) -> dict[str, Any]:
    """Read the scores of a finished cross-validation for the card."""
    people = [path.name.removeprefix("fold-") for path in sorted(folder.glob("fold-*"))]
    tissues = {line.pop("row"): line for line in tissue_table(folder, people, rows)}
    regions = {line["region"]: {k: v for k, v in line.items() if k not in ("region", "tissue")}
               for line in regions_table(folder, people)}  # fmt: skip
    return {"note": NOTE, "limits": LIMITS, "tissues": tissues, "regions": regions}


def _participants(folder: Path) -> list[dict[str, str]]:
    path = folder / "participants.tsv"
    if not path.is_file():
        return []
    with path.open(encoding="utf-8-sig", newline="") as handle:
        return list(csv.DictReader(handle, delimiter="\t"))


def _licence(folder: Path) -> str:
    path = folder / "dataset_description.json"
    if not path.is_file():
        return ""
    return str(json.loads(path.read_text(encoding="utf-8")).get("License", ""))


def _age(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")
