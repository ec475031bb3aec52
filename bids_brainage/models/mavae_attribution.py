"""What each measure and connection adds to the age that an M-AVAE predicts."""

from collections.abc import Mapping
from typing import cast

import torch
from torch import Tensor, nn

from bids_brainage.models.attribution import Attribution, mean_gradients, secant
from bids_brainage.models.cards import ModelCard
from bids_brainage.models.mavae import Mavae
from bids_brainage.models.scaling import MIN_SCALE, InputTransform


def attribute(module: nn.Module, card: ModelCard, inputs: Mapping[str, Tensor]) -> Attribution:
    """Split a person's predicted age into what each measure adds to a typical person's.

    The typical person has the median of each measure over the training people (the card's
    ``typical``); in connectivity, and where the card has none, what the transform centres on: the
    training mean of each connection relative to the person's others. The relative volume of a
    structure counts for the structure, not for the head size that it is divided by.

    Parameters
    ----------
    inputs
        Raw measures of one person; modality to (p,), NaN for missing. Modalities without any
        measure are passed over.
    """
    model = cast(Mavae, module)
    given = {name: raw for name, raw in inputs.items() if not bool(raw.isnan().all())}
    parts = {
        name: _Part(cast(InputTransform, model.transforms[name]), raw, card.inputs[name].typical,
                    card.inputs[name].names)
        for name, raw in given.items()
    }  # fmt: skip

    def age(features: Mapping[str, Tensor]) -> Tensor:
        rows = len(next(iter(features.values())))
        here = {name: torch.ones(rows, dtype=torch.bool, device=part.end.device)
                for name, part in parts.items()}  # fmt: skip
        return model.fusion(*model.combinations_of(features, here))[0]

    start = {name: part.start for name, part in parts.items()}
    end = {name: part.end for name, part in parts.items()}
    slopes = mean_gradients(age, start, end)
    with torch.no_grad():
        ends = age({name: torch.stack([start[name], end[name]]) for name in parts})
    return Attribution(
        predicted=ends[1].item(),
        typical_age=ends[0].item(),
        years={name: part.measures(slopes[name]) for name, part in parts.items()},
        typical={name: part.typical for name, part in parts.items()},
    )


class _Part:
    """One modality's path through the features, and the way back to the measures."""

    def __init__(
        self,
        transform: InputTransform,
        raw: Tensor,
        typical: Mapping[str, float],
        names: tuple[str, ...],
    ) -> None:
        self.transform = transform
        self.missing = raw.isnan()
        known = [typical.get(name, torch.nan) for name in names] if typical else []
        with torch.no_grad():
            self.end = transform(raw[None])[0]
            self.start = torch.zeros_like(self.end)
            self.derived = transform.derive(raw[None])[0]
            projected = bool(transform.config.n_components)
            if known and not projected:
                self.typical = torch.tensor(known, dtype=raw.dtype, device=raw.device)
                # What is missing stays missing, so that it adds nothing.
                baseline = torch.where(self.missing, torch.nan, self.typical)
                self.start = transform(baseline[None])[0]
            else:
                self.typical = self._centre(raw)

    def measures(self, slope: Tensor) -> Tensor:
        """Turn mean gradients by feature into years by measure."""
        config = self.transform.config
        with torch.no_grad():
            change = self.end - self.start
            if config.n_components:
                base = self.transform.base(self.derived[None])[0]
                scores = (base @ self.transform.components) / self.transform.scale
                share = slope * secant(scores, change) / self.transform.scale
                features = base * (self.transform.components @ share)
            else:
                features = torch.zeros(config.n_features).to(change)
                features.index_add_(0, self.transform.selected, slope * change)
            years = features[: config.n_measures].clone()
            if config.kind == "morphometry":
                volumes = torch.tensor(config.volumes, device=years.device)
                years.index_add_(0, volumes, features[config.n_measures :])
            return torch.where(self.missing, 0.0, years)

    def _centre(self, raw: Tensor) -> Tensor:
        """Measures of the person that the transform centres on, in the person's own units."""
        config = self.transform.config
        if not config.n_components:
            centre = torch.full_like(raw, torch.nan)
            plain = self.transform.selected < config.n_measures
            centre[self.transform.selected[plain]] = self.transform.centre[plain]
            return centre
        centre = self.transform.base_centre[: config.n_measures]
        if config.kind != "connectivity":
            return centre
        # Standardised within the person; undone with the person's own mean and spread.
        z = self.transform.fisher(raw)
        spread = (z - z.nanmean()).square().nanmean().sqrt().clamp_min(MIN_SCALE)
        return torch.tanh(centre * spread + z.nanmean())
