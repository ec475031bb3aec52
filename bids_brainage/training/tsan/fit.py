"""The training loop of one stage, with checkpoints that go on exactly."""

import copy
import logging
import math
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bids_brainage.models.resunet_compact import fast_layout
from bids_brainage.models.scaledense import ScaleDense
from bids_brainage.models.tsan import STEP, discretise
from bids_brainage.training.checkpoints import (
    fingerprint,
    load_checkpoint,
    save_checkpoint,
)
from bids_brainage.training.tsan.augment import augment
from bids_brainage.training.tsan.losses import age_loss
from bids_brainage.training.tsan.recipe import TsanRecipe

logger = logging.getLogger(__name__)
EPOCH_COLUMNS = ("stage", "epoch", "learning_rate", "loss", "validation_mae")
CLIP = 5.0


@dataclass(frozen=True)
class Sample:
    """People as tensors of one length.

    Parameters
    ----------
    images
        Half precision, (n, x, y, z), possibly mapped from the disk.
    age
        Years.
    sex
        One column for female and one for male; NaN where unknown; (n, 2).
    first
        Age in years that the first stage tells; NaN at the first stage itself.
    """

    images: np.ndarray
    age: Tensor
    sex: Tensor
    first: Tensor

    def brains(self, rows: Sequence[int] | np.ndarray, device: torch.device) -> Tensor:
        """Images of some people on a device; (k, 1, x, y, z)."""
        block = np.stack([self.images[i] for i in rows]).astype(np.float32)
        return torch.from_numpy(block)[:, None].to(device)


def fit_stage(
    network: ScaleDense,
    sample: Sample,
    training: np.ndarray,
    validation: np.ndarray,
    recipe: TsanRecipe,
    folder: Path,
    *,
    device: torch.device,
    resume: bool = False,
    progress: Callable[[str], None] = logger.info,
) -> tuple[ScaleDense, list[list[object]]]:
    """Train one stage; the epoch with the least validation error is kept.

    Parameters
    ----------
    training, validation
        Numbers of people; without the latter the last epoch is kept, and the learning rate
        falls as a cosine.
    folder
        Where the checkpoint is written after every epoch; it stays, so that a killed training
        does not train a finished stage again.

    Returns
    -------
    network, rows
        In evaluation mode on the CPU, and its course by `EPOCH_COLUMNS`.
    """
    stage = 2 if network.config.second else 1
    rate = recipe.second_rate if stage == 2 else recipe.learning_rate
    network.to(device)
    network.light = recipe.light
    if device.type == "cuda":
        fast_layout(network)
    best = copy.deepcopy(network)
    optimiser = torch.optim.Adam(
        network.parameters(), lr=rate, weight_decay=recipe.weight_decay, amsgrad=True
    )
    key = fingerprint(recipe.as_dict(), network.config.as_dict(), training, validation,
                      sample.age.numpy(), sample.first.numpy())  # fmt: skip
    modules: dict[str, nn.Module | dict[str, Tensor]] = {"network": network, "best": best}
    state = load_checkpoint(folder, key, modules, {"optimiser": optimiser}) if resume else None
    course: dict[str, Any] = state or {"step": 0, "rows": [], "least": math.inf, "since": 0}
    for epoch in range(course["step"], recipe.epochs):
        if course["since"] >= recipe.patience:
            break
        if not len(validation):
            for group in optimiser.param_groups:
                group["lr"] = rate * 0.5 * (1 + math.cos(math.pi * epoch / recipe.epochs))
        loss = _epoch(network, optimiser, sample, training, recipe, epoch, device)
        error = math.nan
        if len(validation):
            found, _ = predict_stage(
                network, sample, validation, device, recipe.batch_size, step=recipe.discretise
            )
            error = float((found - sample.age[validation]).abs().mean())
        if not error >= course["least"]:
            best.load_state_dict(network.state_dict())
            course["least"] = error if len(validation) else math.inf
            course["since"] = 0
        else:
            course["since"] += 1
            if course["since"] % recipe.plateau == 0:
                for group in optimiser.param_groups:
                    group["lr"] *= recipe.factor
        now = optimiser.param_groups[0]["lr"]
        course["rows"].append([stage, epoch + 1, f"{now:.2g}", f"{loss:.3f}", f"{error:.3f}"])
        progress(f"stage {stage}, epoch {epoch + 1}/{recipe.epochs}: loss {loss:.2f}, "
                 f"validation error {error:.2f}")  # fmt: skip
        extra = {name: course[name] for name in ("rows", "least", "since")}
        save_checkpoint(folder, key, epoch + 1, modules, {"optimiser": optimiser}, extra)
    return best.cpu().eval(), course["rows"]


@torch.no_grad()
def predict_stage(
    network: ScaleDense,
    sample: Sample,
    rows: np.ndarray,
    device: torch.device,
    batch_size: int = 8,
    *,
    know_sex: bool = True,
    step: float = STEP,
) -> tuple[Tensor, Tensor]:
    """Ages in years and sex logits of some people; the second stage adds to the rounded age."""
    was_training = network.training
    network.to(device).eval()
    ages, logits = [], []
    for start in range(0, len(rows), batch_size):
        chosen = rows[start : start + batch_size]
        sex = sample.sex[chosen].to(device) if know_sex else None
        rounded = discretise(sample.first[chosen], step)
        age, logit = network(sample.brains(chosen, device), sex, rounded.to(device))
        ages.append(age.float().cpu() + (rounded if network.config.second else 0))
        logits.append(logit.float().cpu())
    network.train(was_training)
    return torch.cat(ages), torch.cat(logits)


def _epoch(
    network: ScaleDense,
    optimiser: torch.optim.Optimizer,
    sample: Sample,
    training: np.ndarray,
    recipe: TsanRecipe,
    epoch: int,
    device: torch.device,
) -> float:
    # A generator of its own for every epoch: a resumed training draws the same.
    generator = torch.Generator().manual_seed(recipe.seed * 1_000_003 + epoch)
    network.train()
    order = training[torch.randperm(len(training), generator=generator).numpy()]
    total = 0.0
    for rows in _batches(order, recipe.batch_size):
        images = augment(sample.brains(rows, device), recipe, generator)
        sex = sample.sex[rows].clone()
        sex[torch.rand(len(rows), generator=generator) < recipe.sex_dropout] = torch.nan
        # The first stage knows the people it was trained on too well; others it will not.
        first = sample.first[rows] + recipe.jitter * torch.randn(len(rows), generator=generator)
        rounded = discretise(first, recipe.discretise).to(device)
        age = sample.age[rows].to(device)
        mixed = torch.autocast("cuda", torch.bfloat16) if device.type == "cuda" else nullcontext()
        with mixed:
            found, logit = network(images, sex.to(device), rounded)
        found = found.float() + (rounded if network.config.second else 0)
        spread = network.scale
        loss = age_loss(found / spread, age / spread, recipe.rank_weight, recipe.difference_weight)
        if network.config.tells_sex:
            female = sample.sex[rows, 0].to(device)
            known = female.isfinite()
            if known.any():
                loss = loss + recipe.sex_weight * F.binary_cross_entropy_with_logits(
                    logit.float()[known], female[known]
                )
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), CLIP)
        optimiser.step()
        total += loss.item() * len(rows)
    return total / len(order)


def _batches(order: np.ndarray, size: int) -> list[np.ndarray]:
    """Cut into batches of nearly one size; batch normalisation needs two people in each."""
    return np.array_split(order, max(1, round(len(order) / size)))
