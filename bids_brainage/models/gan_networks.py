"""Generator and discriminator of brains as cubes; 4,410,304 and 2,771,841 parameters."""

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from bids_brainage.models.cubes import SIDE

LATENT = 100
CHANNELS = (256, 128, 64, 32)
SLOPE = 0.2
# Variance of a uniform distribution between 0 and 1, which latent codes are drawn from.
PRIOR_VARIANCE = 1 / 12
STABILISERS = ("none", "spectral", "penalty")
EDGE = 1e-3  # mean brains keep so far from 0 and 1, where a sigmoid has no slope


def scaled(channels: int, width: float) -> int:
    """Channels of a narrower or wider network."""
    return max(2, round(channels * width))


class Generator(nn.Module):
    """From latent codes to cubes with voxels between 0 and 1.

    Parameters
    ----------
    width
        Factor on the channels; 1 for those of the specification.
    side
        Voxels along each side; a multiple of 16.
    """

    base: Tensor
    middle: Tensor
    gain: Tensor

    def __init__(self, width: float = 1.0, side: int = SIDE) -> None:
        super().__init__()
        self.register_buffer("base", torch.zeros(side, side, side))
        self.register_buffer("middle", torch.tensor(0.0))
        self.register_buffer("gain", torch.tensor(1.0))
        first, *others = [scaled(n, width) for n in CHANNELS]
        self._start = (first, *[side // 16] * 3)
        self.linear = nn.Linear(LATENT, first * (side // 16) ** 3)
        layers: list[nn.Module] = [nn.BatchNorm3d(first), nn.ReLU()]
        before = first
        for n in others:
            layers += [_up(before, n), nn.BatchNorm3d(n), nn.ReLU()]
            before = n
        self.layers = nn.Sequential(*layers, _up(before, 1))

    def centre(self, mean: Tensor) -> None:
        """Start from a mean brain, to which codes of mean 0 and variance 1 add differences.

        Parameters
        ----------
        mean
            Voxels between 0 and 1; (side, side, side).
        """
        self.base.copy_(torch.logit(mean, EDGE))
        self.middle.fill_(0.5)
        self.gain.fill_(PRIOR_VARIANCE**-0.5)

    def forward(self, codes: Tensor) -> Tensor:
        """Map codes (n, 100) to cubes (n, 1, side, side, side)."""
        seen = self.linear((codes - self.middle) * self.gain)
        found: Tensor = self.layers(seen.unflatten(1, self._start))
        return torch.sigmoid(found + self.base)


class Discriminator(nn.Module):
    """From cubes to one number each, larger for what looks real; the sigmoid is in the loss.

    Parameters
    ----------
    width, side
        See `Generator`.
    stabiliser
        ``none``: batch normalisation, as specified. ``spectral``: none, and spectral
        normalisation of every layer. ``penalty``: neither, as the penalty on the gradient is of
        each cube by itself.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, width: float = 1.0, side: int = SIDE, stabiliser: str = "none") -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(side, side, side))
        self.register_buffer("scale", torch.tensor(1.0))
        layers: list[nn.Module] = []
        before = 1
        for number, n in enumerate(scaled(n, width) for n in reversed(CHANNELS)):
            conv: nn.Module = nn.Conv3d(before, n, 4, stride=2, padding=1, bias=False)
            layers.append(spectral_norm(conv) if stabiliser == "spectral" else conv)
            if stabiliser == "none" and number:
                layers.append(nn.BatchNorm3d(n))
            layers.append(nn.LeakyReLU(SLOPE))
            before = n
        self.layers = nn.Sequential(*layers)
        linear: nn.Module = nn.Linear(before * (side // 16) ** 3, 1)
        self.linear = spectral_norm(linear) if stabiliser == "spectral" else linear

    def centre(self, mean: Tensor, scale: Tensor) -> None:
        """Look at differences from a mean brain (side, side, side) in units of a scale."""
        self.mean.copy_(mean)
        self.scale.copy_(scale)

    def forward(self, cubes: Tensor) -> Tensor:
        """Map cubes (n, 1, side, side, side) to numbers (n,)."""
        seen = self.layers((cubes - self.mean) / self.scale)
        found: Tensor = self.linear(seen.flatten(1))[:, 0]
        return found


def draw_codes(n: int, generator: torch.Generator) -> Tensor:
    """Draw latent codes, uniform between 0 and 1; (n, 100)."""
    return torch.rand(n, LATENT, generator=generator)


def _up(before: int, after: int) -> nn.ConvTranspose3d:
    return nn.ConvTranspose3d(before, after, 4, stride=2, padding=1, bias=False)
