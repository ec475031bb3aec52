"""What measures, and codes of an autoencoder of measures, know of age and sex, on unseen sites."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from bids_brainage.bids.outputs import write_tsv
from bids_brainage.errors import UsageError
from bids_brainage.training.aegan import AeganOptions
from bids_brainage.training.autoencoder.class_models import MODELS
from bids_brainage.training.autoencoder.class_scores import Score
from bids_brainage.training.autoencoder.class_table import (
    bins_note,
    markdown_table,
    with_spread,
    write_scores,
)
from bids_brainage.training.autoencoder.classify import SEX, Labels, feature_table
from bids_brainage.training.autoencoder.components import write_components
from bids_brainage.training.autoencoder.image_heads import middles
from bids_brainage.training.autoencoder.importance import (
    clusters_of,
    rank_correlation,
    write_importance,
)
from bids_brainage.training.autoencoder.morphometry_features import (
    AUTOENCODER,
    HEAD,
    INITIAL,
    KINDS,
    LATENT,
    MEAN,
    RELATIVE,
    TARGETS_OF,
    Fold,
    makers,
)
from bids_brainage.training.autoencoder.morphometry_fit import (
    COLUMNS,
    best_rates,
    train_autoencoder,
)
from bids_brainage.training.autoencoder.morphometry_folds import (
    TRAINING,
    reconstruction,
    train_folds,
)
from bids_brainage.training.autoencoder.morphometry_people import People, load_people
from bids_brainage.training.autoencoder.recipe import MorphometryRecipe
from bids_brainage.training.segmentation.train import write_log

WITHOUT = "without straight lines"
PLAIN = f"{LATENT} {WITHOUT}"
PLAIN_NOTE = (
    " The autoencoder without straight lines starts at random, and was not trained again on the "
    "sites that told it when to stop."
)
Rebuilt = Mapping[str, Mapping[str, tuple[float, float]]]
TITLE = "What measures and codes of an autoencoder know of age and sex"
NOTES = (
    "Values are over all people out of their folds, ± the standard deviation over the folds. "
    "Scaling, autoencoder, components and the settings of the simple models are chosen within "
    "the training people of each fold.",
    "Sex goes with head size: `head size alone` is one number, and `relative to head size` are "
    "thicknesses and volumes divided by it. The AUC over all people also counts that samples "
    "differ in sex ratio; that within samples does not.",
)


def run_crossval(options: AeganOptions, progress: Callable[[str], None]) -> Path:
    """Score simple models on measures, codes and principal components, and write the tables.

    Returns
    -------
    Path
        Folder with ``crossval.md``, ``crossval.tsv``, ``reconstruction.tsv``,
        ``importance.tsv``, ``components.tsv`` and ``training.csv``.

    Raises
    ------
    UsageError
        If a row is asked for that does not exist.
    """
    recipe = options.recipe or MorphometryRecipe()
    kinds, models = _wanted(options.only)
    people = load_people(options.data, options.bins, options.age_codes)
    folds = people.folds(options.n_folds)
    folder = options.output
    checkpoints = folder / "checkpoint"
    progress(f"{len(people)} people, {len(people.names)} measures, {options.n_folds} folds")
    trained, course = train_folds(
        people, folds, recipe, checkpoints,
        resume=options.resume, device=options.device, progress=progress,
    )  # fmt: skip
    module, rows = train_autoencoder(
        people, np.ones(len(people), bool), recipe, checkpoints / "everyone", part="everyone",
        rates=best_rates(course),
        resume=options.resume, device=options.device, progress=progress,
    )  # fmt: skip
    write_log(folder / TRAINING, [*course, *rows], COLUMNS)
    everyone = Fold(module, people, np.ones(len(people), bool))
    write_components(
        folder, {INITIAL: everyone.initial, LATENT: everyone.latent},
        people.table.female, ages_of(people),
    )  # fmt: skip
    clusters = _importance(folder, people, trained, recipe.seed)
    progress(f"importance of {clusters} groups of measures")
    rebuilt = reconstruction(trained)
    has_head = bool(module.config.measures.reference)
    usable = tuple(k for k in kinds if has_head or k not in (RELATIVE, HEAD))
    features = makers(trained, tuple(k for k in usable if k in KINDS))
    if PLAIN in usable and recipe.shortcut and recipe.hidden:
        plain, course = train_folds(
            people, folds, recipe.changed(shortcut=False), checkpoints,
            name="plain fold", whole=False,
            resume=options.resume, device=options.device, progress=progress,
        )  # fmt: skip
        write_log(folder / "training_plain.csv", course, COLUMNS)
        features[PLAIN] = makers(plain, (LATENT,))[LATENT]
        rebuilt[f"{AUTOENCODER} {WITHOUT}"] = reconstruction(plain)[AUTOENCODER]
    _write_reconstruction(folder / "reconstruction.tsv", rebuilt)
    scores = feature_table(
        features, labels_of(people, folds), targets=TARGETS_OF, models=models, seed=recipe.seed,
        folder=folder / "rows", resume=options.resume, progress=progress,
    )  # fmt: skip
    notes = (_sample_note(people, options.n_folds), *NOTES, bins_note(people.codes, people.bins),
             *_head_note(scores))  # fmt: skip
    write_scores(folder, scores, TITLE, notes, _reconstruction_section(rebuilt, recipe))
    return folder


def labels_of(people: People, folds: np.ndarray) -> Labels:
    """Return what is to be told of people; sites are kept together in the inner folds too."""
    table = people.table
    groups = table.sites
    if len(np.unique(groups)) < 2:
        groups = table.participants
    return Labels(
        age=table.age, female=table.female, codes=people.codes, bins=people.bins, folds=folds,
        groups=groups, samples=table.datasets,
    )  # fmt: skip


def _wanted(only: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Kinds of features and models that are asked for; all of them by default."""
    kinds = (*KINDS[:2], PLAIN, *KINDS[2:])
    if unknown := [name for name in only if name not in (*kinds, *MODELS)]:
        raise UsageError(f"no row '{unknown[0]}'", hint=f"rows are {', '.join((*kinds, *MODELS))}")
    return (
        tuple(kind for kind in kinds if kind in only) or kinds,
        tuple(model for model in MODELS if model in only) or tuple(MODELS),
    )


def ages_of(people: People) -> np.ndarray:
    """Return years, or the middle of the bin where only that is known."""
    names = np.array([*people.bins, ""], dtype=object)[people.codes]
    return np.where(np.isfinite(people.table.age), people.table.age, middles(names))


def _importance(folder: Path, people: People, folds: Mapping[int, Fold], seed: int) -> int:
    """Write the importance of groups of measures; return how many there are.

    The groups are found from the training people of every fold, without ages and sexes; that each
    fold's numbers have the same groups, their correlations are averaged.
    """
    correlation = np.mean(
        [rank_correlation(people.raw[fold.training]) for fold in folds.values()], axis=0
    )
    clusters = clusters_of(correlation)
    found = [
        (fold.importance(clusters, seed), int((~fold.training).sum())) for fold in folds.values()
    ]
    whole = [(told, n) for told, n in found if told.keys() == found[0][0].keys()]
    write_importance(folder / "importance.tsv", people.names, clusters, whole)
    return len(clusters)


def _sample_note(people: People, n_folds: int) -> str:
    sites = np.unique(people.table.sites.astype(str))
    if any("/family-" in site for site in sites):
        kept = f"keep {len(sites)} families together"
    elif len(sites) >= n_folds:
        kept = f"keep {len(sites)} sites together: nobody's site is known to who tells"
    else:
        kept = "deal people out one by one, as there are fewer sites than folds"
    return f"{len(people)} people with {len(people.names)} measures; {n_folds} folds {kept}."


def _head_note(scores: Sequence[Score]) -> list[str]:
    def best(features: str) -> float:
        return max(
            (s.value for s in scores if s.features == features and s.target == SEX
             and s.metric == "auc_within_samples"), default=float("nan"),
        )  # fmt: skip

    head, relative, initial = best(HEAD), best(RELATIVE), best(INITIAL)
    if not np.isfinite([head, relative, initial]).all():
        return []
    return [
        f"Within samples the best AUC for sex is {initial:.3f} from all measures, {head:.3f} from "
        f"head size alone and {relative:.3f} relative to head size."
    ]


def _write_reconstruction(path: Path, rebuilt: Rebuilt) -> None:
    rows = [
        {"rebuilt_by": name, "people": people, "error": round(value, 5), "sd": round(sd, 5)}
        for name, errors in rebuilt.items()
        for people, (value, sd) in errors.items()
    ]
    write_tsv(path, rows, ("rebuilt_by", "people", "error", "sd"))


def _reconstruction_section(rebuilt: Rebuilt, recipe: MorphometryRecipe) -> list[str]:
    base = rebuilt[MEAN]["unseen"][0]
    rows = [
        [
            name,
            with_spread(*errors["training"], 3),
            with_spread(*errors["unseen"], 3),
            f"{1 - errors['unseen'][0] / base:.1%}",
        ]
        for name, errors in rebuilt.items()
    ]
    table = markdown_table(
        ["rebuilt by", "error, training people", "error, unseen", "variance told, unseen"], rows
    )
    return [
        "## Rebuilt features",
        f"Mean squared error of known scaled features with {recipe.bottleneck} numbers per person."
        + (PLAIN_NOTE if f"{AUTOENCODER} {WITHOUT}" in rebuilt else ""),
        table,
    ]
