"""The card of a trained GAN."""

import numpy as np

from bids_brainage import __version__
from bids_brainage.models.cards import InputSpec, ModelCard, TrainingSample, names_hash
from bids_brainage.models.gan import MODALITY
from bids_brainage.training.aegan import AeganOptions
from bids_brainage.training.gan.recipe import GanRecipe
from bids_brainage.training.gan.sample import CubeSample
from bids_brainage.training.versions import versions

CAVEAT = (
    "Its age is a straight line on the latent code of a GAN and hardly better than guessing the "
    "median: look at the scores before using it. Sex comes from two classifiers that were trained "
    "with as few people."
)
REFERENCES = (
    "Goodfellow et al., 2014, Generative adversarial nets, arXiv:1406.2661",
    "Miyato et al., 2018, Spectral normalization, arXiv:1802.05957",
    "Gulrajani et al., 2017, Improved training of Wasserstein GANs, arXiv:1704.00028",
)


def make_card(
    options: AeganOptions,
    sample: CubeSample,
    training: np.ndarray,
    metrics: dict[str, object],
) -> ModelCard:
    """Collect the card; scores are of people that no network has seen.

    Parameters
    ----------
    training
        Numbers of the training people.
    metrics
        Scores, as plain values.
    """
    recipe: GanRecipe = options.recipe
    config = recipe.model_config
    spec = InputSpec(
        names=(), sha256=names_hash(()), unit="parts of the median of the brain's voxels",
        shape=config.shape, zooms=config.zooms, scaling=config.scaling,
    )  # fmt: skip
    age = sample.age[training]
    age = age[np.isfinite(age)]
    female = sample.female[training]
    ends = [float(f(age)) if age.size else float("nan") for f in (np.min, np.median, np.max)]
    names = sorted({folder.resolve().name for folder in options.data})
    who = TrainingSample(
        dataset=", ".join(names), n=len(training), n_female=int((female == 1).sum()),
        n_male=int((female == 0).sum()), age_min=ends[0], age_median=ends[1], age_max=ends[2],
        sites={", ".join(names): len(training)},
    )  # fmt: skip
    return ModelCard(
        name=options.model_name,
        version=__version__,
        family="aegan",
        description=(
            "Generative adversarial network of brains in MNI152 space, with an encoder to its "
            "latent codes, two classifiers of sex and a line from codes to age."
        ),
        inputs={MODALITY: spec},
        training=(who,),
        metrics=metrics,
        bias_correction={},
        age_range={MODALITY: (ends[0], ends[2])} if age.size else {},
        sha256="",
        config=config.as_dict(),
        recipe=recipe.as_dict(),
        seed=recipe.seed,
        command=options.command,
        versions=versions(("numpy", "scipy", "scikit-learn", "torch")),
        references=REFERENCES,
        experimental=True,
        default=False,
        caveat=CAVEAT,
    )
