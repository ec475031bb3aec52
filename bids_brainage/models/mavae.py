"""Multimodal adversarial variational autoencoder (M-AVAE) that predicts age and sex."""

import copy
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn

from bids_brainage.errors import ModelError
from bids_brainage.models.cards import CARD_NAME, ModelCard
from bids_brainage.models.fusion import Fusion
from bids_brainage.models.layers import MemberMLP, VariationalEncoder
from bids_brainage.models.scaling import InputConfig, InputTransform

MODALITIES = ("morphometry", "connectivity")
SPECIFIED_HIDDEN = (500, 200, 120)
N_MASK = 2


@dataclass(frozen=True)
class MavaeConfig:
    """Shape of an M-AVAE.

    Parameters
    ----------
    morphometry, connectivity
        Shapes of the two inputs.
    members
        Number of networks whose predictions are averaged.
    hidden_morphometry, hidden_connectivity
        Widths of the encoder trunks; the decoders mirror them.
    n_shared, n_unique
        Width of the shared and of the modality-specific latent code.
    hidden_head
        Widths of the hidden layers of the age and sex heads.
    hidden_discriminator
        Widths of the hidden layers of the discriminator.
    dropout, dropout_head
        Share of hidden units dropped in training.
    """

    morphometry: InputConfig
    connectivity: InputConfig
    members: int = 1
    hidden_morphometry: tuple[int, ...] = SPECIFIED_HIDDEN
    hidden_connectivity: tuple[int, ...] = SPECIFIED_HIDDEN
    n_shared: int = 30
    n_unique: int = 30
    hidden_head: tuple[int, ...] = (64,)
    hidden_discriminator: tuple[int, ...] = (64, 64)
    dropout: float = 0.2
    dropout_head: float = 0.1

    def as_dict(self) -> dict[str, Any]:
        """Return the configuration as plain values for a JSON file."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "MavaeConfig":
        """Build a configuration from the plain values of a JSON file."""
        plain = _as_tuples(values)
        for name in MODALITIES:
            plain[name] = InputConfig(**_as_tuples(values[name]))
        return cls(**plain)


def _as_tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(v) if isinstance(v, list) else v for key, v in values.items()}


class Code(NamedTuple):
    """Latent code of one modality, split into its shared and its unique part."""

    shared: Tensor
    unique: Tensor


@dataclass
class Heads:
    """Outputs of the heads for one combination of modalities, per member and person."""

    age: Tensor
    sex: Tensor = field(repr=False)


class MavaeCore(nn.Module):
    """The networks: encoders, decoders, discriminator and heads of every member.

    One discriminator compares the shared codes of both modalities with the prior (adversarial
    autoencoder, Makhzani et al., 2016), which aligns them; the unique codes are variational.
    The heads see shared and unique codes of both modalities. A missing modality's shared code
    is replaced by the other modality's, its unique code by the prior mean, zero.

    Parameters
    ----------
    config
        Shape of the model.
    seed
        Seed of the start values.
    """

    def __init__(self, config: MavaeConfig, seed: int = 0) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        n = config.members
        latent = config.n_shared + config.n_unique
        self.n_shared = config.n_shared
        self.encoders = nn.ModuleDict()
        self.decoders = nn.ModuleDict()
        for name, inputs, hidden in (
            ("morphometry", config.morphometry, config.hidden_morphometry),
            ("connectivity", config.connectivity, config.hidden_connectivity),
        ):
            self.encoders[name] = VariationalEncoder(
                n, inputs.n_selected, hidden, latent, generator, config.dropout
            )
            self.decoders[name] = MemberMLP(
                n, [latent, *reversed(hidden), inputs.n_selected], generator
            )
        code = 2 * latent + N_MASK
        head = [code, *config.hidden_head, 1]
        self.age_head = MemberMLP(n, head, generator, config.dropout_head)
        self.sex_head = MemberMLP(n, head, generator, config.dropout_head)
        self.discriminator = MemberMLP(
            n, [config.n_shared, *config.hidden_discriminator, 1], generator
        )

    def take(self, members: Tensor) -> "MavaeCore":
        """Return a copy with some of the members only."""
        part = copy.deepcopy(self)
        for parameter in part.parameters():
            parameter.data = parameter.data[members].clone()
        return part

    def encode(self, modality: str, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance of a modality's code; x is (members, n, features)."""
        return self.encoders[modality](x)

    def split(self, z: Tensor) -> Code:
        """Split a latent code into its shared and its unique part."""
        return Code(z[..., : self.n_shared], z[..., self.n_shared :])

    def heads(self, first: Code | None, second: Code | None) -> Heads:
        """Predict from the codes of morphometry and connectivity; one of them may be None.

        Returns
        -------
        Heads
            Standardised age and female logit, each (members, n).
        """
        present = first if first is not None else second
        if present is None:
            raise ValueError("both modalities are missing")
        zero = torch.zeros_like(present.unique)
        flag = torch.ones_like(present.shared[..., :1])
        codes = [code or Code(present.shared, zero) for code in (first, second)]
        masks = [flag if code is not None else torch.zeros_like(flag) for code in (first, second)]
        joined = torch.cat(
            [codes[0].shared, codes[1].shared, codes[0].unique, codes[1].unique, *masks], dim=-1
        )
        return Heads(self.age_head(joined)[..., 0], self.sex_head(joined)[..., 0])


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
        codes: dict[str, Code] = {}
        present: dict[str, Tensor] = {}
        for name in MODALITIES:
            raw = inputs.get(name)
            if raw is None:
                continue
            x = self.transforms[name](raw)
            x = x.unsqueeze(0).expand(self.config.members, -1, -1)
            codes[name] = self.core.split(self.core.encode(name, x)[0])
            present[name] = ~raw.isnan().all(dim=-1)
        if not codes:
            raise ValueError(f"none of {', '.join(MODALITIES)} is given")
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
