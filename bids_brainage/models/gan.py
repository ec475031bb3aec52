"""What a generative adversarial network leaves for use: it makes brains and reads others.

A generator, an encoder from cubes to its latent codes, two classifiers of sex (the second was
trained with noise), and a straight line from latent codes to age.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from bids_brainage.models.brain_readers import LatentEncoder, SexClassifier
from bids_brainage.models.cards import ModelCard
from bids_brainage.models.cubes import SIDE, to_cubes
from bids_brainage.models.fits import require_image
from bids_brainage.models.gan_networks import LATENT, Generator
from bids_brainage.models.image_autoencoder import SCALING, SHAPE, ZOOMS

KIND = "gan"
MODALITY = "image"


@dataclass(frozen=True)
class GanConfig:
    """Shape of the networks and of what they read.

    Parameters
    ----------
    width
        Factor on the channels of all networks; 1 for those of the specification.
    side
        Voxels along each side of a cube; a multiple of 16.
    quantile
        See `bids_brainage.models.cubes.unit_range`.
    shape
        Voxels of the image along x, y and z.
    zooms
        Voxel size in mm.
    scaling
        How images are scaled, see `bids_brainage.preprocessing.brain_image`; cubes are scaled
        again by themselves.
    """

    width: float = 1.0
    side: int = SIDE
    quantile: float = 1.0
    shape: tuple[int, int, int] = SHAPE
    zooms: float = ZOOMS
    scaling: str = SCALING

    def as_dict(self) -> dict[str, Any]:
        """Return the configuration as plain values for a JSON file, with the kind of model."""
        return {"kind": KIND, **asdict(self)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "GanConfig":
        """Read what `as_dict` gave."""
        known = {name: value for name, value in values.items() if name != "kind"}
        return cls(**{**known, "shape": tuple(values["shape"])})


class Gan(nn.Module):
    """Generator, latent encoder, classifiers of sex, and a line from codes to age.

    Parameters
    ----------
    config
        Shape of the networks.
    """

    weight: Tensor
    intercept: Tensor
    youngest: Tensor
    oldest: Tensor

    def __init__(self, config: GanConfig) -> None:
        super().__init__()
        self.config = config
        width, side, quantile = config.width, config.side, config.quantile
        self.generator = Generator(width, side)
        self.encoder = LatentEncoder(width, side, quantile)
        self.plain = SexClassifier(width, side, quantile)
        self.noisy = SexClassifier(width, side, quantile)
        self.register_buffer("weight", torch.zeros(LATENT))
        self.register_buffer("intercept", torch.tensor(0.0))
        self.register_buffer("youngest", torch.tensor(0.0))
        self.register_buffer("oldest", torch.tensor(100.0))

    def cubes(self, images: Tensor) -> Tensor:
        """Turn brains (n, x, y, z) into cubes (n, side, side, side)."""
        return to_cubes(images, self.config.side, self.config.quantile)

    def generate(self, codes: Tensor) -> Tensor:
        """Make cubes (n, side, side, side) of latent codes (n, 100)."""
        found: Tensor = self.generator(codes)
        return found[:, 0]

    def codes(self, cubes: Tensor) -> Tensor:
        """Read the latent codes (n, 100) that would make cubes like these."""
        found: Tensor = self.encoder(cubes)
        return found

    def female(self, cubes: Tensor) -> Tensor:
        """Logit of being female: the mean of both classifiers'; (n,)."""
        return (self.plain(cubes) + self.noisy(cubes)) / 2

    def age(self, codes: Tensor) -> Tensor:
        """Age in years from latent codes, within the range of the training people; (n,)."""
        return (codes @ self.weight + self.intercept).clamp(self.youngest, self.oldest)

    def forward(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Predict age in years and the logit of being female.

        Parameters
        ----------
        inputs
            ``image``, brains in template space; (n, x, y, z).

        Returns
        -------
        tuple[Tensor, Tensor]
            Each (n,).
        """
        cubes = self.cubes(inputs[MODALITY])
        return self.age(self.codes(cubes)), self.female(cubes)

    def out_of_range(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return zeros, as the networks keep no ranges of voxels; shape (n,)."""
        return inputs[MODALITY].new_zeros(len(inputs[MODALITY]))


def build(config: Mapping[str, Any]) -> Gan:
    """Build the networks of a card's configuration."""
    return Gan(GanConfig.from_dict(config))


def check(module: nn.Module, card: ModelCard) -> None:
    """Check that the card's input is the image that the networks take.

    Raises
    ------
    ModelError
        If it is not.
    """
    require_image(card, MODALITY, cast(Gan, module).config.shape)
