"""Autoencoder of brain measures, with age and sex read linearly from its code."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, cast

import torch
from torch import Tensor, nn

from bids_brainage.models.cards import ModelCard
from bids_brainage.models.distance import Distance
from bids_brainage.models.fits import require_measures
from bids_brainage.models.scaling import MIN_REST, MIN_SCALE, InputConfig, InputTransform

KIND = "morphometry"
MODALITY = "morphometry"
SPECIFIED_BOTTLENECK = 80
YEARS_BEYOND = 10.0


@dataclass(frozen=True)
class AutoencoderConfig:
    """Shape of an autoencoder of measures.

    Parameters
    ----------
    measures
        From raw measures to features; all features are kept.
    hidden
        Widths of the encoder between features and code; the decoder has them in reverse.
    bottleneck
        Width of the code.
    shortcut
        Add a straight line from features to code, and from code to features, which starts at the
        principal components.
    """

    measures: InputConfig
    hidden: tuple[int, ...] = (256,)
    bottleneck: int = SPECIFIED_BOTTLENECK
    shortcut: bool = True

    def as_dict(self) -> dict[str, Any]:
        """Return the configuration as plain values for a JSON file."""
        return {"kind": KIND, **asdict(self)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "AutoencoderConfig":
        """Read what `as_dict` gave."""
        measures: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in values["measures"].items()
        }
        return cls(
            InputConfig(**measures),
            tuple(values["hidden"]), int(values["bottleneck"]), bool(values["shortcut"]),
        )  # fmt: skip


class Coder(nn.Module):
    """Encoder and decoder between scaled features and the code.

    Parameters
    ----------
    n_features
        Number of features.
    config
        Widths.
    """

    def __init__(self, n_features: int, config: AutoencoderConfig) -> None:
        super().__init__()
        widths = (n_features, *config.hidden, config.bottleneck)
        self.encoder = _layers(widths)
        self.decoder = _layers(widths[::-1])
        self.down: nn.Linear | None = None
        self.up: nn.Linear | None = None
        if config.shortcut and config.hidden:
            self.down = nn.Linear(n_features, config.bottleneck, bias=False)
            self.up = nn.Linear(config.bottleneck, n_features, bias=False)

    def encode(self, features: Tensor) -> Tensor:
        """Return codes; (n, f) to (n, b)."""
        code = self.encoder(features)
        return code if self.down is None else code + self.down(features)

    def decode(self, code: Tensor) -> Tensor:
        """Return features; (n, b) to (n, f)."""
        features = self.decoder(code)
        return features if self.up is None else features + self.up(code)

    @torch.no_grad()
    def start_at(self, axes: Tensor) -> None:
        """Start the straight lines at principal axes (f, b), and the bent parts at nothing."""
        if self.down is None or self.up is None:
            return
        self.down.weight.copy_(axes.T)
        self.up.weight.copy_(axes)
        for layers in (self.encoder, self.decoder):
            nn.init.zeros_(cast(nn.Linear, layers[-1]).weight)
            nn.init.zeros_(cast(nn.Linear, layers[-1]).bias)


class MorphometryAutoencoder(nn.Module):
    """From raw measures to a code and back, and from the code to age and sex.

    Everything fitted lives in weights and buffers; no statistic of the batch is used.

    Parameters
    ----------
    config
        Shape of the model.
    """

    code_centre: Tensor
    code_scale: Tensor
    age_weight: Tensor
    age_intercept: Tensor
    sex_weight: Tensor
    sex_intercept: Tensor
    youngest: Tensor
    oldest: Tensor

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        self.config = config
        self.transform = InputTransform(config.measures)
        self.core = Coder(config.measures.n_selected, config)
        n = config.bottleneck
        self.distances = nn.ModuleDict({MODALITY: Distance(n + 1)})
        for name, value in (
            ("code_centre", torch.zeros(n)),
            ("code_scale", torch.ones(n)),
            ("age_weight", torch.zeros(n)),
            ("age_intercept", torch.tensor(torch.nan)),
            ("sex_weight", torch.zeros(n)),
            ("sex_intercept", torch.tensor(torch.nan)),
            ("youngest", torch.tensor(0.0)),
            ("oldest", torch.tensor(torch.inf)),
        ):
            self.register_buffer(name, value)

    def encode(self, raw: Tensor) -> Tensor:
        """Return codes of raw measures; (n, p) to (n, b)."""
        return self.core.encode(self.transform(raw))

    def standard(self, code: Tensor) -> Tensor:
        """Return codes as the heads take them: centred and scaled."""
        return (code - self.code_centre) / self.code_scale

    def heads(self, code: Tensor) -> tuple[Tensor, Tensor]:
        """Return age in years and female logit of codes; NaN where no head was fitted."""
        standard = self.standard(code)
        age = (standard @ self.age_weight + self.age_intercept).exp()
        logit = standard @ self.sex_weight + self.sex_intercept
        return age.clamp(self.youngest, self.oldest), logit

    def forward(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Predict age and sex.

        Parameters
        ----------
        inputs
            ``morphometry``: raw measures, NaN for missing; (n, p).

        Returns
        -------
        tuple[Tensor, Tensor]
            Age in years, at most ten years beyond the training people's, and female logit; NaN
            for people without any measure, and where the model was trained without ages or
            sexes; each (n,).
        """
        raw = inputs[MODALITY]
        age, logit = self.heads(self.encode(raw))
        known = ~raw.isnan().all(dim=-1)
        return torch.where(known, age, torch.nan), torch.where(known, logit, torch.nan)

    def reconstruct(self, raw: Tensor) -> Tensor:
        """Return the measures that decode from a person's code, in their units; (n, p)."""
        features = self.core.decode(self.encode(raw)) * self.transform.scale
        return (features + self.transform.centre)[:, : self.config.measures.n_measures]

    def out_of_range(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Share of known measures outside the training range; shape (n,)."""
        beyond, present = self.transform.beyond(inputs[MODALITY])
        return beyond / present.clamp_min(1)

    def limits(self, modality: str) -> tuple[Tensor, Tensor]:
        """Return lower and upper end of each measure among the training people; (p,)."""
        if modality != MODALITY:
            raise KeyError(modality)
        return self.transform.lower, self.transform.upper

    def located(self, modality: str, raw: Tensor) -> Tensor:
        """Return code, and log of the share that it cannot tell, for the distance; (n, b + 1)."""
        if modality != MODALITY:
            raise KeyError(modality)
        features = self.transform(raw)
        code = self.core.encode(features)
        known = ~self.transform.derive(raw).isnan()
        rest = ((features - self.core.decode(code)) * known).square().sum(dim=-1, keepdim=True)
        whole = features.square().sum(dim=-1, keepdim=True).clamp_min(MIN_SCALE)
        return torch.cat([code, torch.log((rest / whole).clamp_min(MIN_REST))], dim=-1)

    def checked(self, modality: str, raw: Tensor) -> Tensor:
        """Return no numbers, (n, 0): none has a range of its own."""
        if modality != MODALITY:
            raise KeyError(modality)
        return raw[:, :0]

    def percentile(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return how unusual the measures are among training people, in percent; (n,)."""
        raw = inputs[MODALITY]
        distance = cast(Distance, self.distances[MODALITY])
        found = distance.percentile(self.located(MODALITY, raw))
        return torch.where(raw.isnan().all(dim=-1), torch.nan, found)


def build(config: Mapping[str, Any]) -> MorphometryAutoencoder:
    """Build the network of a card's configuration."""
    return MorphometryAutoencoder(AutoencoderConfig.from_dict(config))


def check(module: nn.Module, card: ModelCard) -> None:
    """Check that the card names the measures that go in.

    Raises
    ------
    ModelError
        If it does not.
    """
    n = cast(MorphometryAutoencoder, module).config.measures.n_measures
    require_measures(card, MODALITY, n)


def _layers(widths: tuple[int, ...]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for first, second in pairwise(widths):
        layers += [nn.Linear(first, second), nn.GELU()]
    return nn.Sequential(*layers[:-1])
