import pytest
import torch

from bids_brainage.training.tsan.losses import (
    age_loss,
    difference_loss,
    ranking_loss,
    ranks,
    soft_ranks,
)


def test_oldest_has_rank_one_nth_and_youngest_one():
    found = ranks(torch.tensor([20.0, 80.0, 50.0, 65.0]))
    torch.testing.assert_close(found, torch.tensor([1.0, 0.25, 0.75, 0.5]))


def test_ties_share_the_mean_of_their_ranks():
    found = ranks(torch.tensor([20.0, 50.0, 50.0, 80.0]))
    torch.testing.assert_close(found, torch.tensor([1.0, 0.625, 0.625, 0.25]))


@pytest.mark.parametrize("n", [2, 3, 17])
def test_soft_ranks_become_ranks(n):
    ages = torch.rand(n, generator=torch.Generator().manual_seed(n)) * 60
    torch.testing.assert_close(soft_ranks(ages, 1e-4), ranks(ages), atol=1e-4, rtol=0)


def test_ranking_loss_is_least_for_the_right_order():
    true = torch.tensor([1.0, 2.0, 3.0, 4.0])
    right = ranking_loss(10 * true, true)
    assert right < 1e-6
    # The mean squared difference of reversed ranks (3, 1, 1, 3 of 4) / 4.
    assert ranking_loss(-10 * true, true).item() == pytest.approx(20 / 4 / 16, abs=1e-6)


def test_difference_loss_is_the_mean_over_all_pairs():
    predicted, true = torch.tensor([20.0, 33.0, 41.0]), torch.tensor([22.0, 30.0, 45.0])
    error = predicted - true
    pairs = (error[:, None] - error[None, :]).square().mean()
    torch.testing.assert_close(difference_loss(predicted, true), pairs)


def test_constant_error_costs_no_difference():
    true = torch.tensor([20.0, 30.0, 40.0])
    assert difference_loss(true + 7, true) == 0


def test_weights_put_the_losses_together():
    predicted, true = torch.tensor([0.2, 1.0, -0.5]), torch.tensor([0.0, 1.5, -1.0])
    error = (predicted - true).square().mean()
    whole = error + 4 * (ranking_loss(predicted, true) + 3 * difference_loss(predicted, true))
    torch.testing.assert_close(age_loss(predicted, true, 4, 3), whole)
    torch.testing.assert_close(age_loss(predicted, true, 0), error)


def test_gradient_is_right():
    generator = torch.Generator().manual_seed(0)
    predicted = torch.randn(6, dtype=torch.double, generator=generator, requires_grad=True)
    true = torch.randn(6, dtype=torch.double, generator=generator)
    assert torch.autograd.gradcheck(lambda x: age_loss(x, true, softness=0.5), (predicted,))
