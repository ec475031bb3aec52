"""The training loop of the GAN, with checkpoints that go on exactly."""

import logging
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bids_brainage.errors import InputError
from bids_brainage.models.gan_networks import Discriminator, Generator, draw_codes
from bids_brainage.training.checkpoints import fingerprint, load_checkpoint, save_checkpoint
from bids_brainage.training.gan.losses import (
    discriminator_loss,
    generator_loss,
    gradient_penalty,
)
from bids_brainage.training.gan.recipe import GanRecipe
from bids_brainage.training.gan.sample import CubeSample
from bids_brainage.training.images.fit import batches

logger = logging.getLogger(__name__)
PART = "gan"
LEAST_SCALE = 1e-4
BETAS = (0.5, 0.999)
# What the result does not depend on.
LATER = ("n_pairs", "encoder_epochs", "encoder_batch", "encoder_rate", "classifier_epochs",
         "classifier_batch", "classifier_rate", "noise", "n_judged", "held_out")  # fmt: skip
Course = list[dict[str, Any]]


def train_gan(
    sample: CubeSample,
    rows: np.ndarray,
    recipe: GanRecipe,
    folder: Path,
    *,
    device: torch.device,
    resume: bool = False,
    progress: Callable[[str], None] = logger.info,
) -> tuple[Generator, Course]:
    """Train generator and discriminator on some people.

    Parameters
    ----------
    rows
        Numbers of the people.
    folder
        Where the checkpoint is written after every epoch; it stays, so that a killed training
        does not train a finished part again.

    Returns
    -------
    generator, course
        In evaluation mode on the CPU; and the mean losses of every epoch.

    Raises
    ------
    InputError
        If a loss is not finite.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        generator = Generator(recipe.width, recipe.side).to(device)
        discriminator = Discriminator(recipe.width, recipe.side, recipe.stabiliser).to(device)
    if recipe.stabiliser != "none":
        centre(generator, discriminator, sample, rows, recipe.flip)
    rates = (recipe.learning_rate, recipe.discriminator_rate or recipe.learning_rate)
    optimisers = {
        "generator_steps": torch.optim.Adam(generator.parameters(), rates[0], betas=BETAS),
        "discriminator_steps": torch.optim.Adam(discriminator.parameters(), rates[1], betas=BETAS),
    }
    modules = {"generator": generator, "discriminator": discriminator}
    options = {k: v for k, v in recipe.as_dict().items() if k not in LATER}
    key = fingerprint(options, rows, sample.marks())
    state = load_checkpoint(folder, key, modules, optimisers) if resume else None
    course: Course = state["course"] if state else []
    for epoch in range(state["step"] if state else 0, recipe.epochs):
        losses = _epoch(sample, rows, recipe, epoch, modules, optimisers, device)
        if not all(map(math.isfinite, losses)):
            raise InputError(f"losses of the GAN are {losses} in epoch {epoch + 1}",
                             hint="give a smaller learning_rate")  # fmt: skip
        names = ("generator_loss", "discriminator_loss")
        told = {k: round(v, 4) for k, v in zip(names, losses, strict=True)}
        course.append({"part": PART, "epoch": epoch + 1, **told})
        progress(f"{PART}, epoch {epoch + 1}/{recipe.epochs}: generator {losses[0]:.3f}, "
                 f"discriminator {losses[1]:.3f}")  # fmt: skip
        save_checkpoint(folder, key, epoch + 1, modules, optimisers, {"course": course})
    return generator.cpu().eval(), course


def _epoch(
    sample: CubeSample,
    rows: np.ndarray,
    recipe: GanRecipe,
    epoch: int,
    modules: dict[str, Any],
    optimisers: Mapping[str, torch.optim.Optimizer],
    device: torch.device,
) -> tuple[float, float]:
    """Show every person once; return mean losses of generator and discriminator."""
    # A source of its own for every epoch: a resumed training draws the same.
    source = torch.Generator().manual_seed(recipe.seed * 1_000_003 + epoch)
    generator, discriminator = modules["generator"].train(), modules["discriminator"].train()
    order = rows[torch.randperm(len(rows), generator=source).numpy()]
    totals = {"generator": 0.0, "discriminator": 0.0}
    steps = {"generator": 0, "discriminator": 0}
    for number, chosen in enumerate(batches(order, recipe.batch_size), start=1):
        real = flipped(sample.block(chosen), recipe.flip, source)[:, None].to(device)
        made = generator(draw_codes(len(real), source).to(device))
        loss = discriminator_loss(
            discriminator(real), discriminator(made.detach()), recipe.stabiliser
        )
        if recipe.stabiliser == "penalty":
            penalty = gradient_penalty(discriminator, real, made, source)
            loss = loss + recipe.penalty_weight * penalty
        _step(optimisers["discriminator_steps"], loss)
        totals["discriminator"] += loss.item()
        steps["discriminator"] += 1
        left_out = torch.rand((), generator=source).item() < recipe.skip
        if left_out or number % recipe.critic_steps:
            continue
        loss = generator_loss(discriminator(made), recipe.stabiliser)
        _step(optimisers["generator_steps"], loss)
        totals["generator"] += loss.item()
        steps["generator"] += 1
    return (
        totals["generator"] / max(steps["generator"], 1),
        totals["discriminator"] / steps["discriminator"],
    )


@torch.no_grad()
def centre(
    generator: Generator,
    discriminator: Discriminator,
    sample: CubeSample,
    rows: np.ndarray,
    flip: float,
) -> None:
    """Let both networks see what differs from the mean brain of the training people.

    Registered brains differ by a hundredth of their intensities. On whole intensities a generator
    learns the mean brain first, and stays there for thousands of steps.

    Parameters
    ----------
    rows
        Numbers of the training people.
    flip
        Chance of left-right exchange of real brains, which makes their mean symmetric.
    """
    cubes = sample.block(rows)
    mean = cubes.mean(dim=0)
    mean = (1 - flip) * mean + flip * mean.flip(0)
    scale = (cubes - mean).square().mean().sqrt().clamp_min(LEAST_SCALE)
    generator.centre(mean)
    discriminator.centre(mean, scale)


def flipped(cubes: Tensor, chance: float, source: torch.Generator) -> Tensor:
    """Exchange left and right of some cubes; (n, x, y, z)."""
    turned = torch.rand(len(cubes), generator=source) < chance
    return torch.where(turned[:, None, None, None], cubes.flip(1), cubes)


def _step(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    optimiser.step()
