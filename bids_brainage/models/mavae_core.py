"""Networks of the M-AVAE: encoders, decoders, discriminator and heads of every member."""

import copy
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from bids_brainage.models.layers import MemberMLP, VariationalEncoder
from bids_brainage.models.scaling import InputConfig

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
    distance
        Whether the model knows how unusual a person's features are, see `Distance`.
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
    distance: bool = False

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
