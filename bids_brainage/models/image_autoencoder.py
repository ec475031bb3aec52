"""Autoencoder of brains in template space, with age and sex told from its code."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from bids_brainage.models.cards import ModelCard
from bids_brainage.models.fits import require_image

KIND = "images"
MODALITY = "image"
SHAPE = (58, 70, 58)
ZOOMS = 3.125
SCALING = "median"
CHANNELS = (16, 32, 64, 128)
SLOPE = 0.2
YEARS_BEYOND = 10.0


@dataclass(frozen=True)
class ImageAutoencoderConfig:
    """Shape of the autoencoder.

    Parameters
    ----------
    bottleneck
        Length of the code.
    width
        Factor on the channels of all layers.
    shape
        Voxels of the image; each axis is halved four times.
    zooms
        Voxel size in mm.
    scaling
        How images are scaled, see `bids_brainage.preprocessing.brain_image`.
    """

    bottleneck: int = 1000
    width: float = 1.0
    shape: tuple[int, int, int] = SHAPE
    zooms: float = ZOOMS
    scaling: str = SCALING

    def as_dict(self) -> dict[str, Any]:
        """Return the configuration as plain values for a JSON file, with the kind of the model."""
        return {"kind": KIND, **asdict(self)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "ImageAutoencoderConfig":
        """Read what `as_dict` gave."""
        plain = {name: value for name, value in values.items() if name != "kind"}
        return cls(**{**plain, "shape": tuple(values["shape"])})

    @property
    def channels(self) -> tuple[int, ...]:
        """Channels after each convolution."""
        return tuple(max(1, round(n * self.width)) for n in CHANNELS)

    @property
    def sizes(self) -> list[tuple[int, ...]]:
        """Voxels of the image and after each convolution."""
        sizes: list[tuple[int, ...]] = [self.shape]
        for _ in CHANNELS:
            sizes.append(tuple(n // 2 for n in sizes[-1]))
        return sizes


class ImageAutoencoder(nn.Module):
    """Four convolutions down to a code and four up again; straight lines from the code to age.

    The network sees how a brain differs from the mean of the training people. Everything that is
    fitted beside the network lives in buffers.

    Parameters
    ----------
    config
        Shape of the network.
    """

    centre: Tensor
    spread: Tensor
    field: Tensor
    code_centre: Tensor
    code_spread: Tensor
    lower: Tensor
    upper: Tensor
    head_weight: Tensor
    head_loading: Tensor
    age_weight: Tensor
    age_intercept: Tensor
    sex_weight: Tensor
    sex_intercept: Tensor
    youngest: Tensor
    oldest: Tensor

    def __init__(self, config: ImageAutoencoderConfig | None = None) -> None:
        super().__init__()
        self.config = config or ImageAutoencoderConfig()
        channels, sizes = self.config.channels, self.config.sizes
        if min(sizes[-1]) < 1:
            raise ValueError(f"an image of {self.config.shape} voxels cannot be halved four times")
        self.smallest = (channels[-1], *sizes[-1])
        length = int(torch.Size(self.smallest).numel())
        down: list[nn.Module] = []
        for number, (n_in, n_out) in enumerate(zip((1, *channels), channels, strict=False)):
            down.append(nn.Conv3d(n_in, n_out, 4, 2, 1, bias=False))
            if number:
                down.append(nn.BatchNorm3d(n_out))
            down.append(nn.LeakyReLU(SLOPE))
        self.encoder = nn.Sequential(*down, nn.Flatten(), nn.Linear(length, self.config.bottleneck))
        self.fc = nn.Linear(self.config.bottleneck, length)
        up: list[nn.Module] = []
        back = (*reversed(channels), 1)
        for number in range(len(channels)):
            small, large = sizes[len(channels) - number], sizes[len(channels) - number - 1]
            # Halving drops an odd voxel; it comes back here.
            x, y, z = (b - 2 * a for a, b in zip(small, large, strict=True))
            n_in, n_out = back[number], back[number + 1]
            up.append(
                nn.ConvTranspose3d(n_in, n_out, 4, 2, 1, output_padding=(x, y, z), bias=False)
            )  # fmt: skip
            if number < len(channels) - 1:
                up += [nn.BatchNorm3d(n_out), nn.ReLU()]
        self.decoder = nn.Sequential(*up)
        self._add_buffers(self.config.bottleneck)

    def _add_buffers(self, n: int) -> None:
        for name in ("centre", "field"):
            self.register_buffer(name, torch.full(self.config.shape, float(name == "field")))
        for name in ("code_centre", "head_weight", "head_loading", "age_weight", "sex_weight"):
            self.register_buffer(name, torch.zeros(n))
        self.register_buffer("code_spread", torch.ones(n))
        self.register_buffer("lower", torch.full((n,), -torch.inf))
        self.register_buffer("upper", torch.full((n,), torch.inf))
        ends = {"spread": 1.0, "youngest": 0.0, "oldest": 120.0}
        for name, value in ends.items():
            self.register_buffer(name, torch.tensor(value))
        for name in ("age_intercept", "sex_intercept"):
            self.register_buffer(name, torch.tensor(0.0))

    def standard(self, images: Tensor) -> Tensor:
        """Differences from the mean brain in standard deviations; (n, x, y, z), 0 outside."""
        return (images - self.centre) * self.field / self.spread

    def rebuild(self, standard: Tensor) -> Tensor:
        """Put what `standard` gave through the code and back; (n, x, y, z)."""
        return self.expand(self.encoder(standard[:, None]))

    def expand(self, codes: Tensor) -> Tensor:
        """Decode to differences in standard deviations; (n, k) to (n, x, y, z)."""
        return self.decoder(self.fc(codes).unflatten(1, self.smallest))[:, 0] * self.field

    def encode(self, images: Tensor) -> Tensor:
        """Map scaled brains (n, x, y, z) to codes (n, k)."""
        return self.encoder(self.standard(images)[:, None])

    def decode(self, codes: Tensor) -> Tensor:
        """Map codes (n, k) to scaled brains (n, x, y, z)."""
        return self.centre + self.spread * self.expand(codes)

    def scores(self, codes: Tensor) -> Tensor:
        """Standard scores of codes, without what tells the size of the head if so fitted; (n, k).

        The size is told by a straight line through the code, as only the image is known.
        """
        scores = (codes - self.code_centre) / self.code_spread
        return scores - (scores @ self.head_weight)[:, None] * self.head_loading

    def forward(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Predict age in years and the logit of being female.

        Parameters
        ----------
        inputs
            ``image``, scaled brains; (n, x, y, z).

        Returns
        -------
        tuple[Tensor, Tensor]
            Each (n,); ages are at most ten years beyond those of the training people. The logit
            is NaN from a model that was fitted without known sexes.
        """
        scores = self.scores(self.encode(inputs[MODALITY]))
        age = scores @ self.age_weight + self.age_intercept
        return age.clamp(self.youngest, self.oldest), scores @ self.sex_weight + self.sex_intercept

    def out_of_range(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Share of the code that is outside the range of the training people; (n,)."""
        codes = self.encode(inputs[MODALITY])
        return ((codes < self.lower) | (codes > self.upper)).float().mean(dim=1)


def field_of(images: Sequence[Tensor] | Tensor) -> Tensor:
    """Voxels where any of some scaled brains has brain: 1, elsewhere 0; (x, y, z)."""
    return torch.stack([image != 0 for image in images]).any(dim=0).float()


def build(config: Mapping[str, Any]) -> ImageAutoencoder:
    """Build the network of a card's configuration."""
    return ImageAutoencoder(ImageAutoencoderConfig.from_dict(config))


def check(module: nn.Module, card: ModelCard) -> None:
    """Check that the card's input is the image that the network takes.

    Raises
    ------
    ModelError
        If it is not.
    """
    require_image(card, MODALITY, cast(ImageAutoencoder, module).config.shape)
