"""Train the cascade: the first stage, the second on rounded ages of the first, and a line."""

import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch

from bids_brainage.errors import InputError
from bids_brainage.models.scaledense import ScaleDense
from bids_brainage.models.store import load_kind
from bids_brainage.models.tsan import Tsan
from bids_brainage.training.images.family import ImageFamily
from bids_brainage.training.images.fit import fit
from bids_brainage.training.images.pretrain import pretrain
from bids_brainage.training.images.sample import Sample
from bids_brainage.training.tsan.calibration import calibrate, describe_line
from bids_brainage.training.tsan.recipe import TsanRecipe
from bids_brainage.training.tsan.stage import StageTask, predict_stage

logger = logging.getLogger(__name__)


def train_cascade(
    sample: Sample,
    training: np.ndarray,
    validation: np.ndarray,
    recipe: TsanRecipe,
    folder: Path,
    *,
    device: torch.device,
    first: ScaleDense | None = None,
    resume: bool = False,
    progress: Callable[[str], None] = logger.info,
) -> tuple[Tsan, list[list[object]]]:
    """Train both stages on one sample, and fit the line that the ages go through.

    Parameters
    ----------
    first
        A trained first stage; the second alone is trained then.

    Returns
    -------
    cascade, rows
        In evaluation mode, and the course of all parts, see `fit`.
    """
    cascade = new_cascade(recipe)
    if first is not None:
        cascade.first.load_state_dict(first.state_dict())
    centre, spread = sample.age[training].mean(), sample.age[training].std()
    course: list[list[object]] = []
    for stage in range(1 if first is None else 2, recipe.stages + 1):
        network: ScaleDense = cascade.first if stage == 1 else cascade.second
        network.light = recipe.light
        network.centre.copy_(centre)
        network.scale.copy_(spread)
        if stage == 1:
            course += pretrain(network, sample, training, recipe, folder, device=device,
                               resume=resume, progress=progress)  # fmt: skip
        else:
            everyone = np.arange(len(sample.age))
            found = predict_stage(cascade.first, sample, everyone, device, recipe.batch_size)
            sample = replace(sample, first=found)
            cascade.first.cpu()
        course += fit(
            StageTask(network, sample, recipe), sample, training, validation, recipe,
            folder / f"stage-{stage}", device=device, resume=resume, progress=progress,
        )  # fmt: skip
    calibrate(cascade.eval().to(device), sample, validation)
    return cascade.cpu(), course


def new_cascade(recipe: TsanRecipe) -> Tsan:
    """Build the cascade with start values drawn from the recipe's seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        return Tsan(recipe.model_config)


def with_first_stage_of(model: Path, recipe: TsanRecipe) -> ImageFamily:
    """Return the family whose training keeps the first stage of a model, and trains the second.

    Raises
    ------
    ModelError, InputError
        If the model cannot be loaded, or its networks have another shape.
    """
    earlier, _ = load_kind(model, Tsan)
    wanted = recipe.model_config
    if any(getattr(earlier.config, name) != getattr(wanted, name)
           for name in ("network", "shape", "zooms", "scaling")):  # fmt: skip
        raise InputError("the first stage there has another shape or image", place=model,
                         hint="train both stages with one recipe")  # fmt: skip
    return replace(TSAN, train=partial(train_cascade, first=earlier.first))


TSAN = ImageFamily(
    name="tsan",
    title="TSAN",
    description=(
        "Two-stage convolutional network with ranking losses for age from a brain in MNI152 space."
    ),
    references=(
        "Cheng et al., 2021, TSAN, 10.1109/TMI.2021.3085948",
        "Ding et al., 2019, ACNet, 10.1109/ICCV.2019.00200",
    ),
    train=train_cascade,
    networks={
        "tsan": ("TSAN, both stages", {}),
        "no-ranking": ("TSAN without ranking loss", {"rank_weight": 0.0}),
        "no-sex": ("TSAN without sex", {"sex": "none"}),
        "pretrained-volumes": ("TSAN, pretrained on volumes", {"pretrain": "volumes"}),
        "pretrained-images": ("TSAN, pretrained on images", {"pretrain": "images"}),
    },
    shown={
        "first": ("TSAN, first stage", "first_age"),
        "rounded": ("TSAN, rounded first age alone", "rounded_age"),
        "averaged": ("TSAN, averaged over moved copies", "averaged_age"),
    },
    calibration=describe_line,
)
