"""Conditional variational autoencoder: measures of a brain given age and sex, and the reverse."""

from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn

from bids_brainage.models.cards import ModelCard
from bids_brainage.models.cvae_core import CvaeConfig, CvaeCore, Measured
from bids_brainage.models.distance import Distance
from bids_brainage.models.fits import require_measures
from bids_brainage.models.scaling import InputConfig, InputTransform

MODALITY = "morphometry"
BLOCK = 8  # people computed at once


class Cvae(nn.Module):
    """Model of measures given age and sex, which tells age and sex by inversion.

    The density of a person's measures is computed at many ages and for both sexes; with a flat
    prior over the logarithm of age, and over sex, Bayes' rule gives how likely each is. The
    predicted age is the mean of that distribution.

    Parameters
    ----------
    config
        Shape of the model.
    seed
        Seed of the start values.
    """

    ages: Tensor
    expected: Tensor
    spread: Tensor

    def __init__(self, config: CvaeConfig, seed: int = 0) -> None:
        super().__init__()
        self.config = config
        p = config.n_measures
        self.transform = InputTransform(InputConfig("plain", p, p))
        self.core = CvaeCore(config, seed)
        self.distances = nn.ModuleDict({MODALITY: Distance(p)})
        ends = torch.tensor([config.youngest, config.oldest], dtype=torch.float64).log()
        steps = torch.linspace(0, 1, config.n_ages, dtype=torch.float64)
        ages = (ends[0] + (ends[1] - ends[0]) * steps).exp()
        self.register_buffer("ages", ages.float(), persistent=False)
        # Of people of each sex (0 men, 1 women) and age, scaled; filled after training.
        self.register_buffer("expected", torch.zeros(2, config.n_ages, p))
        self.register_buffer("spread", torch.ones(2, config.n_ages, p))

    def logarithms(self, raw: Tensor) -> Tensor:
        """Take logarithms of the volumes; (..., p), NaN for missing."""
        volumes = list(self.config.volumes)
        if not volumes:
            return raw
        logs = raw.clone()
        logs[..., volumes] = torch.log(raw[..., volumes])
        return torch.where(logs.isfinite(), logs, torch.nan)

    def scaled(self, raw: Tensor) -> Measured:
        """Scale raw measures; (n, p), NaN for missing."""
        logs = self.logarithms(raw)
        return Measured(self.transform(logs), (~logs.isnan()).to(logs))

    def measures(self, scaled: Tensor) -> Tensor:
        """Turn scaled measures (..., p) back into the measures' own units."""
        values = scaled * self.transform.scale + self.transform.centre
        volumes = list(self.config.volumes)
        if volumes:
            values = values.clone()
            values[..., volumes] = values[..., volumes].exp()
        return values

    def evidence(self, measured: Measured, ages: Tensor) -> Tensor:
        """Log-density of measures at each age and sex, averaged over the members.

        Parameters
        ----------
        measured
            Of n people; (n, p).
        ages
            Years; (g,).

        Returns
        -------
            For men and for women; (n, 2, g).
        """
        sexes = torch.tensor([0.0, 1.0]).to(ages)
        told = self.core.conditions(ages.expand(2, -1), sexes[:, None].expand(-1, len(ages)))
        told = told.flatten(0, 1)
        parts = []
        members = self.config.members
        for x, known in zip(measured.x.split(BLOCK), measured.known.split(BLOCK), strict=True):
            people = Measured(*(t.expand(members, -1, -1) for t in (x, known)))
            seen = self.core.look(people)
            wide = Measured(*(each(t, len(told)) for t in people))
            given = told.repeat(len(x), 1).expand(members, -1, -1)
            found = self.core.evidence(wide, each(seen, len(told)), given).mean(dim=0)
            parts.append(found.reshape(len(x), 2, len(ages)))
        return torch.cat(parts)

    def posterior(self, evidence: Tensor) -> tuple[Tensor, Tensor]:
        """Age in years and female logit from what `evidence` gives at the ages of the model."""
        return posterior(evidence, self.ages.to(evidence))

    def forward(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Predict age and sex.

        Parameters
        ----------
        inputs
            ``morphometry`` (n, p) raw measures, NaN for missing.

        Returns
        -------
        tuple[Tensor, Tensor]
            Age in years and female logit, each (n,); NaN for people without any measure.
        """
        measured = self.scaled(inputs[MODALITY])
        evidence = self.evidence(measured, self.ages.to(measured.x))
        someone = measured.known.any(dim=-1)
        age, logit = self.posterior(evidence)
        return torch.where(someone, age, torch.nan), torch.where(someone, logit, torch.nan)

    def limits(self, modality: str) -> tuple[Tensor, Tensor]:
        """Return lower and upper end of each measure among the training people; (p,)."""
        ends = torch.stack([self.transform.lower, self.transform.upper])
        volumes = list(self.config.volumes)
        if volumes:
            ends = ends.clone()
            ends[:, volumes] = ends[:, volumes].exp()
        return ends[0], ends[1]

    def out_of_range(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Share of measures outside the training range; shape (n,)."""
        beyond, present = self.transform.beyond(self.logarithms(inputs[MODALITY]))
        return beyond / present.clamp_min(1)

    def located(self, modality: str, raw: Tensor) -> Tensor:
        """Return the features whose distance is measured; (n, p)."""
        return self.scaled(raw).x

    def checked(self, modality: str, raw: Tensor) -> Tensor:
        """Return the numbers that must lie in a range: none; (n, 0)."""
        return raw[:, :0]

    def percentile(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return how unusual the measures are among training people, in percent; (n,)."""
        distance = cast(Distance, self.distances[MODALITY])
        return distance.percentile(self.located(MODALITY, inputs[MODALITY]))


def posterior(evidence: Tensor, ages: Tensor) -> tuple[Tensor, Tensor]:
    """Mean age under a flat prior over log age and sex, and the logit of being female.

    Parameters
    ----------
    evidence
        Log-density for men and women at each age; (n, 2, g).
    ages
        Years, equally far apart in the logarithm; (g,).

    Returns
    -------
    tuple[Tensor, Tensor]
        Years and logit, each (n,).
    """
    share = torch.softmax(evidence.logsumexp(dim=1), dim=-1)
    sexes = evidence.logsumexp(dim=-1)
    return share @ ages, sexes[:, 1] - sexes[:, 0]


def each(values: Tensor, times: int) -> Tensor:
    """Repeat the rows of people for each condition; (members, n, p) to (members, n * times, p)."""
    members, n, p = values.shape
    return values[:, :, None].expand(-1, -1, times, -1).reshape(members, n * times, p)


def build(config: Mapping[str, Any]) -> Cvae:
    """Build the network of a card's configuration."""
    return Cvae(CvaeConfig.from_dict(config))


def check(module: nn.Module, card: ModelCard) -> None:
    """Check that the card names the measures that go in.

    Raises
    ------
    ModelError
        If it does not.
    """
    require_measures(card, MODALITY, cast(Cvae, module).config.n_measures)
