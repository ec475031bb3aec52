"""What each measure adds to a prediction: integrated gradients over a network's own features.

Sundararajan, Taly & Yan, 2017, arXiv:1703.01365. The path goes straight from the features of a
typical person to those of the person, so that a measure which is missing, or as in the typical
person, adds nothing, and all contributions add up to the difference of both predictions.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

STEPS = 24


@dataclass(frozen=True)
class Attribution:
    """Contributions of one person's measures to one prediction.

    Parameters
    ----------
    predicted, typical_age
        Predictions in years for the person and for the typical person.
    years
        Modality to what each measure adds; (p,), zero where missing.
    typical
        Modality to the measures of the typical person, in the same units; (p,).
    elsewhere
        What is added in years by no measure, such as the ends of the ages that a model tells.
    """

    predicted: float
    typical_age: float
    years: dict[str, Tensor]
    typical: dict[str, Tensor]
    elsewhere: float = 0.0

    @property
    def residual(self) -> float:
        """Years between the sum of the contributions and the difference of the predictions."""
        added = sum(float(part.sum()) for part in self.years.values()) + self.elsewhere
        return self.predicted - self.typical_age - added


def mean_gradients(
    function: Callable[[Mapping[str, Tensor]], Tensor],
    start: Mapping[str, Tensor],
    end: Mapping[str, Tensor],
    steps: int = STEPS,
) -> dict[str, Tensor]:
    """Return the mean gradient along the straight path between two points.

    By Gauss-Legendre quadrature, which is exact for polynomials of a degree below twice the steps;
    all steps are one batch.

    Parameters
    ----------
    function
        From a batch of points, name to (n, k), to values (n,); row by row.
    start, end
        Name to coordinates; (k,).

    Returns
    -------
        Name to gradients; (k,).
    """
    nodes, weights = np.polynomial.legendre.leggauss(steps)
    first = next(iter(start.values()))
    with torch.inference_mode(False), torch.enable_grad():
        shares = torch.from_numpy((nodes + 1) / 2).to(first.device, first.dtype)
        halves = torch.from_numpy(weights / 2).to(first.device, first.dtype)
        points = {
            name: (low + shares[:, None] * (end[name] - low)).clone().requires_grad_()
            for name, low in start.items()
        }
        total = (halves * function(points)).sum()
        found = torch.autograd.grad(total, list(points.values()))
    # Each row's gradient holds its weight already.
    return {name: part.sum(dim=0) for name, part in zip(points, found, strict=True)}


def secant(change: Tensor, clipped: Tensor) -> Tensor:
    """Return the share of a change that clipping left, 1 where there was none."""
    small = change.abs() < torch.finfo(change.dtype).tiny
    return torch.where(small, 1.0, clipped / torch.where(small, 1.0, change))
