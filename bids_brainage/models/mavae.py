"""Multimodal adversarial variational autoencoder (M-AVAE) that predicts age and sex."""

from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn

from bids_brainage.errors import ModelError
from bids_brainage.models.cards import CARD_NAME, ModelCard
from bids_brainage.models.distance import Distance
from bids_brainage.models.fusion import Fusion
from bids_brainage.models.mavae_core import MODALITIES, Code, MavaeConfig, MavaeCore
from bids_brainage.models.scaling import InputTransform


class Mavae(nn.Module):
    """M-AVAE ensemble from raw measures to age in years and a female logit.

    Parameters
    ----------
    config
        Shape of the model.
    seed
        Seed of the start values.
    """

    age_mean: Tensor
    age_scale: Tensor
    joint_weight: Tensor
    lifespan_weight: Tensor

    def __init__(self, config: MavaeConfig, seed: int = 0) -> None:
        super().__init__()
        self.config = config
        self.transforms = nn.ModuleDict(
            {name: InputTransform(getattr(config, name)) for name in MODALITIES}
        )
        self.core = MavaeCore(config, seed)
        self.fusion = Fusion()
        self.distances = nn.ModuleDict()
        if config.distance:
            for name in MODALITIES:
                shape = getattr(config, name)
                self.distances[name] = Distance(shape.n_located, shape.n_checked)
        n = config.members
        self.register_buffer("age_mean", torch.zeros(n))
        self.register_buffer("age_scale", torch.ones(n))
        self.register_buffer("joint_weight", torch.full((n,), 1 / n))
        self.register_buffer("lifespan_weight", torch.full((n,), 1 / n))

    def input_transforms(self) -> dict[str, InputTransform]:
        """Return the input transforms in double precision."""
        return {name: cast(InputTransform, t.double()) for name, t in self.transforms.items()}

    def forward(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Predict age and sex.

        Parameters
        ----------
        inputs
            ``morphometry`` (n, p) and ``connectivity`` (n, q) raw measures with NaN for missing;
            either may be absent. A row of NaN means that the person lacks the modality.

        Returns
        -------
        tuple[Tensor, Tensor]
            Age in years and female logit, each (n,); NaN for people without any measure.
        """
        ages, logits = self.combinations(inputs)
        return self.fusion(ages, logits)

    def combinations(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Return what the heads say from each combination of modalities.

        Returns
        -------
        tuple[Tensor, Tensor]
            Log age and female logit; each (n, 4), NaN where the person lacks a modality. From
            morphometry alone by the lifespan members; from morphometry, from connectivity and
            from both by the joint members.
        """
        features: dict[str, Tensor] = {}
        present: dict[str, Tensor] = {}
        for name in MODALITIES:
            if (raw := inputs.get(name)) is not None:
                features[name] = self.transforms[name](raw)
                present[name] = ~raw.isnan().all(dim=-1)
        if not features:
            raise ValueError(f"none of {', '.join(MODALITIES)} is given")
        return self.combinations_of(features, present)

    def combinations_of(
        self, features: Mapping[str, Tensor], present: Mapping[str, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Return what `combinations` does, from scaled features.

        Parameters
        ----------
        features
            Modality to what its transform gives; (n, n_selected).
        present
            The same modalities to whether the person has it; (n,).
        """
        codes: dict[str, Code] = {}
        for name, scaled in features.items():
            x = scaled.unsqueeze(0).expand(self.config.members, -1, -1)
            codes[name] = self.core.split(self.core.encode(name, x)[0])
        first, second = (codes.get(name) for name in MODALITIES)
        nobody = torch.zeros_like(next(iter(present.values())))
        has_first, has_second = (present.get(name, nobody) for name in MODALITIES)
        columns = []
        for use, a, b, weight in (
            (has_first, first, None, self.lifespan_weight),
            (has_first, first, None, self.joint_weight),
            (has_second, None, second, self.joint_weight),
            (has_first & has_second, first, second, self.joint_weight),
        ):
            if not bool(use.any()):
                missing = torch.full((2, len(use)), torch.nan)
                columns.append(missing.to(weight))
                continue
            out = self.core.heads(a, b)
            log_age = out.age * self.age_scale[:, None] + self.age_mean[:, None]
            pair = torch.stack([weight @ log_age, weight @ out.sex])
            columns.append(torch.where(use, pair, torch.nan))
        stacked = torch.stack(columns, dim=-1)
        return stacked[0], stacked[1]

    def out_of_range(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Share of measures outside the training range, of the worse modality; shape (n,)."""
        shares = []
        for name, transform in self.transforms.items():
            if name in inputs:
                beyond, present = cast(InputTransform, transform).beyond(inputs[name])
                shares.append(beyond / present.clamp_min(1))
        # Pooled, the few measures of morphometry would drown in the many connections.
        return torch.stack(shares).amax(dim=0)

    def limits(self, modality: str) -> tuple[Tensor, Tensor]:
        """Return lower and upper end of each measure among the training people; (p,)."""
        transform = cast(InputTransform, self.transforms[modality])
        return transform.lower, transform.upper

    def located(self, modality: str, raw: Tensor) -> Tensor:
        """Return the features of one modality whose distance is measured; (n, n_located)."""
        return cast(InputTransform, self.transforms[modality]).located(raw)

    def checked(self, modality: str, raw: Tensor) -> Tensor:
        """Return the numbers of one modality that must lie in a range; (n, n_checked)."""
        return cast(InputTransform, self.transforms[modality]).checked(raw)

    def percentile(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return how unusual the features are among training people, of the worse modality.

        Returns
        -------
        Tensor
            In percent, NaN where the model does not know; shape (n,).
        """
        first = next(iter(inputs.values()))
        found = first.new_full((len(first),), torch.nan)
        for name, distance in self.distances.items():
            if name in inputs:
                here = ~inputs[name].isnan().all(dim=-1)
                mine = cast(Distance, distance).percentile(
                    self.located(name, inputs[name]), self.checked(name, inputs[name])
                )
                found = torch.where(here, torch.fmax(found, mine), found)
        return found


def build(config: Mapping[str, Any]) -> Mavae:
    """Build the network of a card's configuration."""
    return Mavae(MavaeConfig.from_dict(config))


def check(module: nn.Module, card: ModelCard) -> None:
    """Check that the card names as many inputs as the network takes.

    Raises
    ------
    ModelError
        If it does not, or names inputs that the family does not know.
    """
    if not card.inputs or not set(card.inputs) <= set(MODALITIES):
        raise ModelError(
            f"the card's inputs are {sorted(card.inputs)}",
            place=CARD_NAME,
            hint=f"they must be among {', '.join(MODALITIES)}",
        )
    for modality, spec in card.inputs.items():
        width = getattr(cast(Mavae, module).config, modality).n_measures
        if len(spec.names) != width:
            raise ModelError(
                f"the card names {len(spec.names)} {modality} inputs, the weights take {width}",
                place=CARD_NAME,
            )
