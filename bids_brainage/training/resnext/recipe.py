"""Options of training ResNeXt."""

from dataclasses import dataclass
from typing import Any

from bids_brainage.errors import UsageError
from bids_brainage.models.resnext import ResNeXtConfig, smallest
from bids_brainage.training.images.recipe import ImageRecipe


@dataclass(frozen=True)
class ResNeXtRecipe(ImageRecipe):
    """Options of training ResNeXt, beside those of `ImageRecipe`.

    Parameters
    ----------
    blocks
        Bottlenecks of every stage; each stage but the first halves the image.
    planes
        Inner channels of every stage; twice as many come out.
    groups
        Groups of the middle convolutions.
    stem
        Channels of the first convolution.
    side
        Voxels of the image along each axis.
    """

    zooms: float = 3.0
    epochs: int = 12
    patience: int = 12
    plateau: int = 12
    batch_size: int = 4
    learning_rate: float = 1e-4
    weight_decay: float = 0.0
    amsgrad: bool = False
    blocks: tuple[int, ...] = (3, 4, 6, 3)
    planes: tuple[int, ...] = (128, 256, 512, 1024)
    groups: int = 32
    stem: int = 128
    side: int = 64

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("blocks", "planes"):
            values = getattr(self, name)
            whole = isinstance(values, tuple) and all(isinstance(n, int) for n in values)
            if not whole or not values or min(values) < 1:
                raise UsageError(f"{name} = {values}", hint="give one number a stage, as in 1,1,")
        if len(self.blocks) != len(self.planes):
            raise UsageError(f"blocks = {self.blocks}, planes = {self.planes}",
                             hint="give as many of one as of the other")  # fmt: skip
        self.require_above_zero("groups", "stem", "side")
        if any(planes % self.groups for planes in self.planes):
            raise UsageError(f"groups = {self.groups}, planes = {self.planes}",
                             hint="give planes that the groups divide")  # fmt: skip
        if smallest(self.model_config) < 1:
            raise UsageError(f"side = {self.side}: the image is used up before the last stage",
                             hint="give more voxels or fewer stages")  # fmt: skip

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels of the image."""
        return (self.side,) * 3

    @property
    def model_config(self) -> ResNeXtConfig:
        """Shape of the network."""
        return ResNeXtConfig(
            self.blocks, self.planes, self.groups, self.stem, self.shape, self.zooms, self.scaling,
            self.average,
        )  # fmt: skip


# Small enough for few people and two cores, trained as TSAN is.
COMPACT: dict[str, Any] = {
    "blocks": (1, 1, 1, 1), "planes": (8, 16, 32, 64), "groups": 8, "stem": 8,
    "side": 48, "zooms": 4.0, "epochs": 40, "patience": 20, "plateau": 5, "batch_size": 8,
    "learning_rate": 2e-3, "weight_decay": 5e-4, "amsgrad": True,
}  # fmt: skip
WIDTHS: dict[str, dict[str, Any]] = {"full": {}, "compact": COMPACT}
