"""Networks of the conditional variational autoencoder of every ensemble member."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from bids_brainage.models.layers import MemberLinear, MemberMLP, VariationalEncoder
from bids_brainage.models.splines import KNOTS, AgeSplines

NOISE_ENDS = (-3.0, 1.5)
START_NOISE = -0.5
LOADING_GAIN = 0.4


@dataclass(frozen=True)
class CvaeConfig:
    """Shape of a conditional variational autoencoder.

    Parameters
    ----------
    n_measures
        Number of measures.
    volumes
        Indices of the volumes, whose logarithms are modelled.
    members
        Networks whose log-likelihoods are averaged.
    n_latent
        Width of the code.
    hidden
        Width of the hidden layers.
    knots
        Of the splines of age, in years.
    youngest, oldest
        Ends of the ages in years that the model tells.
    n_ages
        Ages that are tried between them, equally far apart in the logarithm.
    dropout
        Share of hidden units dropped in training.
    """

    n_measures: int
    volumes: tuple[int, ...] = ()
    members: int = 1
    n_latent: int = 32
    hidden: int = 128
    knots: tuple[float, ...] = KNOTS
    youngest: float = 5.0
    oldest: float = 86.0
    n_ages: int = 96
    dropout: float = 0.1

    def as_dict(self) -> dict[str, Any]:
        """Return the configuration as plain values for a JSON file."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "CvaeConfig":
        """Read what `as_dict` gave."""
        plain: dict[str, Any] = dict(values)
        for name in ("volumes", "knots"):
            plain[name] = tuple(plain[name])
        return cls(**plain)


class Measured(NamedTuple):
    """Scaled measures, zero where missing, and 1 where they are known; both (..., p)."""

    x: Tensor
    known: Tensor


class CvaeCore(nn.Module):
    """Encoder and decoder, both told age and sex.

    Kingma & Welling, 2014, arXiv:1312.6114; Sohn et al., 2015, Learning structured output
    representation using deep conditional generative models. The mean of each measure is a smooth
    curve over age and sex, plus what the code adds: a linear part, and one that bends with age
    and sex. Around it each measure has Gaussian noise, whose spread changes with age and sex.

    Parameters
    ----------
    config
        Shape of the model.
    seed
        Seed of the start values.
    """

    def __init__(self, config: CvaeConfig, seed: int = 0) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        n, p, latent = config.members, config.n_measures, config.n_latent
        self.splines = AgeSplines(config.knots)
        told = self.splines.n + 1
        self.sight = MemberLinear(n, 2 * p, config.hidden, generator)
        self.context = MemberLinear(n, told, config.hidden, generator)
        self.encoder = VariationalEncoder(
            n, config.hidden, (config.hidden,), latent, generator, config.dropout
        )
        self.mean = MemberLinear(n, told, p, generator, 0.1)
        self.loading = MemberLinear(n, latent, p, generator, LOADING_GAIN)
        self.bend = MemberMLP(n, [latent + told, config.hidden, p], generator, config.dropout)
        self.noise = MemberLinear(n, told, p, generator, 0.0)
        nn.init.zeros_(self.bend.layers[-1].weight)  # type: ignore[arg-type]
        nn.init.constant_(self.noise.bias, START_NOISE)

    def conditions(self, age: Tensor, female: Tensor) -> Tensor:
        """What the networks are told of age in years and sex (1 or 0): (...) to (..., c)."""
        return torch.cat([2 * self.splines(age) - 0.5, female[..., None] - 0.5], dim=-1)

    def look(self, measured: Measured) -> Tensor:
        """First layer of the encoder without age and sex; (members, n, p) to (members, n, h)."""
        return self.sight(torch.cat([measured.x, measured.known], dim=-1))

    def encode(self, seen: Tensor, told: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of codes, from what `look` gave; each (members, n, z)."""
        return self.encoder(functional.silu(seen + self.context(told)))

    def decode(self, code: Tensor, told: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log spread of scaled measures given codes; each (members, n, p)."""
        bent = self.bend(torch.cat([code, told], dim=-1))
        return self.mean(told) + self.loading(code) + bent, self.noise(told).clamp(*NOISE_ENDS)

    def log_density(self, measured: Measured, code: Tensor, told: Tensor) -> Tensor:
        """Log-density of the known measures given codes, without constants; (members, n)."""
        mean, spread = self.decode(code, told)
        distance = (measured.x - mean) * torch.exp(-spread)
        return -(measured.known * (0.5 * distance.square() + spread)).sum(dim=-1)

    def evidence(self, measured: Measured, seen: Tensor, told: Tensor) -> Tensor:
        """Log-density of the known measures given age and sex, by Laplace's approximation.

        The code is taken where its posterior has its mean, with the posterior's volume. Without
        draws, so that it is the same each time.

        Returns
        -------
            Up to a constant; (members, n).
        """
        mean, log_variance = self.encode(seen, told)
        prior = 0.5 * (log_variance - mean.square()).sum(dim=-1)
        return self.log_density(measured, mean, told) + prior
