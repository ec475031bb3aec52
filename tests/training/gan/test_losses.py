import math

import pytest
import torch
from torch import nn

from bids_brainage.training.gan.losses import (
    discriminator_loss,
    generator_loss,
    gradient_penalty,
)

REAL, MADE = torch.tensor([2.0, 0.0]), torch.tensor([-1.0, 1.0])


def test_plain_loss_is_the_cross_entropy_of_the_sigmoid():
    p, q = torch.sigmoid(REAL), torch.sigmoid(MADE)
    expected = -(p.log().mean() + (1 - q).log().mean())
    torch.testing.assert_close(discriminator_loss(REAL, MADE, "none"), expected)
    torch.testing.assert_close(generator_loss(MADE, "none"), -q.log().mean())


def test_hinge_forgives_what_is_on_the_right_side():
    assert discriminator_loss(REAL, MADE, "spectral").item() == pytest.approx(0.5 + 1.0)
    assert generator_loss(MADE, "spectral").item() == 0.0


def test_wasserstein_loss_is_a_difference_of_means():
    assert discriminator_loss(REAL, MADE, "penalty").item() == pytest.approx(-1.0)


def test_penalty_is_zero_for_a_gradient_of_length_1():
    network = nn.Sequential(nn.Flatten(), nn.Linear(8, 1), nn.Flatten(0))
    real, made = torch.rand(3, 1, 2, 2, 2), torch.rand(3, 1, 2, 2, 2)
    source = torch.Generator().manual_seed(0)
    with torch.no_grad():
        network[1].weight.fill_(1 / math.sqrt(8))
    assert gradient_penalty(network, real, made, source).item() == pytest.approx(0, abs=1e-10)
    with torch.no_grad():
        network[1].weight.fill_(3 / math.sqrt(8))
    found = gradient_penalty(network, real, made, source)
    assert found.item() == pytest.approx(4, abs=1e-4)
    found.backward()
    assert network[1].weight.grad.abs().min() > 0
