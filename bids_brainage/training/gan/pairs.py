"""Pairs of latent code and generated cube, which are kept, and the encoder that learns on them."""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from bids_brainage.errors import OutputError
from bids_brainage.models.brain_readers import LatentEncoder
from bids_brainage.models.gan_networks import LATENT, PRIOR_VARIANCE, Generator, draw_codes
from bids_brainage.training.checkpoints import fingerprint
from bids_brainage.training.gan.recipe import GanRecipe
from bids_brainage.training.gan.sample import take
from bids_brainage.training.gan.supervised import fit_network

logger = logging.getLogger(__name__)
CODES, VOLUMES, KEY = "latent.npy", "volumes.npy", "pairs.json"
PART = "latent encoder"
HELD = 0.2
BLOCK = 10


@dataclass(frozen=True)
class Pairs:
    """Latent codes and the cubes that a generator made of them.

    Parameters
    ----------
    codes
        (n, 100).
    cubes
        Half precision, mapped from the disk; (n, side, side, side).
    """

    codes: np.ndarray
    cubes: np.ndarray

    def split(self) -> tuple[np.ndarray, np.ndarray]:
        """Numbers of pairs to train on, and of the last fifth, which judges."""
        first = len(self.codes) - max(1, round(HELD * len(self.codes)))
        return np.arange(first), np.arange(first, len(self.codes))


@torch.no_grad()
def make_pairs(
    generator: Generator, n: int, seed: int, folder: Path, device: torch.device
) -> Pairs:
    """Generate cubes and keep them with their codes; those kept from an earlier run are used.

    Raises
    ------
    OutputError
        If the folder cannot be written.
    """
    weights = [value.cpu().numpy() for value in generator.state_dict().values()]
    key = fingerprint(n, seed, *weights)
    try:
        if json.loads((folder / KEY).read_text(encoding="utf-8")) == key:
            return _read(folder)
    except (OSError, ValueError):
        pass
    codes = draw_codes(n, torch.Generator().manual_seed(seed))
    generator.to(device).eval()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # What follows may be killed halfway.
        (folder / KEY).unlink(missing_ok=True)
        first = generator(codes[:1].to(device))
        kept = np.lib.format.open_memmap(folder / VOLUMES, "w+", np.float16, (n, *first.shape[2:]))
        for start in range(0, n, BLOCK):
            made = generator(codes[start : start + BLOCK].to(device))
            kept[start : start + BLOCK] = made[:, 0].half().cpu().numpy()
        kept.flush()
        np.save(folder / CODES, codes.numpy())
        (folder / KEY).write_text(json.dumps(key), encoding="utf-8")
    except OSError as error:
        raise OutputError(f"cannot keep the pairs: {error.strerror}", place=folder) from error
    generator.cpu()
    return _read(folder)


def train_encoder(
    pairs: Pairs,
    recipe: GanRecipe,
    folder: Path,
    *,
    device: torch.device,
    resume: bool = False,
    progress: Callable[[str], None] = logger.info,
) -> tuple[LatentEncoder, list[dict[str, Any]]]:
    """Train an encoder on all pairs but the last fifth; see `judge_encoder`."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        network = LatentEncoder(recipe.width, recipe.side, recipe.quantile)
        # Codes have a mean of a half; the network starts there.
        torch.nn.init.constant_(network.linear.bias, 0.5)
    rows, _ = pairs.split()

    def loss(chosen: np.ndarray, source: torch.Generator) -> Tensor:
        wanted = torch.from_numpy(pairs.codes[chosen]).to(device)
        return F.mse_loss(network(take(pairs.cubes, chosen).to(device)), wanted)

    course = fit_network(
        network, loss, rows, folder, part=PART, epochs=recipe.encoder_epochs,
        batch_size=recipe.encoder_batch, rate=recipe.encoder_rate, seed=recipe.seed,
        key=(recipe.width, recipe.side, recipe.quantile, pairs.codes,
             np.array(pairs.cubes[:, ::7, ::7, ::7])),
        device=device, resume=resume, progress=progress,
    )  # fmt: skip
    return network, course


def judge_encoder(network: LatentEncoder, pairs: Pairs) -> dict[str, float]:
    """Mean squared error on pairs that it did not learn on, beside the variance of the codes.

    Returns
    -------
        ``encoder_mse``, ``prior_variance`` (1/12: the error of always saying a half),
        ``encoder_r2`` and ``pairs_held``.
    """
    _, held = pairs.split()
    found = read_codes(network, np.asarray(pairs.cubes[held]))
    error = float(np.square(found - pairs.codes[held]).mean())
    return {
        "encoder_mse": error,
        "prior_variance": PRIOR_VARIANCE,
        "encoder_r2": 1 - error / PRIOR_VARIANCE,
        "pairs_held": float(len(held)),
    }


@torch.no_grad()
def read_codes(network: LatentEncoder, cubes: np.ndarray) -> np.ndarray:
    """Latent codes of cubes; (n, 100)."""
    network.eval()
    parts = [
        network(take(cubes, np.arange(start, min(start + BLOCK, len(cubes))))).numpy()
        for start in range(0, len(cubes), BLOCK)
    ]
    return np.concatenate(parts) if parts else np.empty((0, LATENT), np.float32)


def _read(folder: Path) -> Pairs:
    return Pairs(np.load(folder / CODES), np.load(folder / VOLUMES, mmap_mode="r"))
