"""Layers that hold several networks side by side, so that an ensemble trains as one."""

import itertools
import math

import torch
from torch import Tensor, nn
from torch.nn import functional


class MemberLinear(nn.Module):
    """One linear layer per ensemble member.

    Parameters
    ----------
    members
        Number of networks.
    n_in, n_out
        Width of input and output.
    generator
        Source of the random start values.
    gain
        Factor on the start values.
    """

    def __init__(
        self, members: int, n_in: int, n_out: int, generator: torch.Generator, gain: float = 1.0
    ) -> None:
        super().__init__()
        bound = gain * 0.8 * math.sqrt(3 / n_in)
        start = torch.rand(members, n_in, n_out, generator=generator) * 2 - 1
        self.weight = nn.Parameter(start * bound)
        self.bias = nn.Parameter(torch.zeros(members, 1, n_out))

    def forward(self, x: Tensor) -> Tensor:
        """Map (members, n, n_in) to (members, n, n_out)."""
        return torch.baddbmm(self.bias, x, self.weight)


class MemberMLP(nn.Module):
    """A multilayer perceptron per member with SiLU between layers and a linear output.

    Parameters
    ----------
    members
        Number of networks.
    widths
        Width of every layer, input and output included.
    generator
        Source of the random start values.
    dropout
        Share of hidden units dropped in training.
    """

    def __init__(
        self, members: int, widths: list[int], generator: torch.Generator, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            MemberLinear(members, a, b, generator) for a, b in itertools.pairwise(widths)
        )
        self.dropout = dropout

    def forward(self, x: Tensor) -> Tensor:
        """Map (members, n, first width) to (members, n, last width)."""
        last = len(self.layers) - 1
        for index, layer in enumerate(self.layers):
            x = layer(x)
            if index < last:
                x = functional.dropout(functional.silu(x), self.dropout, self.training)
        return x


class VariationalEncoder(nn.Module):
    """Encoder of one modality with a mean and a log-variance output (Kingma & Welling, 2014).

    Parameters
    ----------
    members
        Number of networks.
    n_in
        Number of features.
    hidden
        Widths of the trunk.
    n_latent
        Width of the latent code.
    generator
        Source of the random start values.
    dropout
        Share of hidden units dropped in training.
    """

    START_LOG_VARIANCE = -3.0

    def __init__(
        self,
        members: int,
        n_in: int,
        hidden: tuple[int, ...],
        n_latent: int,
        generator: torch.Generator,
        dropout: float,
    ) -> None:
        super().__init__()
        widths = [n_in, *hidden]
        self.trunk = nn.ModuleList(
            MemberLinear(members, a, b, generator) for a, b in itertools.pairwise(widths)
        )
        self.mean = MemberLinear(members, widths[-1], n_latent, generator)
        self.log_variance = MemberLinear(members, widths[-1], n_latent, generator, 0.1)
        self.dropout = dropout

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map (members, n, n_in) to mean and log-variance, each (members, n, n_latent)."""
        for layer in self.trunk:
            x = functional.dropout(functional.silu(layer(x)), self.dropout, self.training)
        return self.mean(x), (self.log_variance(x) + self.START_LOG_VARIANCE).clamp(-8, 2)
