"""Card of a trained autoencoder of brains."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bids_brainage import __version__
from bids_brainage.evaluation.bias import fit_bias
from bids_brainage.evaluation.intervals import fit_intervals
from bids_brainage.evaluation.metrics import classification_metrics
from bids_brainage.models.cards import InputSpec, ModelCard, TrainingSample, names_hash
from bids_brainage.models.image_autoencoder import MODALITY, ImageAutoencoder
from bids_brainage.training.aegan import AeganOptions
from bids_brainage.training.autoencoder.brains import Brains
from bids_brainage.training.autoencoder.image_folds import FoldResult, known_of
from bids_brainage.training.autoencoder.image_recipe import ImageAutoencoderRecipe
from bids_brainage.training.images.predictions import scores
from bids_brainage.training.versions import versions

DECIMALS = 4
PACKAGES = ("numpy", "scipy", "scikit-learn", "torch")
DESCRIPTION = (
    "Convolutional autoencoder of T1w brains in template space with {k} numbers in its code, which "
    "is learnt without ages and sexes; {told} from the code by straight lines."
)
REFERENCES = (
    "Hinton, G. & Salakhutdinov, R. (2006). Reducing the dimensionality of data with neural "
    "networks, doi:10.1126/science.1127647",
    "Vincent, P. et al. (2010). Stacked denoising autoencoders, Journal of Machine Learning "
    "Research 11, 3371-3408",
)
CAVEAT = (
    "The code was learnt without ages and holds what makes brains vary most, scanners before age: "
    "networks that learn ages themselves err less. Use it for its code, its decoded brains and for "
    "comparison."
)
NOTE = (
    "Of people left out in turn, by networks and lines that saw nothing of them; mae_median is the "
    "error of guessing their median age. Errors of rebuilt brains are shares of the error of the "
    "mean brain."
)
FEW = (
    "{n} people: scores are uncertain by several years and tens of percent, and small differences "
    "between rows mean nothing."
)
MIDDLES = "Ages were told in bins, whose middles were learnt."
FEWEST = 200
FAILURES = (
    "Another scanner, another processing of the images and motion change the code, and look like "
    "age and sex.",
    "Ages outside those of the training, and brains with tumours, large strokes, surgery or "
    "malformations, are unknown to it.",
)
ETHICS = (
    "Not for judging a single person: use on one person, in care, insurance, work or courts, is "
    "not supported. A gap is no measure of health, ability or worth, and no diagnosis.",
    "Sex is the binary label that the datasets record.",
)


def left_out(brains: Brains, folds: Sequence[FoldResult]) -> tuple[np.ndarray, np.ndarray]:
    """Ages in years and female logits that the networks of the folds told; each (n,)."""
    age, logit = np.full(len(brains), np.nan), np.full(len(brains), np.nan)
    for fold in folds:
        age[fold.test], logit[fold.test] = fold.age, fold.logit
    return age, logit


def rebuilding(folds: Sequence[FoldResult]) -> dict[str, tuple[float, float]]:
    """Error of rebuilt unseen brains over that of the mean brain: mean over people, SD over folds.

    Keys are those of `FoldResult.errors` without the mean brain's own.
    """
    found = {}
    for name in folds[0].errors:
        kind, _, blocks = name.partition(" ")
        if kind == "mean":
            continue
        base = f"mean {blocks}".strip()
        each = [float(f.errors[name].sum() / f.errors[base].sum()) for f in folds]
        total = sum(float(f.errors[name].sum()) for f in folds)
        share = total / sum(float(f.errors[base].sum()) for f in folds)
        found[name] = (share, float(np.std(each, ddof=1)) if len(each) > 1 else float("nan"))
    return found


def make_card(
    options: AeganOptions,
    recipe: ImageAutoencoderRecipe,
    network: ImageAutoencoder,
    brains: Brains,
    folds: Sequence[FoldResult],
) -> ModelCard:
    """Collect the card; the hash of the weights is set on saving."""
    known = known_of(brains)
    age, logit = left_out(brains, folds)
    metrics: dict[str, Any] = {"note": " ".join(_notes(brains))}
    bias: dict[str, dict[str, float]] = {}
    intervals: dict[str, dict[str, Any]] = {}
    told = []
    if (told_age := np.isfinite(age) & np.isfinite(known.age)).any():
        told.append("age")
        metrics["age"] = _rounded(scores(known.age[told_age], age[told_age]))
        line = fit_bias(known.age, age)
        bias[MODALITY] = {"slope": line.slope, "intercept": line.intercept}
        if (limits := fit_intervals(known.age[told_age], age[told_age])) is not None:
            intervals[MODALITY] = limits.as_dict()
    if np.isfinite(logit).any():
        told.append("sex")
        chance = 1 / (1 + np.exp(-logit))
        share = float(np.nanmean(known.female))
        majority = {"majority": max(share, 1 - share)}
        metrics["sex"] = _rounded(classification_metrics(known.female, chance) | majority)
    metrics["rebuilding"] = {k: round(v, DECIMALS) for k, (v, _) in rebuilding(folds).items()}
    config = network.config
    words = {0: "nothing is told", 1: "{} is told", 2: "{} are told"}[len(told)]
    ages = known.age[np.isfinite(known.age)]
    spec = InputSpec(
        names=(), sha256=names_hash(()), unit="medians of the brain's voxels",
        shape=config.shape, zooms=config.zooms, scaling=config.scaling,
    )  # fmt: skip
    return ModelCard(
        name=options.model_name,
        version=__version__,
        family="aegan",
        description=DESCRIPTION.format(k=config.bottleneck, told=words.format(" and ".join(told))),
        inputs={MODALITY: spec},
        training=_samples(options, brains, known.age),
        metrics=metrics,
        bias_correction=bias,
        intervals=intervals,
        age_range={MODALITY: (float(ages.min()), float(ages.max()))} if len(ages) else {},
        sha256="",
        config=config.as_dict(),
        recipe=recipe.as_dict(),
        seed=recipe.seed,
        command=options.command,
        versions=versions(PACKAGES),
        references=REFERENCES,
        failures=FAILURES,
        ethics=ETHICS,
        experimental=True,
        default=False,
        caveat=" ".join([CAVEAT, *_few(brains)]),
    )


def _notes(brains: Brains) -> list[str]:
    middles = not np.isfinite(brains.age).any() and any(brains.bins)
    return [NOTE, *([MIDDLES] if middles else []), *_few(brains)]


def _few(brains: Brains) -> list[str]:
    n = len(set(brains.labels))
    return [FEW.format(n=n)] if n < FEWEST else []


def _samples(options: AeganOptions, brains: Brains, age: np.ndarray) -> tuple[TrainingSample, ...]:
    """One sample for each folder that people are from, of those whose age is known."""
    source = options.data[0].resolve().name
    names = np.array([label.rpartition("/")[0] or source for label in brains.labels])
    found = []
    for name in dict.fromkeys(names):
        who = (names == name) & np.isfinite(age)
        if who.any():
            found.append(TrainingSample(
                dataset=str(name), n=int(who.sum()),
                n_female=int((brains.female[who] == 1).sum()),
                n_male=int((brains.female[who] == 0).sum()),
                age_min=float(age[who].min()), age_median=float(np.median(age[who])),
                age_max=float(age[who].max()), sites={str(name): int(who.sum())},
            ))  # fmt: skip
    return tuple(found)


def _rounded(values: Mapping[str, float]) -> dict[str, float]:
    return {name: round(float(value), DECIMALS) for name, value in values.items()}
