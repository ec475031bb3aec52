"""Options of training a conditional variational autoencoder."""

from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from bids_brainage.errors import UsageError


@dataclass(frozen=True)
class CvaeRecipe:
    """Options of training a conditional variational autoencoder.

    Parameters
    ----------
    members
        Networks trained side by side from different start values.
    n_latent, hidden
        Width of the code and of the hidden layers.
    dropout
        Share of hidden units dropped in training.
    epochs, batch_size, learning_rate, weight_decay
        Of AdamW with one cycle of the learning rate.
    warm_up
        Share of the training after which the code's prior counts fully.
    withheld
        Share of the measures that the encoder does not see, at random.
    contrast
        Weight of telling a person's own age and sex from others, given the measures; 0 trains the
        density alone.
    other_ages, other_sexes
        How many others each person is told from: with another age, and with the other sex.
    age_jitter
        Standard deviation of the logarithm of the other ages around the own.
    ema
        Decay of the running average of the weights, which is kept.
    draws
        Codes drawn for the mean and spread of people of an age and sex.
    seed
        Seed of everything.
    """

    members: int = 3
    n_latent: int = 32
    hidden: int = 128
    dropout: float = 0.1
    epochs: int = 80
    batch_size: int = 128
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    warm_up: float = 0.2
    withheld: float = 0.05
    contrast: float = 1.0
    other_ages: int = 11
    other_sexes: int = 1
    age_jitter: float = 0.35
    ema: float = 0.995
    draws: int = 400
    seed: int = 0

    def __post_init__(self) -> None:
        for option in fields(self):
            value = getattr(self, option.name)
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise UsageError(f"{option.name} = {value}", hint="give a number")
            if isinstance(option.default, int) and not isinstance(value, int):
                raise UsageError(f"{option.name} = {value}", hint="give a whole number")
            if value < 0 or not value < 2**32:
                raise UsageError(f"{option.name} = {value}", hint="give 0 or more")
        for name in ("members", "n_latent", "hidden", "epochs", "batch_size", "learning_rate"):
            if not getattr(self, name) > 0:
                raise UsageError(f"{name} = {getattr(self, name)}", hint="give a value above 0")
        for name in ("dropout", "withheld", "ema"):
            if not getattr(self, name) < 1:
                raise UsageError(f"{name} = {getattr(self, name)}", hint="give a share below 1")
        if self.draws < 2:
            raise UsageError(f"draws = {self.draws}", hint="give 2 or more")
        if self.contrast and self.other_ages + self.other_sexes == 0:
            raise UsageError("contrast without other ages and sexes",
                             hint="give other_ages, or contrast=0")  # fmt: skip

    def as_dict(self) -> dict[str, Any]:
        """Return the options as plain values for a JSON file."""
        return asdict(self)

    def changed(self, **options: Any) -> "CvaeRecipe":
        """Return a copy with some options changed."""
        return replace(self, **options)
