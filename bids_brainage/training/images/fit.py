"""The training loop of one network of images, with checkpoints that go on exactly."""

import copy
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from bids_brainage.errors import InputError
from bids_brainage.models.resunet_compact import fast_layout
from bids_brainage.training.checkpoints import (
    fingerprint,
    load_checkpoint,
    save_checkpoint,
)
from bids_brainage.training.images.augment import augment
from bids_brainage.training.images.recipe import ImageRecipe
from bids_brainage.training.images.sample import Sample

logger = logging.getLogger(__name__)
EPOCH_COLUMNS = ("part", "epoch", "learning_rate", "loss", "validation_mae")
CLIP = 5.0
Modules = dict[str, nn.Module | dict[str, Tensor]]


class Task(Protocol):
    """What a network learns from a sample.

    Parameters
    ----------
    part
        Name of this part of the training.
    rate
        Learning rate at its start.
    """

    part: str
    rate: float

    @property
    def network(self) -> nn.Module:
        """What is trained."""
        ...

    def key(self) -> Mapping[str, Any]:
        """Return what the result depends on beside recipe, people and ages, as plain values."""
        ...

    def loss(self, images: Tensor, rows: np.ndarray, generator: torch.Generator) -> Tensor:
        """Return the loss of augmented images (k, 1, x, y, z) of the people ``rows``."""
        ...

    def ages(self, rows: np.ndarray, device: torch.device) -> Tensor:
        """Predict the ages of some people in years, in evaluation mode."""
        ...


def fit(
    task: Task,
    sample: Sample,
    training: np.ndarray,
    validation: np.ndarray,
    recipe: ImageRecipe,
    folder: Path,
    *,
    device: torch.device,
    resume: bool = False,
    progress: Callable[[str], None] = logger.info,
) -> list[list[object]]:
    """Train a network in place; the epoch with the least validation error is kept.

    Parameters
    ----------
    training, validation
        Numbers of people; without the latter the last epoch is kept, and the learning rate
        falls as a cosine.
    folder
        Where the checkpoint is written after every epoch; it stays, so that a killed training
        does not train a finished part again.

    Returns
    -------
        Its course by `EPOCH_COLUMNS`; the network is in evaluation mode on the CPU.

    Raises
    ------
    InputError
        If the loss is not finite.
    """
    network = task.network.to(device)
    if device.type == "cuda":
        fast_layout(network)
    best = copy.deepcopy(network)
    optimiser = torch.optim.Adam(
        network.parameters(), task.rate, weight_decay=recipe.weight_decay, amsgrad=recipe.amsgrad
    )
    key = fingerprint(recipe.as_dict(), task.part, task.key(), training, validation,
                      sample.age.numpy(), sample.marks())  # fmt: skip
    modules: Modules = {"network": network, "best": best}
    state = load_checkpoint(folder, key, modules, {"optimiser": optimiser}) if resume else None
    course: dict[str, Any] = state or {"step": 0, "rows": [], "least": math.inf, "since": 0}
    for epoch in range(course["step"], recipe.epochs):
        if course["since"] >= recipe.patience:
            break
        if not len(validation):
            _set_rate(optimiser, task.rate * 0.5 * (1 + math.cos(math.pi * epoch / recipe.epochs)))
        loss = _epoch(task, optimiser, sample, training, recipe, epoch, device)
        if not math.isfinite(loss):
            raise InputError(f"the loss of {task.part} is {loss} in epoch {epoch + 1}",
                             hint="give a smaller learning_rate")  # fmt: skip
        error = math.nan
        if len(validation):
            found = task.ages(validation, device)
            error = float((found - sample.age[validation]).abs().mean())
        if not len(validation) or error < course["least"]:
            best.load_state_dict(network.state_dict())
            course["least"] = error if len(validation) else math.inf
            course["since"] = 0
        else:
            course["since"] += 1
            if course["since"] % recipe.plateau == 0:
                _set_rate(optimiser, optimiser.param_groups[0]["lr"] * recipe.factor)
        now = optimiser.param_groups[0]["lr"]
        course["rows"].append([task.part, epoch + 1, f"{now:.2g}", f"{loss:.3f}", f"{error:.3f}"])
        told = f", validation error {error:.2f}" if len(validation) else ""
        progress(f"{task.part}, epoch {epoch + 1}/{recipe.epochs}: loss {loss:.2f}{told}")
        extra = {name: course[name] for name in ("rows", "least", "since")}
        save_checkpoint(folder, key, epoch + 1, modules, {"optimiser": optimiser}, extra)
    network.cpu().load_state_dict(best.state_dict())
    network.eval()
    return course["rows"]


def mixed(device: torch.device) -> AbstractContextManager[Any]:
    """Half precision where the device is fast at it."""
    return torch.autocast("cuda", torch.bfloat16) if device.type == "cuda" else nullcontext()


def batches(rows: np.ndarray, size: int) -> Sequence[np.ndarray]:
    """Cut into batches of nearly one size; batch normalisation needs two people in each."""
    return np.array_split(rows, max(1, round(len(rows) / size)))


def _epoch(
    task: Task,
    optimiser: torch.optim.Optimizer,
    sample: Sample,
    training: np.ndarray,
    recipe: ImageRecipe,
    epoch: int,
    device: torch.device,
) -> float:
    # A generator of its own for every epoch: a resumed training draws the same.
    generator = torch.Generator().manual_seed(recipe.seed * 1_000_003 + epoch)
    task.network.train()
    order = training[torch.randperm(len(training), generator=generator).numpy()]
    total = 0.0
    for rows in batches(order, recipe.batch_size):
        images = augment(sample.brains(rows, device), recipe, generator)
        loss = task.loss(images, rows, generator)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(task.network.parameters(), CLIP)
        optimiser.step()
        total += loss.item() * len(rows)
    return total / len(order)


def _set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    for group in optimiser.param_groups:
        group["lr"] = rate
