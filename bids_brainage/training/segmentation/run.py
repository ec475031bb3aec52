"""Train the compact network on all heads and write it with its card."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from bids_brainage.models.store import save_model
from bids_brainage.training.card_words import with_words
from bids_brainage.training.segmentation.card import bare_card, crossval_metrics, describe_samples
from bids_brainage.training.segmentation.crossval import ROWS
from bids_brainage.training.segmentation.data import load_heads
from bids_brainage.training.segmentation.recipe import SegmentationRecipe
from bids_brainage.training.segmentation.train import train_network

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class SegmentationTraining:
    """What a training needs.

    Parameters
    ----------
    data, datasets
        Folder with BIDS datasets, and their names.
    output
        Folder of the new model.
    recipe
        Options of the training.
    name
        Name of the model; the output folder's name by default.
    labels
        Where carried labels are kept; below the output by default.
    scores
        Folder of a finished cross-validation, whose scores go into the card.
    resume
        Go on from a checkpoint in the output folder.
    jobs
        Registrations at once while labels are carried.
    command
        Command line that ran, for the card.
    """

    data: Path
    datasets: tuple[str, ...]
    output: Path
    recipe: SegmentationRecipe = field(default_factory=SegmentationRecipe)
    name: str = ""
    labels: Path | None = None
    scores: Path | None = None
    resume: bool = False
    jobs: int = 1
    command: str = ""


def run_segmentation_training(
    options: SegmentationTraining, progress: Callable[[str], None] = logger.info
) -> Path:
    """Train the compact network and write ``model.safetensors`` and ``card.json``.

    Returns
    -------
    Path
        The model's folder, with the course of the training in ``training.csv``.
    """
    labels = options.labels or options.output / "labels"
    heads = load_heads(options.data, options.datasets, labels, options.jobs)
    network = train_network(
        heads, options.recipe, options.output, resume=options.resume, progress=progress
    )
    card = bare_card(options.name or options.output.name, network, options.recipe)
    card = replace(
        card,
        training=describe_samples(options.data, heads),
        metrics=crossval_metrics(options.scores, ROWS) if options.scores else {},
        command=options.command or f"brainage train resunet {options.data.name}",
    )
    save_model(network, with_words(card), options.output)
    return options.output
