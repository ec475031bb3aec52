"""What a network learns from the training people's images before age."""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bids_brainage.training.images.fit import fit, mixed
from bids_brainage.training.images.recipe import ImageRecipe
from bids_brainage.training.images.sample import Sample

logger = logging.getLogger(__name__)
PART = "pretraining"
FURTHEST = 3.0  # standard deviations
COARSER = 4  # voxels of the image a side of each one that is given again
SMALLEST = 1e-3


class Pretext(nn.Module):
    """A network of images with a linear map from its features to what it learns first.

    Parameters
    ----------
    trunk
        With ``features``, from images (n, 1, x, y, z) to (n, f).
    centre, spread
        Of the targets of the training people; (t,).
    """

    centre: Tensor
    spread: Tensor

    def __init__(self, trunk: nn.Module, centre: Tensor, spread: Tensor) -> None:
        super().__init__()
        self.trunk = trunk
        self.out = nn.LazyLinear(len(centre))
        self.register_buffer("centre", centre)
        self.register_buffer("spread", spread)

    def forward(self, images: Tensor) -> Tensor:
        """Map images to standard scores of the targets; (n, t)."""
        return self.out(cast(Any, self.trunk).features(images))

    def standard(self, targets: Tensor) -> Tensor:
        """Standard scores of targets, outliers drawn in."""
        return ((targets - self.centre) / self.spread).clamp(-FURTHEST, FURTHEST)


class PretextTask:
    """Mean squared error of the standard scores of volumes, or of the image at low resolution."""

    part = PART

    def __init__(
        self, trunk: nn.Module, sample: Sample, training: np.ndarray, recipe: ImageRecipe
    ) -> None:
        self.rate = recipe.learning_rate
        self._sample = sample
        self._measured = recipe.pretrain == "volumes"
        known = self._targets(sample.brains(training, torch.device("cpu")), training)
        spread = known.std(dim=0)
        self.network = Pretext(trunk, known.mean(dim=0), spread.clamp_min(SMALLEST))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe.seed)
            # Its width is known after one image.
            self.network.eval()(sample.brains(training[:1], torch.device("cpu")))

    def key(self) -> Mapping[str, Any]:
        """Return nothing: all is in the recipe."""
        return {}

    def loss(self, images: Tensor, rows: np.ndarray, generator: torch.Generator) -> Tensor:
        """Return the error of what the features tell."""
        targets = self.network.standard(self._targets(images, rows).to(images.device))
        with mixed(images.device):
            found = self.network(images)
        return F.mse_loss(found.float(), targets)

    def ages(self, rows: np.ndarray, device: torch.device) -> Tensor:
        """Tell no ages."""
        return torch.full((len(rows),), torch.nan)

    def _targets(self, images: Tensor, rows: np.ndarray) -> Tensor:
        if self._measured:
            return self._sample.measures[rows]
        return F.avg_pool3d(images, COARSER, ceil_mode=True).flatten(1)


def pretrain(
    trunk: nn.Module,
    sample: Sample,
    training: np.ndarray,
    recipe: ImageRecipe,
    folder: Path,
    *,
    device: torch.device,
    resume: bool = False,
    progress: Callable[[str], None] = logger.info,
) -> list[list[object]]:
    """Train the features of a network in place, if the recipe says so; see `fit`.

    Only the training people's images and volumes are used; no ages.

    Returns
    -------
        Its course.
    """
    if recipe.pretrain == "none":
        return []
    task = PretextTask(trunk, sample, training, recipe)
    return fit(
        task, sample, training, training[:0], recipe.changed(epochs=recipe.pretrain_epochs),
        folder / PART, device=device, resume=resume, progress=progress,
    )  # fmt: skip
