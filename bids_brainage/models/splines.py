"""Cubic B-splines of the logarithm of age: smooth curves over the life span."""

import torch
from torch import Tensor, nn

DEGREE = 3
YOUNGEST, OLDEST = 4.0, 90.0
KNOTS = (4.0, 9.0, 14.0, 20.0, 28.0, 42.0, 62.0, 90.0)


class AgeSplines(nn.Module):
    """Values of the splines at an age, by de Boor's recursion (doi:10.1007/978-1-4612-6333-3).

    Parameters
    ----------
    knots
        Ages in years where the pieces meet; those outside are taken as the nearest end.
    """

    knots: Tensor

    def __init__(self, knots: tuple[float, ...] = KNOTS) -> None:
        super().__init__()
        padded = (knots[:1] * DEGREE) + knots + (knots[-1:] * DEGREE)
        self.register_buffer("knots", torch.tensor(padded).log(), persistent=False)
        self.n = len(padded) - DEGREE - 1
        self._ends = knots[0] * 1.0001, knots[-1] * 0.9999

    def forward(self, age: Tensor) -> Tensor:
        """Map ages in years (...) to splines (..., n), which add up to 1."""
        x = age.clamp(*self._ends).log()[..., None]
        knots = self.knots.to(x)
        values = ((x >= knots[:-1]) & (x < knots[1:])).to(x)
        for degree in range(1, DEGREE + 1):
            left = _ramp(x - knots[: -degree - 1], knots[degree:-1] - knots[: -degree - 1])
            right = _ramp(knots[degree + 1 :] - x, knots[degree + 1 :] - knots[1:-degree])
            values = left * values[..., :-1] + right * values[..., 1:]
        return values


def _ramp(part: Tensor, whole: Tensor) -> Tensor:
    """Share of an interval; 0 where knots fall together."""
    return torch.where(whole > 0, part / torch.where(whole > 0, whole, 1.0), 0.0)
