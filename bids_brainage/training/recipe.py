"""Options of a training run."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from bids_brainage.errors import UsageError
from bids_brainage.models.mavae_core import SPECIFIED_HIDDEN

MAX_SELECTED = 800
LIFESPAN: dict[str, Any] = {
    "batch_single": 96, "weight_single": 0.7, "age_weight": 0.7, "lambda_site": 0.0,
    "noise_morphometry": 0.2, "dropout": 0.1, "more_epochs": 4 / 3,
}  # fmt: skip


@dataclass(frozen=True)
class Recipe:
    """Options of training an M-AVAE.

    Parameters
    ----------
    selected_morphometry, selected_connectivity
        Features that the random-forest filter keeps per modality, at most 800.
    components
        Principal components of the connectivity that the filter chooses from; 0 lets it choose
        from single connections.
    derived
        Add relative volumes and person-wise standardised Fisher z, for named measures.
    hidden_morphometry, hidden_connectivity
        Widths of the encoder trunks.
    n_shared, n_unique
        Widths of the shared and the unique latent code.
    hidden_head
        Widths of the hidden layers of the heads.
    dropout, dropout_head
        Dropout of encoders and heads.
    members
        Networks in the joint group; every one leaves another part of the sites out.
    lifespan_members
        Networks in the group that predicts from morphometry alone.
    parts
        Into how many parts sites are dealt for leaving out; below 2 nobody is left out.
    epochs, batch_size, learning_rate, weight_decay
        Passes over the people with connectivity (or all people if none has it), people of them
        per step, peak learning rate of the one-cycle schedule, AdamW's decay.
    batch_single, weight_single
        People without connectivity per step, and their weight.
    age_weight
        Errors are weighed by age to this power: 0 for relative errors, 1 for errors in years.
    lifespan
        Options that differ for the lifespan members; ``more_epochs`` is a factor.
    noise_morphometry, noise_connectivity
        Standard deviation of the noise added to the scaled features.
    huber
        Where the age loss turns from square to straight, in standard deviations of log age.
    lambda_age, lambda_sex, lambda_reconstruction, lambda_kl, lambda_adversarial
        Weights of the losses; all but age are warmed up.
    lambda_site
        Penalty on a free offset per training site in the age loss (a random effect that is zero
        for new sites); 0 for none.
    warm_up
        Share of the steps over which the other losses' weights rise.
    ema
        Decay of the running average of the weights that is kept.
    check_every, patience
        Steps between looks at the left-out people, and looks without gain after which training
        stops and the best weights are restored; a patience of 0 never stops early.
    variational, adversarial, predict_sex
        Ablations: no sampling and no KL term, no discriminator, no sex head.
    fusion
        ``stacked`` weighs the heads' outputs for both modalities on left-out people; ``joint``
        takes the joint head alone.
    calibrate
        Fit a straight line to predictions from connectivity alone on left-out people.
    youth_age
        Age in years below which morphometry alone is read by the joint members; 0 for never.
    single_modality
        Empty, or the one modality to train on.
    forest_trees
        Trees of the filter.
    seed
        Seed of everything.
    """

    selected_morphometry: int = MAX_SELECTED
    selected_connectivity: int = 500
    components: int = 500
    derived: bool = True
    hidden_morphometry: tuple[int, ...] = (128,)
    hidden_connectivity: tuple[int, ...] = (96,)
    n_shared: int = 30
    n_unique: int = 30
    hidden_head: tuple[int, ...] = (64,)
    dropout: float = 0.2
    dropout_head: float = 0.1
    members: int = 10
    lifespan_members: int = 5
    parts: int = 5
    epochs: int = 45
    batch_size: int = 64
    learning_rate: float = 2e-3
    weight_decay: float = 0.01
    batch_single: int = 32
    weight_single: float = 0.15
    age_weight: float = 0.0
    lifespan: Mapping[str, Any] = field(default_factory=lambda: dict(LIFESPAN))
    noise_morphometry: float = 0.3
    noise_connectivity: float = 0.3
    huber: float = 0.2
    lambda_age: float = 1.0
    lambda_sex: float = 0.3
    lambda_reconstruction: float = 0.2
    lambda_kl: float = 0.01
    lambda_adversarial: float = 0.02
    lambda_site: float = 0.3
    warm_up: float = 0.2
    ema: float = 0.99
    check_every: int = 100
    patience: int = 4
    variational: bool = True
    adversarial: bool = True
    predict_sex: bool = True
    fusion: str = "stacked"
    calibrate: bool = True
    youth_age: float = 18.0
    single_modality: str = ""
    forest_trees: int = 200
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("selected_morphometry", "selected_connectivity"):
            if not 1 <= getattr(self, name) <= MAX_SELECTED:
                raise UsageError(
                    f"{name} = {getattr(self, name)}", hint=f"give 1 to {MAX_SELECTED} features"
                )
        for name in ("epochs", "batch_size", "members"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} = {getattr(self, name)}", hint="give 1 or more")
        if self.learning_rate <= 0:
            raise UsageError(f"learning_rate = {self.learning_rate}", hint="give a value above 0")
        if self.fusion not in ("stacked", "joint"):
            raise UsageError(f"fusion = '{self.fusion}'", hint="stacked or joint")
        if self.single_modality not in ("", "morphometry", "connectivity"):
            raise UsageError(
                f"single_modality = '{self.single_modality}'", hint="morphometry or connectivity"
            )

    def as_dict(self) -> dict[str, Any]:
        """Return the options as plain values for a JSON file."""
        return asdict(self)

    def for_lifespan(self) -> "Recipe":
        """Return the recipe of the lifespan members."""
        options = dict(self.lifespan)
        epochs = max(1, round(self.epochs * options.pop("more_epochs", 1.0)))
        options = {"epochs": epochs} | options
        return replace(self, **options, members=self.lifespan_members, lifespan_members=0)

    def changed(self, **options: Any) -> "Recipe":
        """Return a copy with some options changed."""
        return replace(self, **options)


def specified() -> Recipe:
    """Return the recipe at the width of the original design, 800-500-200-120-60 per modality."""
    return Recipe(
        selected_connectivity=MAX_SELECTED,
        components=0,
        hidden_morphometry=SPECIFIED_HIDDEN,
        hidden_connectivity=SPECIFIED_HIDDEN,
        members=1,
        lifespan_members=0,
        fusion="joint",
    )


def quick() -> Recipe:
    """Return a recipe that trains in seconds, for tests and a first look."""
    return Recipe(
        selected_morphometry=60,
        selected_connectivity=40,
        components=0,
        hidden_morphometry=(16,),
        hidden_connectivity=(16,),
        n_shared=6,
        n_unique=6,
        hidden_head=(16,),
        members=2,
        lifespan_members=0,
        parts=2,
        epochs=3,
        forest_trees=20,
    )
