"""What a conditional variational autoencoder is trained by."""

from typing import NamedTuple

import torch
from torch import Tensor

from bids_brainage.models.cvae import each
from bids_brainage.models.cvae_core import CvaeCore, Measured
from bids_brainage.training.cvae.recipe import CvaeRecipe

JITTER_OF_OTHER_SEX = 0.1


class CvaeBatch(NamedTuple):
    """People that each member sees in one step; (members, n, …).

    Parameters
    ----------
    measured
        Scaled measures.
    age, female
        Years; 1 or 0.
    """

    measured: Measured
    age: Tensor
    female: Tensor


def cvae_loss(
    core: CvaeCore, batch: CvaeBatch, recipe: CvaeRecipe, warm: float, ends: tuple[float, float]
) -> tuple[Tensor, Tensor]:
    """Negative evidence lower bound, and how badly own ages and sexes are told from others.

    Parameters
    ----------
    warm
        Weight of the code's prior.
    ends
        Youngest and oldest of the other ages.

    Returns
    -------
        Means over people, per member; (members,) each.
    """
    told = core.conditions(batch.age, batch.female)
    seen = core.look(withhold(batch.measured, recipe.withheld))
    density, divergence = bound(core, batch.measured, seen, told)
    lower = (density - warm * divergence).mean(dim=1)
    if not recipe.contrast:
        return -lower, torch.zeros_like(lower)
    ages, females = others(batch, recipe, ends)
    times = ages.shape[-1]
    wide = Measured(*(each(t, times) for t in batch.measured))
    elsewhere = core.conditions(ages.flatten(1), females.flatten(1))
    found, far = bound(core, wide, each(seen, times), elsewhere)
    rivals = (found - far).reshape(ages.shape)
    own = density - divergence
    every = torch.cat([own[..., None], rivals], dim=-1)
    return -lower, (every.logsumexp(dim=-1) - own).mean(dim=1)


def bound(core: CvaeCore, measured: Measured, seen: Tensor, told: Tensor) -> tuple[Tensor, Tensor]:
    """Log-density of the measures by one draw of the code, and its divergence from the prior.

    Parameters
    ----------
    seen
        What the encoder's `look` gave.
    """
    mean, log_variance = core.encode(seen, told)
    code = mean + torch.exp(log_variance / 2) * torch.randn_like(mean)
    divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(dim=-1)
    return core.log_density(measured, code, told), divergence


def withhold(measured: Measured, share: float) -> Measured:
    """Hide some measures at random."""
    if not share:
        return measured
    kept = measured.known * (torch.rand_like(measured.known) >= share)
    return Measured(measured.x * kept, kept)


def others(
    batch: CvaeBatch, recipe: CvaeRecipe, ends: tuple[float, float]
) -> tuple[Tensor, Tensor]:
    """Other ages of the same sex, and the other sex at about the same age; (members, n, k)."""
    shape = (*batch.age.shape, recipe.other_ages + recipe.other_sexes)
    jitter = torch.full(shape[-1:], recipe.age_jitter)
    jitter[recipe.other_ages :] = JITTER_OF_OTHER_SEX
    ages = batch.age[..., None] * torch.exp(jitter * torch.randn(shape))
    females = batch.female[..., None].expand(shape).clone()
    females[..., recipe.other_ages :] = 1 - females[..., recipe.other_ages :]
    return ages.clamp(*ends), females
