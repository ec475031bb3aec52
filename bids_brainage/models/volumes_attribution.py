"""What each volume adds to the age that a regression of volumes predicts."""

from collections.abc import Mapping
from typing import cast

import torch
from torch import Tensor, nn

from bids_brainage.models.attribution import Attribution, mean_gradients, secant
from bids_brainage.models.cards import ModelCard
from bids_brainage.models.volumes import MODALITY, Volumes


def attribute(module: nn.Module, card: ModelCard, inputs: Mapping[str, Tensor]) -> Attribution:
    """Split a person's predicted age into what each volume adds to a typical person's.

    The typical person has the median of each volume over the training people. For a straight line
    a contribution is the weight times the difference of the relative volumes. The volume that a
    structure is compared with has no contribution for that.

    Parameters
    ----------
    inputs
        ``volumes`` of one person in mm3; (p,), NaN for missing.
    """
    model = cast(Volumes, module)
    spec = card.inputs[MODALITY]
    raw = inputs[MODALITY]
    known = [spec.typical.get(name, torch.nan) for name in spec.names]
    typical = torch.tensor(known, dtype=raw.dtype, device=raw.device)
    both = torch.stack([typical, raw])
    with torch.no_grad():
        features = model.relative(both)
        start, end = model.scaled(both)
        # What one of both lacks adds nothing.
        start = torch.where(features.isnan().any(dim=0), end, start)
        ages = model.years(torch.stack([start, end]))
        told = float(ages[1].clamp(model.youngest, model.oldest))
    slope = mean_gradients(lambda at: model.years(at["x"]), {"x": start}, {"x": end})["x"]
    with torch.no_grad():
        years = _measures(model, both, features, slope, end - start)
    return Attribution(
        predicted=told,
        typical_age=ages[0].item(),
        years={MODALITY: years},
        typical={MODALITY: typical},
        elsewhere=told - ages[1].item(),
    )


def _measures(
    model: Volumes, both: Tensor, features: Tensor, slope: Tensor, change: Tensor
) -> Tensor:
    """Years by measure: each feature's, in proportion to how its parts differ."""
    reference = list(model.config.reference)
    relative = both / both[:, reference].sum(dim=-1, keepdim=True)
    unclipped = (features[1] - features[0]) / model.scale
    per_unit = slope * secant(unclipped, change) / model.scale
    years = torch.zeros_like(both[0])
    for feature, value in zip(model.config.features, per_unit, strict=True):
        parts = list(feature)
        difference = relative[1, parts] - relative[0, parts]
        if model.config.logarithm:
            difference = difference / _logarithmic_mean(*relative[:, parts].sum(dim=-1))
        years[parts] += torch.nan_to_num(value * difference)
    return years


def _logarithmic_mean(a: Tensor, b: Tensor) -> Tensor:
    """Return what a difference is divided by to give the difference of the logarithms."""
    gap = torch.log(a) - torch.log(b)
    return torch.where(gap.abs() < 1e-9, (a + b) / 2, (a - b) / torch.where(gap == 0, 1.0, gap))
