"""Volume regression: age from volumes of tissues and regions relative to the head."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import combinations_with_replacement
from typing import Any, cast

import torch
from torch import Tensor, nn

from bids_brainage.models.cards import ModelCard
from bids_brainage.models.fits import require_measures

MODALITY = "volumes"
YEARS_BEYOND = 10.0
MIN_SPREAD = 1e-9


@dataclass(frozen=True)
class VolumesConfig:
    """Shape of a volume regression.

    Parameters
    ----------
    n_measures
        Number of measures that go in.
    reference
        Indices of the measures whose sum all others are divided by.
    features
        Indices of the measures that each feature sums up; both sides of a structure, say.
    logarithm
        Take the logarithm of the relative volumes.
    degree
        Highest power of the polynomial; 1 is a straight line.
    log_age
        The polynomial gives the logarithm of age.
    clip
        Features are clipped to this many standard deviations.
    """

    n_measures: int
    reference: tuple[int, ...]
    features: tuple[tuple[int, ...], ...]
    logarithm: bool = False
    degree: int = 1
    log_age: bool = False
    clip: float = 5.0

    def as_dict(self) -> dict[str, Any]:
        """Return the configuration as plain values for a JSON file."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "VolumesConfig":
        """Read what `as_dict` gave."""
        tuples = {
            "reference": tuple(values["reference"]),
            "features": tuple(tuple(feature) for feature in values["features"]),
        }
        return cls(**{**values, **tuples})

    @property
    def powers(self) -> list[tuple[int, ...]]:
        """Features that each term of the polynomial multiplies, without the constant."""
        numbers = range(len(self.features))
        return [
            term
            for degree in range(1, self.degree + 1)
            for term in combinations_with_replacement(numbers, degree)
        ]


class Volumes(nn.Module):
    """Polynomial of scaled relative volumes; missing ones count as those of a typical person.

    Everything fitted lives in buffers; no statistic of the batch is used.
    """

    centre: Tensor
    scale: Tensor
    lower: Tensor
    upper: Tensor
    weight: Tensor
    intercept: Tensor
    youngest: Tensor
    oldest: Tensor

    def __init__(self, config: VolumesConfig) -> None:
        super().__init__()
        self.config = config
        n = len(config.features)
        self.register_buffer("centre", torch.zeros(n))
        self.register_buffer("scale", torch.ones(n))
        self.register_buffer("lower", torch.full((n,), -torch.inf))
        self.register_buffer("upper", torch.full((n,), torch.inf))
        self.register_buffer("weight", torch.zeros(len(config.powers)))
        self.register_buffer("intercept", torch.tensor(0.0))
        self.register_buffer("youngest", torch.tensor(0.0))
        self.register_buffer("oldest", torch.tensor(100.0))

    def relative(self, raw: Tensor) -> Tensor:
        """Return the features before scaling; (n, p) mm3 to (n, f), NaN for missing."""
        head = raw[:, list(self.config.reference)].sum(dim=-1)
        parts = [raw[:, list(feature)].sum(dim=-1) / head for feature in self.config.features]
        ratios = torch.stack(parts, dim=-1)
        ratios = torch.where(ratios > 0, ratios, torch.nan)
        return torch.log(ratios) if self.config.logarithm else ratios

    def fit_scaling(self, raw: Tensor, ages: Tensor) -> None:
        """Fit centre (median), spread and range of the features, and the range of ages.

        Parameters
        ----------
        raw
            Measures of the training people in mm3; shape (n, p).
        ages
            Years; shape (n,).
        """
        features = self.relative(raw)
        self.centre.copy_(torch.nan_to_num(features.nanmedian(dim=0).values))
        gap = features - self.centre
        spread = gap.square().nanmean(dim=0).sqrt()
        self.scale.copy_(torch.where(spread > MIN_SPREAD, spread, torch.ones_like(spread)))
        shares = torch.tensor([0.001, 0.25, 0.75, 0.999], dtype=raw.dtype)
        low, first, third, high = torch.nanquantile(features, shares, dim=0)
        margin = third - first
        self.lower.copy_(torch.nan_to_num(low - margin, nan=-torch.inf))
        self.upper.copy_(torch.nan_to_num(high + margin, nan=torch.inf))
        self.youngest.copy_(ages.min() - YEARS_BEYOND)
        self.oldest.copy_(ages.max() + YEARS_BEYOND)

    def terms(self, raw: Tensor) -> Tensor:
        """Return the terms of the polynomial; (n, p) mm3 to (n, t), without NaN."""
        return self.terms_of(self.scaled(raw))

    def scaled(self, raw: Tensor) -> Tensor:
        """Return the features scaled, clipped, and zero where missing; (n, p) mm3 to (n, f)."""
        scaled = (self.relative(raw) - self.centre) / self.scale
        return torch.nan_to_num(scaled.clamp(-self.config.clip, self.config.clip), nan=0.0)

    def terms_of(self, scaled: Tensor) -> Tensor:
        """Return the terms of the polynomial of scaled features; (n, f) to (n, t)."""
        return torch.stack([scaled[:, list(p)].prod(dim=-1) for p in self.config.powers], dim=-1)

    def years(self, scaled: Tensor) -> Tensor:
        """Return ages from scaled features, without ends; (n, f) to (n,)."""
        age = self.terms_of(scaled) @ self.weight + self.intercept
        return age.exp() if self.config.log_age else age

    def forward(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Predict age.

        Parameters
        ----------
        inputs
            ``volumes`` in mm3; (n, p), NaN for missing.

        Returns
        -------
        tuple[Tensor, Tensor]
            Age in years, at most ten years beyond the training people's, NaN without a head
            size; and NaN, as this family does not tell sex; each (n,).
        """
        raw = inputs[MODALITY]
        age = self.years(self.scaled(raw))
        head = raw[:, list(self.config.reference)].sum(dim=-1)
        age = age.clamp(self.youngest, self.oldest)
        return torch.where(head > 0, age, torch.nan), torch.full_like(age, torch.nan)

    def out_of_range(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Share of known features outside the training range; shape (n,)."""
        features = self.relative(inputs[MODALITY])
        outside = ((features < self.lower) | (features > self.upper)).sum(dim=-1)
        return outside / (~features.isnan()).sum(dim=-1).clamp_min(1)


def build(config: Mapping[str, Any]) -> Volumes:
    """Build the regression of a card's configuration."""
    return Volumes(VolumesConfig.from_dict(config))


def check(module: nn.Module, card: ModelCard) -> None:
    """Check that the card names the volumes that go in.

    Raises
    ------
    ModelError
        If it does not.
    """
    require_measures(card, MODALITY, cast(Volumes, module).config.n_measures)
