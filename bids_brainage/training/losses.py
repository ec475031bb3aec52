"""Losses of the M-AVAE on one batch, summed over ensemble members."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from bids_brainage.models.mavae_core import Code, MavaeCore
from bids_brainage.training.recipe import Recipe

OFFSET_SCALE = 0.1


@dataclass(frozen=True)
class Batch:
    """One batch; the first `n_connected` people of each member have connectivity.

    Parameters
    ----------
    morphometry, connectivity
        Scaled features, (members, n, p) and (members, n_connected, q).
    age
        Standardised log age; (members, n).
    female
        1 woman, 0 man, NaN unknown; (members, n).
    has_morphometry
        1 if there is morphometry, else 0; (members, n).
    weight_single
        Weight of people without connectivity per member; (members, 1).
    age_weight
        Weight of each person's age error; (members, n).
    site
        Number of each person's site; (members, n).
    """

    morphometry: Tensor
    connectivity: Tensor
    age: Tensor
    female: Tensor
    has_morphometry: Tensor
    weight_single: Tensor
    age_weight: Tensor
    site: Tensor

    @property
    def n_connected(self) -> int:
        """Number of people with connectivity per member."""
        return self.connectivity.shape[1]


@dataclass(frozen=True)
class Codes:
    """Means, log-variances and sampled codes of both modalities."""

    mean: tuple[Tensor, Tensor]
    log_variance: tuple[Tensor, Tensor]
    sample: tuple[Tensor, Tensor]


def encode(core: MavaeCore, batch: Batch, recipe: Recipe) -> Codes:
    """Encode noisy features and sample with the reparameterisation trick."""
    noisy = (
        _with_noise(batch.morphometry, recipe.noise_morphometry),
        _with_noise(batch.connectivity, recipe.noise_connectivity),
    )
    first = core.encode("morphometry", noisy[0])
    second = core.encode("connectivity", noisy[1])
    mean, log_variance = (first[0], second[0]), (first[1], second[1])
    if not recipe.variational:
        return Codes(mean, log_variance, mean)
    sample = tuple(
        m + torch.exp(0.5 * v) * torch.randn_like(m)
        for m, v in zip(mean, log_variance, strict=True)
    )
    return Codes(mean, log_variance, (sample[0], sample[1]))


def discriminator_loss(core: MavaeCore, codes: Codes, batch: Batch) -> Tensor:
    """Loss of the discriminator: samples of the prior against both modalities' shared codes."""
    shared, weight = _shared(core, codes, batch)
    shared = shared.detach()
    real = core.discriminator(torch.randn_like(shared))[..., 0]
    fake = core.discriminator(shared)[..., 0]
    loss = functional.softplus(-real) + functional.softplus(fake)
    return _mean(loss, weight).sum()


def model_loss(
    core: MavaeCore, codes: Codes, batch: Batch, recipe: Recipe, warm: float, offsets: Tensor | None
) -> Tensor:
    """Weighted sum of age, sex, reconstruction, KL and adversarial losses.

    Parameters
    ----------
    warm
        Factor on all losses but age, rising from 0 to 1.
    offsets
        Free offset per member, combination of modalities and site, or None.
    """
    loss = _head_losses(core, codes, batch, recipe, warm, offsets)
    has_first, n = batch.has_morphometry, batch.n_connected
    if recipe.lambda_reconstruction:
        first = (core.decoders["morphometry"](codes.sample[0]) - batch.morphometry).square()
        total = (first.mean(dim=-1) * has_first).mean(dim=1).sum()
        if n:
            second = core.decoders["connectivity"](codes.sample[1]) - batch.connectivity
            total = total + second.square().mean(dim=(1, 2)).sum()
        loss = loss + warm * recipe.lambda_reconstruction * total
    if recipe.variational and recipe.lambda_kl:
        total = (_divergence(core, codes, 0) * has_first).mean(dim=1).sum()
        if n:
            total = total + _divergence(core, codes, 1).mean(dim=1).sum()
        loss = loss + warm * recipe.lambda_kl * total
    if recipe.adversarial and recipe.lambda_adversarial:
        shared, weight = _shared(core, codes, batch)
        fooled = functional.softplus(-core.discriminator(shared)[..., 0])
        loss = loss + 2 * warm * recipe.lambda_adversarial * _mean(fooled, weight).sum()
    if offsets is not None:
        loss = loss + recipe.lambda_site * OFFSET_SCALE * offsets.square().sum()
    return loss


def _head_losses(
    core: MavaeCore, codes: Codes, batch: Batch, recipe: Recipe, warm: float, offsets: Tensor | None
) -> Tensor:
    n = batch.n_connected
    first, second = core.split(codes.sample[0]), core.split(codes.sample[1])
    head = Code(first.shared[:, :n], first.unique[:, :n])
    has_first = batch.has_morphometry
    ones = torch.ones_like(has_first)
    single = torch.cat([ones[:, :n], batch.weight_single * ones[:, n:]], dim=1) * has_first
    terms: list[tuple[Code | None, Code | None, Tensor]] = [(first, None, single)]
    if n:
        terms += [(None, second, ones[:, :n]), (head, second, has_first[:, :n])]
    known = ~batch.female.isnan()
    female = torch.nan_to_num(batch.female)
    loss = torch.zeros((), dtype=batch.age.dtype)
    for index, (a, b, weight) in enumerate(terms):
        out = core.heads(a, b)
        m = weight.shape[1]
        age = out.age
        if offsets is not None:
            age = age + torch.gather(offsets[:, index], 1, batch.site[:, :m])
        error = functional.huber_loss(
            age, batch.age[:, :m], reduction="none", delta=recipe.huber
        ) / recipe.huber  # fmt: skip
        loss = (
            loss + recipe.lambda_age * (error * weight * batch.age_weight[:, :m]).mean(dim=1).sum()
        )
        if recipe.predict_sex:
            cross = functional.binary_cross_entropy_with_logits(
                out.sex, female[:, :m], reduction="none"
            )
            counted = (cross * weight * known[:, :m]).mean(dim=1).sum()
            loss = loss + warm * recipe.lambda_sex * counted
    return loss


def _shared(core: MavaeCore, codes: Codes, batch: Batch) -> tuple[Tensor, Tensor]:
    parts = [core.split(z).shared for z in codes.sample]
    weight = torch.cat(
        [batch.has_morphometry, torch.ones_like(batch.age[:, : batch.n_connected])], dim=1
    )
    return torch.cat(parts, dim=1), weight


def _divergence(core: MavaeCore, codes: Codes, index: int) -> Tensor:
    """KL divergence of the unique code from a standard normal; (members, n)."""
    mean = core.split(codes.mean[index]).unique
    log_variance = core.split(codes.log_variance[index]).unique
    return -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum(dim=-1)


def _mean(values: Tensor, weight: Tensor) -> Tensor:
    return (values * weight).sum(dim=1) / weight.sum(dim=1).clamp_min(1)


def _with_noise(x: Tensor, size: float) -> Tensor:
    return x + size * torch.randn_like(x) if size else x
