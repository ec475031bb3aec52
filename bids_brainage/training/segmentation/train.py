"""The training loop of the compact network, with checkpoints that go on exactly."""

import copy
import csv
import logging
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import nn

from bids_brainage.errors import OutputError
from bids_brainage.models.resunet_compact import CompactConfig, CompactResUNet, fast_layout
from bids_brainage.preprocessing.regions import region_tissues
from bids_brainage.training.checkpoints import (
    fingerprint,
    load_checkpoint,
    remove_checkpoint,
    save_checkpoint,
)
from bids_brainage.training.segmentation.data import Head
from bids_brainage.training.segmentation.losses import region_loss, tissue_loss
from bids_brainage.training.segmentation.patches import as_sources, draw_patch
from bids_brainage.training.segmentation.recipe import SegmentationRecipe

logger = logging.getLogger(__name__)
SAVE_EVERY = 100
LOG_EVERY = 20
CLIP = 5.0
LOG_COLUMNS = ("step", "learning_rate", "tissue_loss", "region_loss")


def new_network(recipe: SegmentationRecipe) -> CompactResUNet:
    """Build the network with start values drawn from the recipe's seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        return CompactResUNet(CompactConfig(region_tissues(), recipe.widths))


def train_network(
    heads: Sequence[Head],
    recipe: SegmentationRecipe,
    folder: Path,
    *,
    resume: bool = False,
    progress: Callable[[str], None] = logger.info,
) -> CompactResUNet:
    """Train the compact network on heads.

    Parameters
    ----------
    folder
        Where checkpoints and ``training.csv`` are written.
    resume
        Go on from a checkpoint of the same recipe and heads.
    progress
        Receives a line now and then.

    Returns
    -------
    CompactResUNet
        With the running average of the weights, in evaluation mode.
    """
    sources = as_sources(heads)
    model = fast_layout(new_network(recipe)).train()
    average = copy.deepcopy(model)
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay
    )
    key = fingerprint(recipe.as_dict(), [h.name for h in heads], *[h.regions for h in heads])
    modules: dict[str, nn.Module | dict[str, torch.Tensor]] = {"model": model, "average": average}
    state = load_checkpoint(folder, key, modules, {"optimiser": optimiser}) if resume else None
    start = state["step"] if state else 0
    rows = list(state["rows"]) if state else []
    totals = list(state["totals"]) if state else [0.0, 0.0]
    for step in range(start, recipe.steps):
        rate = recipe.learning_rate * schedule(step, recipe)
        for group in optimiser.param_groups:
            group["lr"] = rate
        losses = _step(model, optimiser, sources, recipe, step)
        _follow(average, model, min(recipe.ema, (1 + step) / (10 + step)))
        totals = [a + b for a, b in zip(totals, losses, strict=True)]
        done = step + 1
        if done % LOG_EVERY == 0 or done == recipe.steps:
            n = (done - 1) % LOG_EVERY + 1
            rows.append([done, f"{rate:.6f}", *(f"{t / n:.4f}" for t in totals)])
            progress(f"step {done}/{recipe.steps}: tissue {rows[-1][2]}, regions {rows[-1][3]}")
            totals = [0.0, 0.0]
        if done % SAVE_EVERY == 0 and done < recipe.steps:
            save_checkpoint(
                folder, key, done, modules, {"optimiser": optimiser},
                {"rows": rows, "totals": totals},
            )  # fmt: skip
    write_log(folder / "training.csv", rows)
    remove_checkpoint(folder)
    return average.eval()


def schedule(step: int, recipe: SegmentationRecipe) -> float:
    """Return the factor on the learning rate: a short rise, then a cosine to zero."""
    if step < recipe.warm_up:
        return (step + 1) / recipe.warm_up
    share = (step - recipe.warm_up) / max(1, recipe.steps - recipe.warm_up)
    return 0.5 * (1 + math.cos(math.pi * min(share, 1.0)))


def write_log(
    path: Path, rows: Sequence[Sequence[object]], columns: Sequence[str] = LOG_COLUMNS
) -> None:
    """Write the course of a training as CSV.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", newline="", encoding="utf-8") as handle:
            writer = csv.writer(handle, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows(rows)
    except OSError as error:
        raise OutputError(f"cannot write: {error.strerror}", place=path) from error


def _step(
    model: CompactResUNet,
    optimiser: torch.optim.Optimizer,
    sources: Sequence,
    recipe: SegmentationRecipe,
    step: int,
) -> tuple[float, float]:
    # A generator of its own for every step: a resumed training draws the same patches.
    generator = torch.Generator().manual_seed(recipe.seed * 1_000_003 + step)
    small = step < recipe.small_share * recipe.steps
    patch = draw_patch(sources, recipe, generator, small=small)
    tissue = model.region_tissues[patch.regions]
    x = patch.image[None, None].contiguous(memory_format=torch.channels_last_3d)
    with torch.autocast("cpu", torch.bfloat16):
        features = model(x)
    first = tissue_loss(features.tissue, tissue)
    with torch.autocast("cpu", torch.bfloat16):
        second = region_loss(model, features, patch.regions, recipe.region_voxels, generator)
    optimiser.zero_grad(set_to_none=True)
    (first + 0.5 * patch.weight * second).backward()
    nn.utils.clip_grad_norm_(model.parameters(), CLIP)
    optimiser.step()
    return first.item(), second.item()


@torch.no_grad()
def _follow(average: nn.Module, model: nn.Module, decay: float) -> None:
    for mine, its in zip(average.parameters(), model.parameters(), strict=True):
        mine.lerp_(its, 1 - decay)
