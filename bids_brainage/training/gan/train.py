"""Train all networks of the GAN on some people, and put together what is kept of them."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bids_brainage.models.brain_readers import SexClassifier
from bids_brainage.models.gan import Gan
from bids_brainage.models.gan_networks import draw_codes
from bids_brainage.training.gan.classify import NAMES, train_classifier
from bids_brainage.training.gan.code_readers import set_age_line
from bids_brainage.training.gan.fit import train_gan
from bids_brainage.training.gan.gaussian import fit_components
from bids_brainage.training.gan.pairs import (
    Pairs,
    judge_encoder,
    make_pairs,
    read_codes,
    train_encoder,
)
from bids_brainage.training.gan.recipe import GanRecipe
from bids_brainage.training.gan.sample import CubeSample
from bids_brainage.training.gan.scores import Judges

logger = logging.getLogger(__name__)
Course = list[dict[str, Any]]
COLUMNS = ("part", "epoch", "generator_loss", "discriminator_loss", "training_loss")
JUDGED_SEED = 7_919  # is added to the seed: other codes than those of the pairs


@dataclass(frozen=True)
class Trained:
    """What a training gives.

    Parameters
    ----------
    model
        In evaluation mode on the CPU.
    pairs
        Latent codes and cubes that the encoder learned on, and was judged by.
    encoder
        Its scores, see `judge_encoder`.
    course
        Losses of every epoch of every part.
    """

    model: Gan
    pairs: Pairs
    encoder: dict[str, float]
    course: Course


def train_classifiers(
    sample: CubeSample,
    rows: np.ndarray,
    recipe: GanRecipe,
    folder: Path,
    *,
    device: torch.device,
    resume: bool = False,
    progress: Callable[[str], None] = logger.info,
) -> tuple[dict[str, SexClassifier], Course]:
    """Train both classifiers of sex on some people."""
    found, course = {}, []
    for name in NAMES:
        found[name], told = train_classifier(
            sample, rows, recipe, folder / f"classifier-{name}", name=name, device=device,
            resume=resume, progress=progress,
        )  # fmt: skip
        course += told
    return found, course


def train_all(
    sample: CubeSample,
    rows: np.ndarray,
    recipe: GanRecipe,
    classifiers: Mapping[str, SexClassifier],
    folder: Path,
    pairs_folder: Path,
    *,
    device: torch.device,
    resume: bool = False,
    progress: Callable[[str], None] = logger.info,
) -> Trained:
    """Train the GAN, and its encoder on pairs that it makes; fit the line from codes to age.

    Parameters
    ----------
    rows
        Numbers of the training people.
    classifiers
        See `train_classifiers`.
    folder, pairs_folder
        Of the checkpoints, and of the pairs.
    """
    common: dict[str, Any] = {"device": device, "resume": resume, "progress": progress}
    generator, course = train_gan(sample, rows, recipe, folder / "gan", **common)
    pairs = make_pairs(generator, recipe.n_pairs, recipe.seed, pairs_folder, device)
    encoder, told = train_encoder(pairs, recipe, folder / "encoder", **common)
    model = Gan(recipe.model_config)
    model.generator.load_state_dict(generator.state_dict())
    model.encoder.load_state_dict(encoder.state_dict())
    for name in NAMES:
        getattr(model, name).load_state_dict(classifiers[name].state_dict())
    model.eval()
    set_age_line(model, read_codes(model.encoder, sample.cubes[rows]), sample.age[rows])
    return Trained(model, pairs, judge_encoder(encoder, pairs), course + told)


def make_judges(
    sample: CubeSample,
    training: np.ndarray,
    held: np.ndarray,
    classifiers: Mapping[str, SexClassifier],
    recipe: GanRecipe,
) -> Judges:
    """What generated cubes are judged with."""
    cubes = sample.cubes[training].astype(np.float32)
    return Judges(
        classifiers=classifiers,
        components=fit_components(cubes),
        training=cubes,
        held=sample.cubes[held].astype(np.float32),
        quantile=recipe.quantile,
    )


@torch.no_grad()
def generate(model: Gan, n: int, seed: int, block: int = 10) -> np.ndarray:
    """New cubes; (n, side, side, side)."""
    codes = draw_codes(n, torch.Generator().manual_seed(seed))
    return np.concatenate(
        [model.generate(codes[start : start + block]).numpy() for start in range(0, n, block)]
    )


def course_rows(course: Course) -> list[list[object]]:
    """Rows of `COLUMNS`."""
    return [[row.get(name, "") for name in COLUMNS] for row in course]
