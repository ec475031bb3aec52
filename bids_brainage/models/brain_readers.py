"""Residual networks that read a cube: its latent code (6,783,052 parameters), or sex (6,609,705).

Both bring what they read to one range of values first, so that real and generated cubes come with
the same scale.
"""

from torch import Tensor, nn

from bids_brainage.models.cubes import SIDE, unit_range
from bids_brainage.models.gan_networks import LATENT, scaled

STEM = 16
HIDDEN = 200
DROPOUT = 0.5


class ResidualBlock(nn.Module):
    """Two convolutions after normalisation and ReLU, beside a convolution of one voxel.

    Parameters
    ----------
    before, after
        Channels that come in and go out.
    normalise
        With batch normalisation, or without.
    """

    def __init__(self, before: int, after: int, normalise: bool = True) -> None:
        super().__init__()
        middle = max(1, before // 2)
        self.skip = nn.Conv3d(before, after, 1)
        self.main = nn.Sequential(
            nn.BatchNorm3d(before) if normalise else nn.Identity(),
            nn.ReLU(),
            nn.Conv3d(before, middle, 3, padding=1),
            nn.BatchNorm3d(middle) if normalise else nn.Identity(),
            nn.ReLU(),
            nn.Conv3d(middle, after, 3, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, before, x, y, z) to (n, after, x, y, z)."""
        found: Tensor = self.main(x) + self.skip(x)
        return found


class LatentEncoder(nn.Module):
    """From cubes to the codes that a generator made them of.

    Parameters
    ----------
    width
        Factor on the channels; 1 for those of the specification.
    side
        Voxels along each side.
    quantile
        See `bids_brainage.models.cubes.unit_range`.
    """

    def __init__(self, width: float = 1.0, side: int = SIDE, quantile: float = 1.0) -> None:
        super().__init__()
        self._quantile = quantile
        stem = scaled(STEM, width)
        self.layers = nn.Sequential(
            nn.Conv3d(1, stem, 1), nn.ReLU(),
            ResidualBlock(stem, 2 * stem), nn.MaxPool3d(2),
            ResidualBlock(2 * stem, 4 * stem), nn.MaxPool3d(2),
            ResidualBlock(4 * stem, 8 * stem), nn.MaxPool3d(2),
        )  # fmt: skip
        self.linear = nn.Linear(8 * stem * (side // 8) ** 3, LATENT)

    def forward(self, cubes: Tensor) -> Tensor:
        """Map cubes (n, side, side, side) of any scale to codes (n, 100)."""
        maps = self.layers(unit_range(cubes, self._quantile)[:, None])
        found: Tensor = self.linear(maps.flatten(1))
        return found


class SexClassifier(nn.Module):
    """From cubes to the logit of being female.

    The parameters that the specification counts beyond its layers are two batch normalisations:
    after the first convolution and after the first block.

    Parameters
    ----------
    width, side, quantile
        See `LatentEncoder`; cubes of 64 and of 70 voxels a side both end at 8.
    """

    def __init__(self, width: float = 1.0, side: int = SIDE, quantile: float = 1.0) -> None:
        super().__init__()
        self._quantile = quantile
        stem, hidden = scaled(STEM, width), max(8, scaled(HIDDEN, width))
        self.layers = nn.Sequential(
            nn.Conv3d(1, stem, 3, padding=1), nn.BatchNorm3d(stem), nn.ReLU(), nn.MaxPool3d(2),
            ResidualBlock(stem, 2 * stem), nn.BatchNorm3d(2 * stem), nn.ReLU(), nn.MaxPool3d(2),
            ResidualBlock(2 * stem, 4 * stem), nn.MaxPool3d(2),
        )  # fmt: skip
        self.hidden = nn.Sequential(
            nn.Dropout(DROPOUT), nn.Linear(4 * stem * (side // 8) ** 3, hidden),
            nn.BatchNorm1d(hidden), nn.ReLU(),
        )  # fmt: skip
        self.linear = nn.Linear(hidden, 1)

    def features(self, cubes: Tensor, noise: Tensor | None = None) -> Tensor:
        """Map cubes (n, side, side, side) of any scale to features (n, hidden).

        Parameters
        ----------
        noise
            Added to the voxels once they are between 0 and 1; as the cubes.
        """
        cubes = unit_range(cubes, self._quantile)
        if noise is not None:
            cubes = cubes + noise
        found: Tensor = self.hidden(self.layers(cubes[:, None]).flatten(1))
        return found

    def forward(self, cubes: Tensor, noise: Tensor | None = None) -> Tensor:
        """Map cubes to logits of being female (n,); see `features`."""
        found: Tensor = self.linear(self.features(cubes, noise))[:, 0]
        return found
