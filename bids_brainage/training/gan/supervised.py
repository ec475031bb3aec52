"""Training of latent encoder and classifiers: one network, one loss, exact checkpoints."""

import logging
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from bids_brainage.errors import InputError
from bids_brainage.training.checkpoints import fingerprint, load_checkpoint, save_checkpoint
from bids_brainage.training.images.fit import batches

logger = logging.getLogger(__name__)
CLIP = 5.0
Loss = Callable[[np.ndarray, torch.Generator], Tensor]


def fit_network(
    network: nn.Module,
    loss: Loss,
    rows: np.ndarray,
    folder: Path,
    *,
    part: str,
    epochs: int,
    batch_size: int,
    rate: float,
    seed: int,
    key: tuple[Any, ...],
    device: torch.device,
    resume: bool = False,
    progress: Callable[[str], None] = logger.info,
) -> list[dict[str, Any]]:
    """Train a network in place; the learning rate falls as a cosine.

    Parameters
    ----------
    loss
        From numbers of some rows, and a source of random numbers, to the loss.
    rows
        Numbers of all rows to train on.
    folder
        Where the checkpoint is written after every epoch, and stays.
    part
        Name of this part of the training.
    key
        What the result depends on beside the options here.

    Returns
    -------
        The mean loss of every epoch; the network is in evaluation mode on the CPU.

    Raises
    ------
    InputError
        If the loss is not finite.
    """
    network.to(device)
    optimiser = torch.optim.Adam(network.parameters(), rate)
    mark = fingerprint(part, epochs, batch_size, rate, seed, rows, *key)
    modules, optimisers = {"network": network}, {"optimiser": optimiser}
    state = load_checkpoint(folder, mark, modules, optimisers) if resume else None
    course: list[dict[str, Any]] = state["course"] if state else []
    for epoch in range(state["step"] if state else 0, epochs):
        for group in optimiser.param_groups:
            group["lr"] = rate * 0.5 * (1 + math.cos(math.pi * epoch / epochs))
        total = _epoch(network, loss, rows, optimiser, batch_size, seed * 1_000_003 + epoch)
        if not math.isfinite(total):
            raise InputError(f"the loss of the {part} is {total} in epoch {epoch + 1}",
                             hint="give a smaller rate")  # fmt: skip
        course.append({"part": part, "epoch": epoch + 1, "training_loss": round(total, 5)})
        progress(f"{part}, epoch {epoch + 1}/{epochs}: loss {total:.4f}")
        save_checkpoint(folder, mark, epoch + 1, modules, optimisers, {"course": course})
    network.cpu().eval()
    return course


def _epoch(
    network: nn.Module,
    loss: Loss,
    rows: np.ndarray,
    optimiser: torch.optim.Optimizer,
    batch_size: int,
    seed: int,
) -> float:
    network.train()
    source = torch.Generator().manual_seed(seed)
    total = 0.0
    order = rows[torch.randperm(len(rows), generator=source).numpy()]
    with torch.random.fork_rng(devices=[]):
        # Dropout draws from here: a resumed training draws the same.
        torch.manual_seed(seed)
        for chosen in batches(order, batch_size):
            found = loss(chosen, source)
            optimiser.zero_grad(set_to_none=True)
            found.backward()
            nn.utils.clip_grad_norm_(network.parameters(), CLIP)
            optimiser.step()
            total += found.item() * len(chosen)
    return total / len(rows)
