"""Options of training the compact network."""

from dataclasses import asdict, dataclass, replace
from typing import Any

from bids_brainage.errors import UsageError
from bids_brainage.models.resunet_compact import WIDTHS


@dataclass(frozen=True)
class SegmentationRecipe:
    """Options of training the compact network.

    Parameters
    ----------
    steps
        Optimiser steps; one image each.
    learning_rate, weight_decay, warm_up
        Of AdamW; the rate rises over the first ``warm_up`` steps, then falls as a cosine to zero.
    ema
        Decay of the running average of the weights that is kept.
    small_patch, small_share
        Voxels of 2 mm seen at once in the first share of the steps, which are cheaper.
    patch, wide_patch, wide
        Voxels seen at once in the other steps; the wide patch, near a whole head, with chance
        ``wide``.
    synthetic, brains
        Chance that an image is synthesised from labels, and that a real one is a brain with
        carried labels instead of a labelled head.
    strip
        Chance that a whole head is skull-stripped.
    still
        Chance that an image is moved by whole voxels only, and stays as sharp as it was.
    flip
        Chance that left and right are exchanged.
    rotation, shear, zoom, elastic
        Spatial deformation: standard deviation of angles in degrees, of shears, of the log of
        the zoom, and of the elastic displacement in voxels.
    region_voxels
        Voxels per image that the region loss looks at.
    carried_weight
        Weight of the region loss on carried labels.
    widths
        Channels of every level.
    seed
        Seed of everything.
    """

    steps: int = 1150
    learning_rate: float = 3e-3
    weight_decay: float = 0.01
    warm_up: int = 50
    ema: float = 0.995
    small_patch: tuple[int, int, int] = (64, 64, 64)
    small_share: float = 0.6
    patch: tuple[int, int, int] = (80, 96, 80)
    wide_patch: tuple[int, int, int] = (96, 112, 112)
    wide: float = 0.1
    synthetic: float = 0.15
    brains: float = 0.2
    strip: float = 0.3
    still: float = 0.4
    flip: float = 0.5
    rotation: float = 9.0
    shear: float = 0.04
    zoom: float = 0.08
    elastic: float = 1.2
    region_voxels: int = 25000
    carried_weight: float = 0.5
    widths: tuple[int, ...] = WIDTHS
    seed: int = 0

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise UsageError(f"steps = {self.steps}", hint="give 1 or more")
        if self.learning_rate <= 0:
            raise UsageError(f"learning_rate = {self.learning_rate}", hint="give a value above 0")
        factor = 2 ** (len(self.widths) - 1)
        for name in ("small_patch", "patch", "wide_patch"):
            if any(n % factor for n in getattr(self, name)):
                raise UsageError(f"{name} = {getattr(self, name)}", hint=f"multiples of {factor}")

    def as_dict(self) -> dict[str, Any]:
        """Return the options as plain values for a JSON file."""
        return asdict(self)

    def changed(self, **options: Any) -> "SegmentationRecipe":
        """Return a copy with some options changed."""
        return replace(self, **options)
