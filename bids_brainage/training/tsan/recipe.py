"""Options of training TSAN."""

from dataclasses import dataclass, replace

from bids_brainage.errors import UsageError
from bids_brainage.models.scaledense import FIGURE, RELEASED, ScaleDenseConfig
from bids_brainage.models.tsan import TsanConfig
from bids_brainage.training.images.recipe import ImageRecipe

WIDTHS = {"released": RELEASED, "figure": FIGURE}
SEXES = ("none", "reads", "tells")


def smallest(shape: tuple[int, ...], network: ScaleDenseConfig) -> list[int]:
    """Voxels along each axis after the last layer."""
    dilated = network.stem == "dilated"
    sizes = [n - 10 if dilated else (n - 3) // 2 + 1 for n in shape]
    return [max(n, 0) >> network.layers for n in sizes]


@dataclass(frozen=True)
class TsanRecipe(ImageRecipe):
    """Options of training TSAN, beside those of `ImageRecipe`.

    Parameters
    ----------
    width
        ``released`` (102 million parameters a stage) or ``figure`` (0.4 million).
    filters
        Channels of the first convolution.
    layers
        Dense layers; 0 for as many as the width has. Each halves the image.
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
    second_rate
        Learning rate of the second stage.
    rank_weight, difference_weight
        Weights of the ranking losses, see `bids_brainage.training.tsan.losses.age_loss`.
    sex_weight
        Weight of the cross-entropy of sex.
    sex_dropout
        Chance that a person's sex is withheld in training, so that both heads learn.
    """

    width: str = "figure"
    filters: int = 8
    layers: int = 0
    sex: str = "reads"
    stages: int = 2
    discretise: float = 5.0
    jitter: float = 5.0
    second_rate: float = 1e-3
    rank_weight: float = 10.0
    difference_weight: float = 1.0
    sex_weight: float = 0.5
    sex_dropout: float = 0.3

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("width", tuple(WIDTHS))
        self.require("sex", SEXES)
        self.require("stages", (1, 2))
        self.require_above_zero("filters", "second_rate", "discretise")
        if min(smallest(self.shape, self.model_config.network)) < 1:
            raise UsageError(f"zooms = {self.zooms:g}: the image is used up before the last layer",
                             hint="give smaller voxels or fewer layers")  # fmt: skip

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
            network, self.stages, self.discretise, self.shape, self.zooms, self.scaling,
            self.average,
        )  # fmt: skip
