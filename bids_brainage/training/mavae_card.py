"""Card of a trained M-AVAE: what it takes, whom it was trained on, and how well it does."""

from typing import Any

import numpy as np

from bids_brainage import __version__
from bids_brainage.evaluation.bias import fit_bias
from bids_brainage.evaluation.metrics import classification_metrics, regression_metrics
from bids_brainage.models.cards import COMBINATIONS, InputSpec, ModelCard, names_hash
from bids_brainage.models.mavae import Mavae
from bids_brainage.models.mavae_core import MODALITIES
from bids_brainage.training.card_words import with_words
from bids_brainage.training.recipe import Recipe
from bids_brainage.training.rows import INPUTS, Predictions
from bids_brainage.training.samples import describe_samples
from bids_brainage.training.tables import TrainingTable
from bids_brainage.training.trust import (
    card_intervals,
    cross_fitted_chance,
    cross_fitted_limits,
    interval_scores,
    sex_line,
)
from bids_brainage.training.versions import versions

COMBINED = dict(zip(COMBINATIONS, INPUTS, strict=True))
PACKAGES = ("numpy", "scikit-learn", "torch", "safetensors")
DESCRIPTION = (
    "Multimodal adversarial variational autoencoder: brain age and sex from FreeSurfer "
    "morphometry, from resting-state connectivity, or from both."
)
REFERENCES = (
    "Usman, M. et al. (2024). Advancing multimodal brain age and sex prediction with an "
    "adversarial variational autoencoder (M-AVAE), arXiv:2411.10100",
    "Makhzani, A. et al. (2016). Adversarial autoencoders, arXiv:1511.05644",
    "Wolpert, D. (1992). Stacked generalization, doi:10.1016/S0893-6080(05)80023-1",
)
FOLDS_NOTE = (
    "Uncorrected predictions of people whose site the model had not seen; people of samples with "
    "a single site (for the public tables nki and aomic_piop2) are of a site, but not themselves, "
    "seen. mae_median: guessing the sample's own median age."
)


def make_card(
    table: TrainingTable,
    module: Mavae,
    predictions: Predictions,
    folds: np.ndarray,
    recipe: Recipe,
    *,
    name: str,
    command: str,
    parent: ModelCard | None = None,
) -> ModelCard:
    """Collect the card of a trained model; the hash of the weights is set on saving.

    Parameters
    ----------
    predictions
        Out-of-fold log ages and female logits of the training people.
    folds
        Fold of each person.
    recipe
        Options of the training.
    name
        Name of the model.
    command
        Command that trains it again.
    parent
        Card of the model that was fine-tuned.
    """
    bias, ages, intervals, lines = {}, {}, {}, {}
    trained = _trained_modalities(table, recipe, parent)
    combinations = {
        c: inputs for c, inputs in COMBINED.items() if set(c.split("+")) <= set(trained)
    }
    for combination, inputs in combinations.items():
        people = _usable(table, inputs)
        if not people.any():
            continue
        ages[combination] = (float(table.age[people].min()), float(table.age[people].max()))
        if (~np.isnan(predictions[inputs][0])).any():
            predicted = np.exp(predictions[inputs][0])
            line = fit_bias(table.age, predicted)
            bias[combination] = {"slope": line.slope, "intercept": line.intercept}
            slope, intercept = sex_line(table.female, predictions[inputs][1])
            lines[combination] = {"slope": round(slope, 4), "intercept": round(intercept, 4)}
            if found := card_intervals(table.age, predicted, table.sites):
                intervals[combination] = found
    if parent is not None:
        bias, ages = parent.bias_correction | bias, parent.age_range | ages
        intervals = parent.intervals | intervals
        lines = parent.sex_line | lines
    return with_words(ModelCard(
        name=name,
        version=__version__,
        family="mavae",
        description=DESCRIPTION + (f" Fine-tuned from {parent.name}." if parent else ""),
        inputs=parent.inputs if parent else {m: input_spec(table, m) for m in trained},
        training=(*(parent.training if parent else ()), *describe_samples(table)),
        metrics={"note": FOLDS_NOTE} | {
            c: out_of_fold_metrics(table, predictions[inputs], _usable(table, inputs), folds)
            for c, inputs in combinations.items()
        },
        bias_correction=bias,
        intervals=intervals,
        sex_line=lines,
        age_range=ages,
        sha256="",
        config=module.config.as_dict(),
        recipe=recipe.as_dict(),
        seed=recipe.seed,
        command=command,
        versions=versions(PACKAGES),
        references=REFERENCES,
    ))  # fmt: skip


def _trained_modalities(
    table: TrainingTable, recipe: Recipe, parent: ModelCard | None
) -> tuple[str, ...]:
    """Modalities whose networks were trained; the card lists only these, so only these are used."""
    if parent is not None:
        return tuple(parent.inputs)
    wanted = (recipe.single_modality,) if recipe.single_modality else MODALITIES
    return tuple(name for name in wanted if table.has(name).any())


def input_spec(table: TrainingTable, modality: str) -> InputSpec:
    """Describe one modality of a table: names in order, units, typical values."""
    names = table.names[modality]
    connectivity = modality == "connectivity" and table.kind == "bids"
    typical = {}
    if not connectivity and table.has(modality).any():
        values = table.measures[modality]
        measured = np.flatnonzero(~np.isnan(values).all(axis=0))
        middle = np.nanmedian(values[table.has(modality)][:, measured], axis=0)
        typical = dict.fromkeys(names, float("nan"))
        typical |= {names[i]: float(f"{v:.6g}") for i, v in zip(measured, middle, strict=True)}
    return InputSpec(
        names=names,
        sha256=names_hash(names),
        unit="Pearson correlation" if connectivity else (
            "mm (thickness), mm3 (volume)" if table.kind == "bids" else ""
        ),
        atlas=table.atlas if connectivity else "",
        denoising=table.denoising if connectivity else "",
        regions=table.regions if connectivity else (),
        typical=typical,
    )  # fmt: skip


def _usable(table: TrainingTable, name: str) -> np.ndarray:
    return table.has_both() if name == "both" else table.has(name)


def out_of_fold_metrics(
    table: TrainingTable,
    predictions: tuple[np.ndarray, np.ndarray],
    people: np.ndarray,
    folds: np.ndarray,
) -> dict[str, Any]:
    """Score uncorrected out-of-fold predictions: pooled, per sample, site and decade."""
    known = people & ~np.isnan(predictions[0])
    if not known.any():
        return {}
    chance = cross_fitted_chance(table.female, predictions[1], folds)
    limits = cross_fitted_limits(table.age, np.exp(predictions[0]), table.sites, folds)

    def score(rows: np.ndarray) -> dict[str, float]:
        ages = regression_metrics(table.age[rows], np.exp(predictions[0][rows]))
        sexes = classification_metrics(table.female[rows], chance[rows])
        # Lines that differ between folds would change the order of people.
        sexes["auc"] = classification_metrics(table.female[rows], predictions[1][rows])["auc"]
        both = ages | {f"sex_{k}": v for k, v in sexes.items() if k in ("accuracy", "auc")}
        known_sex = rows & np.isfinite(table.female)
        truth, told = table.female[known_sex], chance[known_sex]
        both["sex_balanced_accuracy"] = float(np.mean(
            [((told >= 0.5) == truth)[truth == sex].mean() for sex in np.unique(truth)]
        )) if truth.size else float("nan")  # fmt: skip
        both["sex_brier"] = float(np.square(told - truth).mean()) if truth.size else float("nan")
        return {k: round(v, 4) for k, v in both.items()}

    return {
        "out_of_fold": score(known),
        "per_dataset": {str(d): score(known & (table.datasets == d))
                        for d in np.unique(table.datasets[known])},
        "per_site": {str(s): score(known & (table.sites == s))
                     for s in np.unique(table.sites[known])},
        "per_decade": decade_errors(table.age[known], np.exp(predictions[0][known])),
        "interval": interval_scores(table.age, limits, table.datasets),
    }  # fmt: skip


def decade_errors(age: np.ndarray, predicted: np.ndarray) -> dict[str, dict[str, float]]:
    """Mean absolute error and mean error in years, by decade of age.

    Parameters
    ----------
    age, predicted
        Years; shape (n,), without NaN.
    """
    error, decades = predicted - age, (age // 10 * 10).astype(int)
    return {
        str(decade): {
            "n": int((decades == decade).sum()),
            "mae": round(float(np.abs(error[decades == decade]).mean()), 4),
            "bias": round(float(error[decades == decade].mean()), 4),
        }
        for decade in np.unique(decades)
    }
