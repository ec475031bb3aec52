"""Options of training TSAN."""

from dataclasses import asdict, dataclass, replace
from typing import Any

from bids_brainage.errors import UsageError
from bids_brainage.models.scaledense import FIGURE, RELEASED, ScaleDenseConfig
from bids_brainage.models.tsan import TsanConfig
from bids_brainage.preprocessing.brain_image import SCALINGS, grid_shape

WIDTHS = {"released": RELEASED, "figure": FIGURE}
SEXES = ("none", "reads", "tells")


def smallest(shape: tuple[int, ...], network: ScaleDenseConfig) -> list[int]:
    """Voxels along each axis after the last layer."""
    dilated = network.stem == "dilated"
    sizes = [n - 10 if dilated else (n - 3) // 2 + 1 for n in shape]
    return [max(n, 0) >> network.layers for n in sizes]


@dataclass(frozen=True)
class TsanRecipe:
    """Options of training TSAN.

    Parameters
    ----------
    width
        ``released`` (102 million parameters a stage) or ``figure`` (0.4 million).
    filters
        Channels of the first convolution.
    layers
        Dense layers; 0 for as many as the width has. Each halves the image.
    zooms
        Voxel size in mm.
    scaling
        How images are scaled, see `bids_brainage.preprocessing.brain_image.scale`.
    sex
        ``none``; ``reads``: sex is an input, which may be missing; ``tells``: the first stage
        also learns sex.
    stages
        1 or 2.
    discretise
        Years that the first age is rounded to before the second stage.
    jitter
        Standard deviation in years of what is added to the first age while the second stage is
        trained, so that it learns to correct errors as large as those on new people.
    epochs, patience, plateau, factor
        At most so many; fewer where the validation error has not fallen for ``patience``; the
        learning rate is multiplied by ``factor`` where it has not for ``plateau``.
    batch_size
        Images per step.
    learning_rate, second_rate
        Of Adam with AMSGrad, of each stage.
    weight_decay
        Of Adam.
    rank_weight, difference_weight
        Weights of the ranking losses, see `bids_brainage.training.tsan.losses.age_loss`.
    sex_weight
        Weight of the cross-entropy of sex.
    sex_dropout
        Chance that a person's sex is withheld in training, so that both heads learn.
    validation
        Share of the people that choose the epoch.
    shift, flip, rotation, zoom
        Augmentation: largest shift in voxels, chance of left-right exchange, standard deviations
        of angles in degrees and of the log of the zoom.
    noise, gamma
        Augmentation: standard deviations of noise and of the log of the contrast's exponent.
    light
        Compute activations again in the backward pass, to save memory.
    seed
        Seed of everything.
    """

    width: str = "figure"
    filters: int = 8
    layers: int = 0
    zooms: float = 4.0
    scaling: str = "mask"
    sex: str = "reads"
    stages: int = 2
    discretise: float = 5.0
    jitter: float = 5.0
    epochs: int = 40
    patience: int = 20
    plateau: int = 5
    factor: float = 0.5
    batch_size: int = 8
    learning_rate: float = 2e-3
    second_rate: float = 1e-3
    weight_decay: float = 5e-4
    rank_weight: float = 10.0
    difference_weight: float = 1.0
    sex_weight: float = 0.5
    sex_dropout: float = 0.3
    validation: float = 0.15
    shift: float = 1.0
    flip: float = 0.5
    rotation: float = 3.0
    zoom: float = 0.02
    noise: float = 0.05
    gamma: float = 0.05
    light: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        choices = {"width": tuple(WIDTHS), "scaling": SCALINGS, "sex": SEXES, "stages": (1, 2)}
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                raise UsageError(f"{name} = {getattr(self, name)}",
                                 hint=f"choose {', '.join(map(str, allowed))}")  # fmt: skip
        for name in ("epochs", "batch_size", "filters", "learning_rate", "second_rate", "zooms",
                     "discretise"):  # fmt: skip
            if not getattr(self, name) > 0:
                raise UsageError(f"{name} = {getattr(self, name)}", hint="give a value above 0")
        if not 0 <= self.validation < 1:
            raise UsageError(f"validation = {self.validation}", hint="give a share below 1")

        if min(smallest(grid_shape(self.zooms), self.model_config.network)) < 1:
            raise UsageError(f"zooms = {self.zooms:g}: the image is used up before the last layer",
                             hint="give smaller voxels or fewer layers")  # fmt: skip

    def as_dict(self) -> dict[str, Any]:
        """Return the options as plain values for a JSON file."""
        return asdict(self)

    def changed(self, **options: Any) -> "TsanRecipe":
        """Return a copy with some options changed."""
        return replace(self, **options)

    @property
    def model_config(self) -> TsanConfig:
        """Shape of the cascade."""
        network: ScaleDenseConfig = replace(
            WIDTHS[self.width],
            filters=self.filters,
            layers=self.layers or WIDTHS[self.width].layers,
            reads_sex=self.sex == "reads",
            tells_sex=self.sex == "tells",
            rectify=False,
        )
        return TsanConfig(
            network, self.stages, self.discretise, grid_shape(self.zooms), self.zooms, self.scaling
        )
