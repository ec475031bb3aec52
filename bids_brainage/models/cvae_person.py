"""What a conditional autoencoder says of one person: other ages, deviations, years per measure."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from bids_brainage.models.attribution import Attribution, mean_gradients
from bids_brainage.models.cards import ModelCard
from bids_brainage.models.cvae import MODALITY, Cvae, posterior
from bids_brainage.models.cvae_core import Measured

# Points of integration, more where the sum is off by more than so many years.
STEPS = (16, 32, 64)
ENOUGH = 0.1


@dataclass(frozen=True)
class Traversal:
    """A person's measures at other ages, in the measures' own units.

    Parameters
    ----------
    ages
        Years; (g,).
    likelihood
        Log-density of the measures at each age, given the sex, up to a constant; (g,).
    most_likely
        Measures decoded from the person's code at each age; (g, p).
    keeping_residual
        The same plus what the code leaves out of the person's own measures, so that the curve
        goes through them at the own age; NaN for missing measures; (g, p).
    expected, spread
        Mean, and standard deviation in units, of people of that age and sex; (g, p).
    value
        The person's measures; (p,), NaN for missing.
    own_age
        Given age, or the inverted one; years.
    age_known, sex_known
        Whether they were given.
    female
        Given sex, or the more likely one; 1 or 0.
    own_expected, own_spread
        Of people of the own age and sex; (p,).
    deviation
        How many standard deviations the person lies from people of the own age and sex, for
        volumes in logarithms; (p,), NaN for missing.
    inverted_age
        Age in years told by inversion, of either sex.
    """

    ages: Tensor
    likelihood: Tensor
    most_likely: Tensor
    keeping_residual: Tensor
    expected: Tensor
    spread: Tensor
    value: Tensor
    own_age: float
    age_known: bool
    female: float
    sex_known: bool
    own_expected: Tensor
    own_spread: Tensor
    deviation: Tensor
    inverted_age: float


@torch.no_grad()
def traverse(model: Cvae, raw: Tensor, age: float, female: float, ages: Tensor) -> Traversal:
    """Tell a person's most likely measures at other ages, and how unusual the own ones are.

    The code, what is particular to this brain given age and sex, is kept; age is changed.

    Parameters
    ----------
    model
        In double precision and evaluation mode.
    raw
        Measures; (p,), NaN for missing.
    age
        Years, NaN for unknown.
    female
        1 or 0, NaN for unknown.
    ages
        Years to tell; (g,), inside the ages of the model.
    """
    measured = model.scaled(raw[None])
    evidence = model.evidence(measured, model.ages.to(raw))
    told_age, logit = model.posterior(evidence)
    inverted = float(told_age)
    sex_known, age_known = math.isfinite(female), math.isfinite(age)
    if not sex_known:
        female = float(logit > 0)
    own_age = age if age_known else inverted
    # Networks see extreme measures clipped; what is told of the person is not.
    scaled = (model.logarithms(raw) - model.transform.centre) / model.transform.scale
    own = _decoded(model, measured, own_age, female, torch.tensor([own_age]).to(raw))[0]
    curve = _decoded(model, measured, own_age, female, ages)
    expected, spread = curves(model, female, ages)
    own_expected, own_spread = curves(model, female, torch.tensor([own_age]).to(raw))
    return Traversal(
        ages=ages,
        likelihood=model.evidence(measured, ages)[0, int(female)],
        most_likely=model.measures(curve),
        keeping_residual=model.measures(curve + scaled - own),
        expected=model.measures(expected),
        spread=_units(model, expected, spread),
        value=raw,
        own_age=own_age,
        age_known=age_known,
        female=female,
        sex_known=sex_known,
        own_expected=model.measures(own_expected)[0],
        own_spread=_units(model, own_expected, own_spread)[0],
        deviation=(scaled - own_expected[0]) / own_spread[0],
        inverted_age=inverted,
    )


def curves(model: Cvae, female: float, ages: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and spread of scaled measures of people of a sex at some ages; each (g, p)."""
    known = model.ages.to(ages).log()
    step = known[1] - known[0]
    place = ((ages.log() - known[0]) / step).clamp(0, len(known) - 1)
    below = place.floor().long().clamp_max(len(known) - 2)
    part = (place - below)[:, None]
    tables = (model.expected[int(female)], model.spread[int(female)])
    mean, spread = (
        table.to(ages)[below] * (1 - part) + table.to(ages)[below + 1] * part for table in tables
    )
    return mean, spread


def _decoded(
    model: Cvae, measured: Measured, own_age: float, female: float, ages: Tensor
) -> Tensor:
    """Decode the code that a person has at the own age at some ages; (g, p), scaled."""
    core, members = model.core, model.config.members
    like = measured.x
    sex = torch.tensor(female).to(like)
    told = core.conditions(torch.tensor(own_age).to(like), sex).expand(members, 1, -1)
    seen = core.look(Measured(*(t.expand(members, 1, -1) for t in measured)))
    code, _ = core.encode(seen, told)
    others = core.conditions(ages, sex.expand(len(ages))).expand(members, -1, -1)
    mean, _ = core.decode(code.expand(-1, len(ages), -1), others)
    return mean.mean(dim=0)


def _units(model: Cvae, expected: Tensor, spread: Tensor) -> Tensor:
    """Spread in the measures' units: half of what lies between one above and one below."""
    return (model.measures(expected + spread) - model.measures(expected - spread)) / 2


def attribute(module: nn.Module, card: ModelCard, inputs: Mapping[str, Tensor]) -> Attribution:
    """Split a person's inverted age into what each measure adds to a typical person's.

    The typical person has the median of each measure over the training people.

    Parameters
    ----------
    inputs
        ``morphometry`` of one person; (p,), NaN for missing.
    """
    model = cast(Cvae, module)
    raw = inputs[MODALITY]
    typical = model.measures(torch.zeros_like(raw))
    with torch.no_grad():
        measured = model.scaled(raw[None])
    end, known = measured.x[0], measured.known[0]
    start = torch.zeros_like(end)
    # Half of the ages give nearly the same in half the time; what is missing is told.
    ages = torch.cat([model.ages[:-1:2], model.ages[-1:]]).to(raw)

    def years(points: Mapping[str, Tensor]) -> Tensor:
        x = points["x"]
        return posterior(model.evidence(Measured(x, known.expand_as(x)), ages), ages)[0]

    with torch.no_grad():
        both = years({"x": torch.stack([start, end])})
    told = float(model({MODALITY: raw[None]})[0].detach())
    for steps in STEPS:
        added = mean_gradients(years, {"x": start}, {"x": end}, steps)["x"] * end
        if abs(float(added.sum() - (both[1] - both[0]))) < ENOUGH:
            break
    return Attribution(
        predicted=told,
        typical_age=both[0].item(),
        years={MODALITY: added},
        typical={MODALITY: typical},
        elsewhere=told - both[1].item(),
    )
