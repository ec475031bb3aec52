"""Leave one labelled head out: the compact network beside ANTs and the network as specified."""

import json
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bids_brainage.errors import OutputError, UsageError
from bids_brainage.models.resunet_compact import CompactResUNet, fast_layout
from bids_brainage.models.store import load_kind, save_model
from bids_brainage.preprocessing.resunet_input import GRID_SPACING
from bids_brainage.training.checkpoints import fingerprint
from bids_brainage.training.segmentation import specified
from bids_brainage.training.segmentation.card import bare_card
from bids_brainage.training.segmentation.carry import ants_tissues, brain_box
from bids_brainage.training.segmentation.crossval_table import write_tables
from bids_brainage.training.segmentation.data import Head, load_heads
from bids_brainage.training.segmentation.evaluate import (
    region_scores,
    segment_head,
    tissue_scores,
)
from bids_brainage.training.segmentation.recipe import SegmentationRecipe
from bids_brainage.training.segmentation.train import train_network

logger = logging.getLogger(__name__)
ROWS = ("compact", "compact-stripped", "ants-true-mask", "ants-our-mask", "specified", "agreement")
VESSELS = 99.0
NEEDS_COMPACT = {"compact", "compact-stripped", "ants-our-mask", "agreement"}


@dataclass(frozen=True)
class SegmentationCrossval:
    """What a cross-validation needs.

    Parameters
    ----------
    data, datasets
        Folder with BIDS datasets, and their names.
    output
        Folder of the result; every row of every fold is kept there.
    recipe
        Options of training the compact network.
    labels
        Where carried labels are kept; below the output by default.
    n_folds
        Heads that are left out in turn; 0 for all.
    people
        Heads to leave out, by name; the tables are of all folds that were ever run.
    only
        Rows to run; all by default.
    specified_steps, specified_folds
        Steps and folds of the network as specified, which is slow.
    resume
        Keep finished rows and go on from checkpoints.
    jobs
        Folds at once, each with one thread.
    """

    data: Path
    datasets: tuple[str, ...]
    output: Path
    recipe: SegmentationRecipe = field(default_factory=SegmentationRecipe)
    labels: Path | None = None
    n_folds: int = 0
    people: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    specified_steps: int = specified.STEPS
    specified_folds: int = 1
    resume: bool = False
    jobs: int = 1


def run_segmentation_crossval(options: SegmentationCrossval) -> Path:
    """Leave each labelled head out in turn and write the tables.

    No image of the person, and no label carried from it, is trained on in its fold.

    Raises
    ------
    UsageError
        If a row is unknown.
    """
    unknown = sorted(set(options.only) - set(ROWS))
    if unknown:
        raise UsageError(f"--only {unknown[0]}", hint=f"rows are {', '.join(ROWS)}")
    labels = options.labels or options.output / "labels"
    heads = load_heads(options.data, options.datasets, labels, options.jobs)
    people = [head.name for head in heads if not head.donor]
    people = people[: options.n_folds or None]
    jobs = [
        (options, person, index)
        for index, person in enumerate(people)
        if not options.people or person in options.people
    ]
    if options.jobs > 1:
        with ProcessPoolExecutor(options.jobs, get_context("spawn")) as pool:
            list(pool.map(run_fold, jobs))
    else:
        for job in jobs:
            run_fold(job, heads)
    write_tables(options.output, people, ROWS)
    return options.output


def run_fold(
    job: tuple[SegmentationCrossval, str, int], heads: Sequence[Head] | None = None
) -> None:
    """Run all wanted rows with one head left out."""
    options, person, index = job
    if heads is None:
        torch.set_num_threads(1)
        labels = options.labels or options.output / "labels"
        heads = load_heads(options.data, options.datasets, labels)
    folder = options.output / f"fold-{person}"
    held_out = next(h for h in heads if h.name == person)
    training = [h for h in heads if person not in (h.name, h.donor)]
    wanted = [row for row in ROWS if not options.only or row in options.only]
    if index >= options.specified_folds:
        wanted = [row for row in wanted if row != "specified"]
    network: CompactResUNet | None = None
    for row in wanted:
        key = _key(options, row, heads)
        path = folder / f"{row}.json"
        if options.resume and _read_key(path) == key:
            continue
        if row in NEEDS_COMPACT and network is None:
            network = _network(options, training, folder)
        start = time.perf_counter()
        result = _row(row, network, held_out, heads, training, options)
        seconds = round(time.perf_counter() - start, 1)
        _write(path, {"key": key, "seconds": seconds, "people": result})
        logger.info("%s without %s: %s", row, person, _short(result))


def _row(
    row: str,
    network: CompactResUNet | None,
    head: Head,
    heads: Sequence[Head],
    training: Sequence[Head],
    options: SegmentationCrossval,
) -> dict[str, Any]:
    if row == "specified":
        labelled = [h for h in training if not h.donor]
        model = specified.train_specified(labelled, options.specified_steps)
        found, truth = specified.run_specified(model, head)
        return {head.name: {"tissue": tissue_scores(found, truth, GRID_SPACING)}}
    if row == "ants-true-mask":
        tissue = _ants(head.image, head.regions > 0)
        return {head.name: {"tissue": tissue_scores(tissue, head.tissue)}}
    if network is None:
        return {}
    if row == "ants-our-mask":
        tissue = _ants(head.image, segment_head(network, head).brain)
        return {head.name: {"tissue": tissue_scores(tissue, head.tissue)}}
    if row == "agreement":
        # Brains whose labels come from the head that was left out were not trained on either.
        return {
            brain.name: {"tissue": tissue_scores(
                segment_head(network, brain).tissue, _ants(_dimmed(brain.image), brain.image > 0)
            )}
            for brain in heads if brain.donor == head.name
        }  # fmt: skip
    ours = segment_head(network, head, strip=row == "compact-stripped")
    return {head.name: {
        "tissue": tissue_scores(ours.tissue, head.tissue),
        "regions": region_scores(ours.regions, head.regions),
    }}  # fmt: skip


def _network(
    options: SegmentationCrossval, training: Sequence[Head], folder: Path
) -> CompactResUNet:
    """Train the fold's network, or load it if it was trained with the same recipe."""
    place = folder / "model"
    if options.resume and (place / "card.json").is_file():
        network, card = load_kind(place, CompactResUNet)
        if card.recipe == json.loads(json.dumps(options.recipe.as_dict())):
            return fast_layout(network)
    network = train_network(training, options.recipe, folder, resume=options.resume)
    save_model(network, bare_card(f"resunet-{folder.name}", network, options.recipe), place)
    return fast_layout(load_kind(place, CompactResUNet)[0])


def _dimmed(image: np.ndarray) -> np.ndarray:
    """Cut bright vessels: else k-means gives them a class of their own, and none to CSF."""
    return np.minimum(image, np.percentile(image[image > 0], VESSELS))


def _ants(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Segment with ANTs (N4, then Atropos from k-means), given a brain mask."""
    masked = np.where(mask, np.maximum(image, 1e-3), 0)
    tissue = np.zeros(image.shape, np.int8)
    box = brain_box(masked)
    tissue[box] = ants_tissues(masked[box])
    return tissue


def _key(options: SegmentationCrossval, row: str, heads: Sequence[Head]) -> str:
    recipe: Any = options.recipe.as_dict() if row in NEEDS_COMPACT else ""
    steps = options.specified_steps if row == "specified" else 0
    return fingerprint(row, recipe, steps, [h.name for h in heads])


def _read_key(path: Path) -> str:
    try:
        return str(json.loads(path.read_text(encoding="utf-8")).get("key", ""))
    except (OSError, ValueError, AttributeError):
        return ""


def _write(path: Path, content: dict[str, Any]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise OutputError(f"cannot write: {error.strerror}", place=path) from error


def _short(result: dict[str, Any], show: Callable[[float], str] = "{:.3f}".format) -> str:
    rows = [person["tissue"] for person in result.values()]
    names = [name for name in rows[0] if name.endswith("_dice")] if rows else []
    return ", ".join(f"{n} {show(float(np.mean([r[n] for r in rows])))}" for n in names)
