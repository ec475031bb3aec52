"""Card of a trained autoencoder of measures."""

from dataclasses import replace
from typing import Any

import numpy as np

from bids_brainage import __version__
from bids_brainage.evaluation.bias import fit_bias
from bids_brainage.evaluation.metrics import classification_metrics
from bids_brainage.models.cards import ModelCard
from bids_brainage.models.morphometry_autoencoder import MODALITY, MorphometryAutoencoder
from bids_brainage.training.autoencoder.morphometry_people import People
from bids_brainage.training.autoencoder.recipe import MorphometryRecipe
from bids_brainage.training.card_words import with_words
from bids_brainage.training.mavae_card import (
    FOLDS_NOTE,
    PACKAGES,
    input_spec,
    out_of_fold_metrics,
)
from bids_brainage.training.samples import describe_samples
from bids_brainage.training.trust import card_intervals, cross_fitted_chance, sex_line
from bids_brainage.training.versions import versions

DESCRIPTION = (
    "Autoencoder of {p} FreeSurfer measures with {b} numbers in its code, which is learnt without "
    "ages and sexes; {told} from the code by a straight line."
)
REFERENCES = (
    "Hinton, G. & Salakhutdinov, R. (2006). Reducing the dimensionality of data with neural "
    "networks, doi:10.1126/science.1127647",
    "Vincent, P. et al. (2010). Stacked denoising autoencoders, Journal of Machine Learning "
    "Research 11, 3371-3408",
)
CAVEAT = (
    "The code was learnt without ages and holds what makes measures vary most, which is mostly "
    "not age: models that learn ages themselves, such as mavae, err less. Use it for its code and "
    "for comparison."
)
CODE_PURPOSE = "To stand for the measures where few numbers per person are wanted."
SEX_NOTE = "Sex alone, as the training table tells ages in bins only. "


def make_card(
    people: People,
    module: MorphometryAutoencoder,
    predictions: tuple[np.ndarray, np.ndarray],
    folds: np.ndarray,
    recipe: MorphometryRecipe,
    errors: dict[str, float],
    *,
    name: str,
    command: str,
) -> ModelCard:
    """Collect the card of a trained model; the hash of the weights is set on saving.

    Parameters
    ----------
    predictions
        Out-of-fold log ages and female logits of the training people.
    folds
        Fold of each person.
    errors
        Mean squared errors of unseen people's features by what rebuilds them.
    """
    table = people.table
    log_age, logit = predictions
    years = bool(np.isfinite(log_age).any())
    bias: dict[str, dict[str, float]] = {}
    ages: dict[str, tuple[float, float]] = {}
    intervals: dict[str, dict[str, Any]] = {}
    if years:
        line = fit_bias(table.age, np.exp(log_age))
        bias[MODALITY] = {"slope": line.slope, "intercept": line.intercept}
        ages[MODALITY] = (float(np.nanmin(table.age)), float(np.nanmax(table.age)))
        known = np.isfinite(table.age) & np.isfinite(log_age)
        if found := card_intervals(table.age[known], np.exp(log_age[known]), table.sites[known]):
            intervals[MODALITY] = found
    slope, intercept = sex_line(table.female, logit)
    told = [word for word, known in (("age", years), ("sex", np.isfinite(logit).any())) if known]
    verb = {0: "nothing is told", 1: "{} is read", 2: "{} are read"}[len(told)]
    card = ModelCard(
        name=name,
        version=__version__,
        family="aegan",
        description=DESCRIPTION.format(
            p=len(people.names), b=module.config.bottleneck, told=verb.format(" and ".join(told))
        ),
        inputs={MODALITY: input_spec(table, MODALITY)},
        training=_samples(people),
        metrics={
            "note": FOLDS_NOTE if years else SEX_NOTE,
            MODALITY: _metrics(people, predictions, folds),
            "reconstruction": {k: round(v, 4) for k, v in errors.items()},
        },
        bias_correction=bias,
        intervals=intervals,
        sex_line={MODALITY: {"slope": round(slope, 4), "intercept": round(intercept, 4)}},
        age_range=ages,
        sha256="",
        config=module.config.as_dict(),
        recipe=recipe.as_dict(),
        seed=recipe.seed,
        command=command,
        versions=versions(PACKAGES),
        references=REFERENCES,
        default=False,
        caveat=CAVEAT,
    )
    card = with_words(card)
    return card if years else replace(card, purpose=CODE_PURPOSE)


def _samples(people: People) -> tuple[Any, ...]:
    table = people.table
    known = np.isfinite(table.age)
    # Without ages in years there is no range of ages to describe.
    return describe_samples(table.subset(known)) if known.any() else ()


def _metrics(
    people: People, predictions: tuple[np.ndarray, np.ndarray], folds: np.ndarray
) -> dict[str, Any]:
    table = people.table
    rows = np.isfinite(predictions[0]) & np.isfinite(table.age)
    if rows.any():
        scored = (predictions[0][rows], predictions[1][rows])
        everyone = np.ones(int(rows.sum()), bool)
        return out_of_fold_metrics(table.subset(rows), scored, everyone, folds[rows])
    if not np.isfinite(predictions[1]).any():
        return {}
    chance = cross_fitted_chance(table.female, predictions[1], folds)
    found = classification_metrics(table.female, chance)
    return {"out_of_fold": {f"sex_{k}": round(float(found[k]), 4) for k in ("accuracy", "auc")}
            | {"n": int(found["n"])}}  # fmt: skip
