"""Losses of discriminator and generator, plain and stable."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def discriminator_loss(real: Tensor, made: Tensor, stabiliser: str) -> Tensor:
    """Return the loss of the discriminator, without the penalty on its gradient.

    Parameters
    ----------
    real, made
        What it says of real and of generated cubes, before a sigmoid; (n,).
    stabiliser
        ``none`` for cross-entropy, ``spectral`` for the hinge, ``penalty`` for Wasserstein.
    """
    if stabiliser == "spectral":
        return F.relu(1 - real).mean() + F.relu(1 + made).mean()
    if stabiliser == "penalty":
        return made.mean() - real.mean()
    return F.softplus(-real).mean() + F.softplus(made).mean()


def generator_loss(made: Tensor, stabiliser: str) -> Tensor:
    """Return the loss of the generator; what the discriminator says of its cubes is (n,)."""
    return F.softplus(-made).mean() if stabiliser == "none" else -made.mean()


def gradient_penalty(
    network: nn.Module, real: Tensor, made: Tensor, generator: torch.Generator
) -> Tensor:
    """Return how far the gradient's length is from 1 between real and generated cubes, squared.

    Parameters
    ----------
    network
        From cubes to numbers (n,).
    real, made
        As many of one as of the other; (n, 1, x, y, z).
    """
    share = torch.rand(len(real), 1, 1, 1, 1, generator=generator).to(real.device)
    between = (share * real + (1 - share) * made.detach()).requires_grad_()
    (slope,) = torch.autograd.grad(network(between).sum(), between, create_graph=True)
    return (slope.flatten(1).norm(dim=1) - 1).square().mean()
