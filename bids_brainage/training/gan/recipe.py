"""Options of training the GAN, its latent encoder and its classifiers of sex."""

from dataclasses import dataclass
from typing import Self

from bids_brainage.errors import UsageError
from bids_brainage.models.cubes import SIDE
from bids_brainage.models.gan import GanConfig
from bids_brainage.models.gan_networks import STABILISERS
from bids_brainage.training.checked_recipe import CheckedRecipe

ABOVE_ZERO = (
    "width", "side", "quantile", "epochs", "batch_size", "learning_rate", "critic_steps",
    "n_pairs", "encoder_epochs", "encoder_batch", "encoder_rate", "classifier_epochs",
    "classifier_batch", "classifier_rate", "n_judged",
)  # fmt: skip


@dataclass(frozen=True)
class GanRecipe(CheckedRecipe):
    """Options of training; networks and their steps are the specified ones by default.

    Parameters
    ----------
    width
        Factor on the channels of all networks.
    side
        Voxels along each side of the cubes; a multiple of 16.
    quantile
        Quantile of a cube's voxels that becomes 1; 1 for the largest voxel.
    stabiliser
        ``none``: batch normalisation and cross-entropy, as specified. ``spectral``: spectral
        normalisation of the discriminator and hinge loss. ``penalty``: Wasserstein loss with a
        penalty on the gradient. With either the networks see what differs from the training
        people's mean brain.
    epochs, batch_size
        Of the GAN.
    learning_rate, discriminator_rate
        Of Adam, of the generator and of the discriminator; 0 for the generator's.
    critic_steps
        Steps of the discriminator before one of the generator.
    skip
        Chance that the generator's step is left out; 0, 0.1 and 0.3 in the specification.
    penalty_weight
        Weight of the penalty on the gradient.
    flip
        Chance of left-right exchange of real brains, for discriminator and classifiers.
    n_pairs
        Pairs of latent code and generated cube that are kept; a fifth judges the encoder.
    encoder_epochs, encoder_batch, encoder_rate
        Of the latent encoder.
    classifier_epochs, classifier_batch, classifier_rate
        Of both classifiers of sex.
    noise
        Standard deviation of the noise that the second classifier is trained with; voxels lie
        between 0 and 1.
    held_out
        Share of the people whom a trained model is judged by.
    n_judged
        Generated cubes that the GAN is judged by.
    seed
        Seed of everything.
    """

    width: float = 1.0
    side: int = SIDE
    quantile: float = 1.0
    stabiliser: str = "penalty"
    epochs: int = 200
    batch_size: int = 10
    learning_rate: float = 5e-5
    discriminator_rate: float = 0.0
    critic_steps: int = 1
    skip: float = 0.0
    penalty_weight: float = 10.0
    flip: float = 0.5
    n_pairs: int = 2000
    encoder_epochs: int = 50
    encoder_batch: int = 5
    encoder_rate: float = 1e-4
    classifier_epochs: int = 50
    classifier_batch: int = 10
    classifier_rate: float = 5e-3
    noise: float = 0.1
    held_out: float = 0.2
    n_judged: int = 100
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_above_zero(*ABOVE_ZERO)
        self.require("stabiliser", STABILISERS)
        self.require_shares("skip", "held_out")
        if self.side % 16:
            raise UsageError(f"side = {self.side}", hint="give a multiple of 16")
        if self.quantile > 1 or self.flip > 1:
            name = "quantile" if self.quantile > 1 else "flip"
            raise UsageError(f"{name} = {getattr(self, name)}", hint="give at most 1")
        for name in ("n_pairs", "n_judged"):
            if getattr(self, name) < 10:
                raise UsageError(f"{name} = {getattr(self, name)}", hint="give 10 or more")

    @classmethod
    def full(cls) -> Self:
        """Networks as they are specified."""
        return cls()

    @classmethod
    def compact(cls) -> Self:
        """A quarter of the channels on cubes of 32 voxels, and longer steps, for few processors."""
        return cls(
            width=0.25, side=32, quantile=0.999, epochs=400, batch_size=5, learning_rate=5e-4,
            n_pairs=200, encoder_epochs=6, encoder_rate=1e-3, classifier_epochs=20,
            classifier_batch=5, classifier_rate=2e-3, n_judged=40,
        )  # fmt: skip

    @property
    def model_config(self) -> GanConfig:
        """Shape of the networks."""
        return GanConfig(self.width, self.side, self.quantile)
