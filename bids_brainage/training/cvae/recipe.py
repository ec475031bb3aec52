"""Options of training a conditional variational autoencoder."""

from dataclasses import dataclass

from bids_brainage.errors import UsageError
from bids_brainage.training.checked_recipe import CheckedRecipe


@dataclass(frozen=True)
class CvaeRecipe(CheckedRecipe):
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
        super().__post_init__()
        self.require_above_zero(
            "members", "n_latent", "hidden", "epochs", "batch_size", "learning_rate"
        )
        self.require_shares("dropout", "withheld", "ema")
        if self.draws < 2:
            raise UsageError(f"draws = {self.draws}", hint="give 2 or more")
        if self.contrast and self.other_ages + self.other_sexes == 0:
            raise UsageError("contrast without other ages and sexes",
                             hint="give other_ages, or contrast=0")  # fmt: skip
