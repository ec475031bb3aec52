"""Train ResNeXt: one network, squared error of age."""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bids_brainage.models.resnext import ResNeXt
from bids_brainage.training.images.family import ImageFamily
from bids_brainage.training.images.fit import fit, mixed
from bids_brainage.training.images.pretrain import pretrain
from bids_brainage.training.images.sample import Sample
from bids_brainage.training.resnext.recipe import ResNeXtRecipe

logger = logging.getLogger(__name__)


class AgeTask:
    """Squared error of age, in standard deviations of the training people's."""

    part = "training"

    def __init__(self, network: ResNeXt, sample: Sample, recipe: ResNeXtRecipe) -> None:
        self.rate = recipe.learning_rate
        self.network = network
        self._sample = sample
        self._batch_size = recipe.batch_size

    def key(self) -> Mapping[str, Any]:
        """Return nothing: all is in the recipe."""
        return {}

    def loss(self, images: Tensor, rows: np.ndarray, generator: torch.Generator) -> Tensor:
        """Return the mean squared error of standard scores."""
        with mixed(images.device):
            found = self.network.age(images)
        age = self._sample.age[rows].to(images.device)
        return ((found.float() - age) / self.network.scale).square().mean()

    @torch.no_grad()
    def ages(self, rows: np.ndarray, device: torch.device) -> Tensor:
        """Predict the ages of some people in years, without statistics of the batch."""
        self.network.to(device).eval()
        parts = np.split(rows, range(self._batch_size, len(rows), self._batch_size))
        found = [self.network.age(self._sample.brains(part, device)) for part in parts]
        return torch.cat(found).float().cpu()


def train_resnext(
    sample: Sample,
    training: np.ndarray,
    validation: np.ndarray,
    recipe: ResNeXtRecipe,
    folder: Path,
    *,
    device: torch.device,
    resume: bool = False,
    progress: Callable[[str], None] = logger.info,
) -> tuple[ResNeXt, list[list[object]]]:
    """Train on one sample.

    Returns
    -------
    network, rows
        In evaluation mode, and its course, see `fit`.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        network = ResNeXt(recipe.model_config)
    network.light = recipe.light
    network.centre.copy_(sample.age[training].mean())
    network.scale.copy_(sample.age[training].std())
    course = pretrain(network, sample, training, recipe, folder, device=device, resume=resume,
                      progress=progress)  # fmt: skip
    course += fit(
        AgeTask(network, sample, recipe), sample, training, validation, recipe,
        folder / "training", device=device, resume=resume, progress=progress,
    )  # fmt: skip
    return network, course


RESNEXT = ImageFamily(
    name="resnext",
    title="ResNeXt",
    description="Residual network with grouped convolutions for age from a brain in MNI152 space.",
    references=("Xie et al., 2017, ResNeXt, 10.1109/CVPR.2017.634",),
    train=train_resnext,
    networks={
        "resnext": ("ResNeXt", {}),
        "resnext-volumes": ("ResNeXt, pretrained on volumes", {"pretrain": "volumes"}),
        "resnext-images": ("ResNeXt, pretrained on images", {"pretrain": "images"}),
    },
    shown={"resnext-averaged": ("ResNeXt, averaged over moved copies", "averaged_age")},
)
