"""Squared error with the ranking losses of TSAN, at any batch size and on any device."""

import torch
from torch import Tensor

SOFTNESS = 0.1


def ranks(ages: Tensor) -> Tensor:
    """Ranks from the oldest, 1/n, to the youngest, 1; ties share the mean of theirs.

    Parameters
    ----------
    ages
        Years; (n,).
    """
    return _descending(torch.sign(ages[:, None] - ages[None, :]) / 2 + 0.5)


def soft_ranks(ages: Tensor, softness: float = SOFTNESS) -> Tensor:
    """Ranks as `ranks` gives, smoothed so that they have a gradient.

    Works for batches of any size, where the published network needs one trained for each. Who
    is older is a logistic function of the difference of two ages (Qin et al. 2010,
    doi:10.1007/s10791-009-9124-x).

    Parameters
    ----------
    softness
        Difference over which the order of two people is open, in the unit of the ages.
    """
    return _descending(torch.sigmoid((ages[:, None] - ages[None, :]) / softness))


def _descending(older: Tensor) -> Tensor:
    n = len(older)
    ahead = older.sum(dim=1) - older.diagonal()
    return 1 - ahead / n


def ranking_loss(predicted: Tensor, true: Tensor, softness: float = SOFTNESS) -> Tensor:
    """Mean squared difference of soft ranks and ranks: Spearman's correlation, as a loss."""
    return (soft_ranks(predicted, softness) - ranks(true)).square().mean()


def difference_loss(predicted: Tensor, true: Tensor) -> Tensor:
    """Mean squared error of the age difference over all pairs, those with oneself included.

    The mean that random pairs have in expectation: twice the variance of the error.
    """
    error = predicted - true
    return 2 * (error - error.mean()).square().mean()


def age_loss(
    predicted: Tensor,
    true: Tensor,
    rank_weight: float = 10.0,
    difference_weight: float = 1.0,
    softness: float = SOFTNESS,
) -> Tensor:
    """Squared error plus weighted ranking losses.

    Source: Cheng et al. 2021, doi:10.1109/TMI.2021.3085948.

    Parameters
    ----------
    predicted, true
        Ages; (n,), in standard deviations of the training people's, so that the order counts
        beside the squares. Of the second stage, what it gives plus the rounded age.
    rank_weight
        Weight of both ranking losses.
    difference_weight
        Weight of the difference loss within them.
    """
    error = (predicted - true).square().mean()
    if rank_weight == 0 or len(true) < 2:
        return error
    order = ranking_loss(predicted, true, softness)
    return error + rank_weight * (order + difference_weight * difference_loss(predicted, true))
