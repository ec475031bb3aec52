"""What one stage of TSAN learns."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from bids_brainage.models.scaledense import ScaleDense
from bids_brainage.models.tsan import STEP, discretise
from bids_brainage.training.checkpoints import fingerprint
from bids_brainage.training.images.fit import mixed
from bids_brainage.training.images.sample import Sample
from bids_brainage.training.tsan.losses import age_loss
from bids_brainage.training.tsan.recipe import TsanRecipe


class StageTask:
    """Age with ranking losses, and sex where the network tells it.

    Parameters
    ----------
    network
        Of either stage.
    sample
        For the second stage, with the ages of the first.
    """

    def __init__(self, network: ScaleDense, sample: Sample, recipe: TsanRecipe) -> None:
        second = network.config.second
        self.part = "stage 2" if second else "stage 1"
        self.rate = recipe.second_rate if second else recipe.learning_rate
        self.network = network
        self._sample = sample
        self._recipe = recipe

    def key(self) -> Mapping[str, Any]:
        """Return a hash of what the first stage told."""
        return {"first": fingerprint(self._sample.first.numpy())}

    def loss(self, images: Tensor, rows: np.ndarray, generator: torch.Generator) -> Tensor:
        """Return the loss, in standard deviations of the training people's ages."""
        recipe, network, sample = self._recipe, self.network, self._sample
        device = images.device
        sex = sample.sex[rows].clone()
        sex[torch.rand(len(rows), generator=generator) < recipe.sex_dropout] = torch.nan
        # The first stage knows the people it was trained on too well; others it will not.
        first = sample.first[rows] + recipe.jitter * torch.randn(len(rows), generator=generator)
        rounded = discretise(first, recipe.discretise).to(device)
        age = sample.age[rows].to(device)
        with mixed(device):
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
        return loss

    def ages(self, rows: np.ndarray, device: torch.device) -> Tensor:
        """Predict the ages of some people in years."""
        return predict_stage(
            self.network, self._sample, rows, device, self._recipe.batch_size,
            step=self._recipe.discretise,
        )  # fmt: skip


@torch.no_grad()
def predict_stage(
    network: ScaleDense,
    sample: Sample,
    rows: np.ndarray,
    device: torch.device,
    batch_size: int = 8,
    *,
    step: float = STEP,
) -> Tensor:
    """Predict ages in years of some people; the second stage adds to the rounded age."""
    was_training = network.training
    network.to(device).eval()
    ages = []
    for start in range(0, len(rows), batch_size):
        chosen = rows[start : start + batch_size]
        rounded = discretise(sample.first[chosen], step)
        images, sex = sample.brains(chosen, device), sample.sex[chosen].to(device)
        age, _ = network(images, sex, rounded.to(device))
        ages.append(age.float().cpu() + (rounded if network.config.second else 0))
    network.train(was_training)
    return torch.cat(ages)
