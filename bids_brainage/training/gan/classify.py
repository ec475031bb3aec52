"""Classifiers of sex from cubes, plain and with noise, and how well they do on real people."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from bids_brainage.errors import InputError
from bids_brainage.models.brain_readers import SexClassifier
from bids_brainage.training.gan.fit import flipped
from bids_brainage.training.gan.recipe import GanRecipe
from bids_brainage.training.gan.sample import CubeSample, take
from bids_brainage.training.gan.supervised import fit_network

logger = logging.getLogger(__name__)
NAMES = ("plain", "noisy")
PARTS = {"plain": "classifier", "noisy": "classifier with noise"}
FEWEST = 3  # people of each sex
BLOCK = 10


def train_classifier(
    sample: CubeSample,
    rows: np.ndarray,
    recipe: GanRecipe,
    folder: Path,
    *,
    name: str,
    device: torch.device,
    resume: bool = False,
    progress: Callable[[str], None] = logger.info,
) -> tuple[SexClassifier, list[dict[str, Any]]]:
    """Train a classifier on the people whose sex is known.

    Parameters
    ----------
    rows
        Numbers of the people; those of unknown sex are left out.
    name
        ``plain``, or ``noisy`` with noise added to the voxels.

    Raises
    ------
    InputError
        If there are too few women or men.
    """
    known = rows[np.isfinite(sample.female[rows])]
    women = int(sample.female[known].sum())
    if min(women, len(known) - women) < FEWEST:
        raise InputError(f"{women} women and {len(known) - women} men to train a classifier on",
                         hint=f"give {FEWEST} or more of each")  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        network = SexClassifier(recipe.width, recipe.side, recipe.quantile)
    female = torch.from_numpy(sample.female).float()
    noise = recipe.noise if name == "noisy" else 0.0

    def loss(chosen: np.ndarray, source: torch.Generator) -> Tensor:
        cubes = flipped(sample.block(chosen), recipe.flip, source)
        added = noise * torch.randn(cubes.shape, generator=source) if noise else None
        logit = network(cubes.to(device), None if added is None else added.to(device))
        return F.binary_cross_entropy_with_logits(logit, female[chosen].to(device))

    course = fit_network(
        network, loss, known, folder, part=PARTS[name], epochs=recipe.classifier_epochs,
        batch_size=recipe.classifier_batch, rate=recipe.classifier_rate, seed=recipe.seed,
        key=(recipe.width, recipe.side, recipe.quantile, recipe.flip, noise, sample.marks(),
             sample.female),
        device=device, resume=resume, progress=progress,
    )  # fmt: skip
    return network, course


@torch.no_grad()
def female_logits(network: SexClassifier, cubes: np.ndarray) -> np.ndarray:
    """Logits of being female, of real or generated cubes of any scale; (n,)."""
    network.eval()
    return _blocks(cubes, network)


@torch.no_grad()
def features_of(network: SexClassifier, cubes: np.ndarray) -> np.ndarray:
    """Values of the last hidden layer; (n, hidden)."""
    network.eval()
    return _blocks(cubes, network.features)


def _blocks(cubes: np.ndarray, read: Callable[[Tensor], Tensor]) -> np.ndarray:
    parts = [
        read(take(cubes, np.arange(start, min(start + BLOCK, len(cubes))))).numpy()
        for start in range(0, len(cubes), BLOCK)
    ]
    return np.concatenate(parts)
