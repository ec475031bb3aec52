"""The training loop of the autoencoder of brains, with checkpoints that go on exactly."""

import copy
import logging
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bids_brainage.errors import InputError
from bids_brainage.models.image_autoencoder import (
    ImageAutoencoder,
    ImageAutoencoderConfig,
    field_of,
)
from bids_brainage.models.resunet_compact import fast_layout
from bids_brainage.training.autoencoder.brains import Brains
from bids_brainage.training.autoencoder.image_recipe import ImageAutoencoderRecipe
from bids_brainage.training.checkpoints import fingerprint, load_checkpoint, save_checkpoint
from bids_brainage.training.images.augment import augment
from bids_brainage.training.images.fit import batches, mixed

logger = logging.getLogger(__name__)
EPOCH_COLUMNS = ("part", "epoch", "learning_rate", "training_loss", "validation_loss", "error")
# Voxels a side of the blocks whose means are compared, and what their errors count.
SCALES = {1: 1.0, 2: 1.0, 4: 2.0, 8: 4.0}
PART = "autoencoder"
CLIP = 5.0
SMALLEST = 1e-6


def start_network(
    brains: Brains, training: np.ndarray, recipe: ImageAutoencoderRecipe
) -> ImageAutoencoder:
    """Network with start values, which knows the mean brain of the training people.

    Brains are normalised by that mean, voxel by voxel, and by one standard deviation of the
    differences from it. Nothing of other people goes in.
    """
    config = recipe.model_config
    shape = brains.images.shape[1:]
    if shape != config.shape:
        config = ImageAutoencoderConfig(config.bottleneck, config.width, shape)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        network = ImageAutoencoder(config)
    total = np.zeros(shape)
    field = torch.zeros(shape)
    for row in training:
        image = np.asarray(brains.images[row], np.float64)
        total += image
        field = torch.maximum(field, field_of(torch.from_numpy(image)[None]))
    centre = total / len(training)
    inside = field.numpy() > 0
    squares = [
        np.square(np.asarray(brains.images[row], np.float64) - centre)[inside].mean()
        for row in training
    ]
    network.centre.copy_(torch.from_numpy(centre))
    network.field.copy_(field)
    network.spread.fill_(max(math.sqrt(float(np.mean(squares))), SMALLEST))
    return network


def fit_network(
    brains: Brains,
    training: np.ndarray,
    validation: np.ndarray,
    recipe: ImageAutoencoderRecipe,
    folder: Path,
    *,
    device: torch.device,
    resume: bool = False,
    progress: Callable[[str], None] = logger.info,
) -> tuple[ImageAutoencoder, list[list[object]]]:
    """Train the network; the epoch with the least error on validation people is kept.

    The error is the mean squared error over the voxels where a training person has brain, each
    counting the same and in units of the variance about the mean brain: 1 is what the mean brain
    itself reaches. Voxels beyond are background and do not count. After registration most of the
    variance is that of single voxels, which no code tells of new people; so the loss is a weighted
    mean of the error of voxels and of those of the means of blocks, see `SCALES`.

    Parameters
    ----------
    training, validation
        Numbers of people; without the latter the last epoch is kept, and the learning rate
        falls as a cosine.
    folder
        Where the checkpoint is written after every epoch.

    Returns
    -------
        The network in evaluation mode on the CPU, and its course by `EPOCH_COLUMNS`.

    Raises
    ------
    InputError
        If the loss is not finite.
    """
    network = start_network(brains, training, recipe).to(device)
    if device.type == "cuda":
        fast_layout(network)
    best = copy.deepcopy(network)
    optimiser = torch.optim.Adam(
        network.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay
    )
    key = fingerprint(recipe.as_dict(), training, validation, brains.marks())
    modules: dict[str, nn.Module | dict[str, Tensor]] = {"network": network, "best": best}
    state = load_checkpoint(folder, key, modules, {"optimiser": optimiser}) if resume else None
    course: dict[str, Any] = state or {"step": 0, "rows": [], "least": math.inf, "since": 0}
    for epoch in range(course["step"], recipe.epochs):
        if course["since"] >= recipe.patience:
            break
        if not len(validation):
            share = 0.5 * (1 + math.cos(math.pi * epoch / recipe.epochs))
            _set_rate(optimiser, recipe.learning_rate * share)
        loss = _epoch(network, optimiser, brains, training, recipe, epoch)
        if not math.isfinite(loss):
            raise InputError(f"the loss is {loss} in epoch {epoch + 1}",
                             hint="give a smaller learning_rate")  # fmt: skip
        other = error = math.nan
        if len(validation):
            other, error = (found.mean() for found in losses(network, brains, validation))
        _judge(course, error, network, best, optimiser, recipe)
        now = optimiser.param_groups[0]["lr"]
        numbers = (f"{value:.4f}" for value in (loss, other, error))
        course["rows"].append([PART, epoch + 1, f"{now:.2g}", *numbers])
        told = f", error on validation people {error:.3f}" if len(validation) else ""
        progress(f"epoch {epoch + 1}/{recipe.epochs}: loss {loss:.3f}{told}")
        extra = {name: course[name] for name in ("rows", "least", "since")}
        save_checkpoint(folder, key, epoch + 1, modules, {"optimiser": optimiser}, extra)
    network.cpu().load_state_dict(best.state_dict())
    return network.eval(), course["rows"]


@torch.no_grad()
def losses(
    network: ImageAutoencoder, brains: Brains, rows: np.ndarray, batch_size: int = 8
) -> tuple[np.ndarray, np.ndarray]:
    """Loss and error of each of some people, in evaluation mode; each (k,)."""
    network.eval()
    found = []
    for part in np.array_split(rows, max(1, math.ceil(len(rows) / batch_size))):
        wanted = network.standard(_block(brains, part, network))
        rest = (network.rebuild(wanted).float() - wanted)[:, None]
        found.append(torch.stack([loss_of(rest, network.field), _squares(rest, 1, network.field)]))
    loss, error = torch.cat(found, dim=1).double().cpu().numpy()
    return loss, error


@torch.no_grad()
def codes_of(
    network: ImageAutoencoder, brains: Brains, rows: np.ndarray, batch_size: int = 8
) -> np.ndarray:
    """Codes of some people, in evaluation mode; (k, bottleneck)."""
    network.eval()
    parts = np.array_split(rows, max(1, math.ceil(len(rows) / batch_size)))
    codes = [network.encode(_block(brains, part, network)) for part in parts]
    return torch.cat(codes).double().cpu().numpy()


def _block(brains: Brains, rows: np.ndarray, network: ImageAutoencoder) -> Tensor:
    return torch.from_numpy(brains.block(rows)).to(network.centre.device)


def loss_of(rest: Tensor, field: Tensor) -> Tensor:
    """Loss of what is left of each brain; (n, 1, x, y, z) to (n,)."""
    parts = [weight * _squares(rest, size, field) for size, weight in SCALES.items()]
    return torch.stack(parts).sum(dim=0) / sum(SCALES.values())


def _squares(rest: Tensor, size: int, field: Tensor) -> Tensor:
    """Mean square, over the field, of the means of blocks; (n,)."""
    if size > 1:
        rest = F.avg_pool3d(rest, size, ceil_mode=True)
    return rest.square().sum(dim=(1, 2, 3, 4)) * size**3 / field.sum()


def _epoch(
    network: ImageAutoencoder,
    optimiser: torch.optim.Optimizer,
    brains: Brains,
    training: np.ndarray,
    recipe: ImageAutoencoderRecipe,
    epoch: int,
) -> float:
    # A generator of its own for every epoch: a resumed training draws the same.
    generator = torch.Generator().manual_seed(recipe.seed * 1_000_003 + epoch)
    network.train()
    device = network.centre.device
    order = training[torch.randperm(len(training), generator=generator).numpy()]
    total = 0.0
    for rows in batches(order, recipe.batch_size):
        images = torch.from_numpy(brains.block(rows))
        if recipe.moves:
            images = augment(images[:, None], recipe.augmentation, generator)[:, 0]
        noise = recipe.noise * torch.randn(images.shape, generator=generator)
        wanted = network.standard(images.to(device))
        given = (wanted + noise.to(device)) * network.field
        with mixed(device):
            found = network.rebuild(given)
        loss = loss_of((found.float() - wanted)[:, None], network.field).mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), CLIP)
        optimiser.step()
        total += loss.item() * len(rows)
    return total / len(order)


def _judge(
    course: dict[str, Any],
    error: float,
    network: nn.Module,
    best: nn.Module,
    optimiser: torch.optim.Optimizer,
    recipe: ImageAutoencoderRecipe,
) -> None:
    """Keep the network if it is the best so far; else lower the learning rate in time."""
    if math.isnan(error) or error < course["least"]:
        best.load_state_dict(network.state_dict())
        course["least"] = math.inf if math.isnan(error) else error
        course["since"] = 0
        return
    course["since"] += 1
    if course["since"] % recipe.plateau == 0:
        _set_rate(optimiser, optimiser.param_groups[0]["lr"] * recipe.factor)


def _set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    for group in optimiser.param_groups:
        group["lr"] = rate
