"""Cross-validation of the autoencoder of brains: what voxels, components and codes tell."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bids_brainage.errors import UsageError
from bids_brainage.training.aegan import AeganOptions
from bids_brainage.training.autoencoder.brains import Brains, load_brains
from bids_brainage.training.autoencoder.class_scores import Score, score_ages, score_sexes
from bids_brainage.training.autoencoder.class_table import (
    bins_note,
    markdown_table,
    with_spread,
    write_scores,
)
from bids_brainage.training.autoencoder.classify import AGE, SEX, Labels, feature_table
from bids_brainage.training.autoencoder.image_card import left_out, rebuilding
from bids_brainage.training.autoencoder.image_features import (
    BLOCK,
    CODES,
    HEAD,
    PLAIN,
    WITHOUT,
    labels_of,
    makers,
)
from bids_brainage.training.autoencoder.image_fit import EPOCH_COLUMNS
from bids_brainage.training.autoencoder.image_folds import FoldResult, run_folds
from bids_brainage.training.autoencoder.image_heads import PENALTIES
from bids_brainage.training.autoencoder.image_recipe import ImageAutoencoderRecipe
from bids_brainage.training.segmentation.train import write_log

TITLE = "Autoencoder of brains"
OWN = "the model's own lines"
NAMES = {
    "autoencoder": "autoencoder",
    "components": "principal components",
}
FEW = 200


def run_crossval(options: AeganOptions, progress: Callable[[str], None]) -> Path:
    """Leave people out in turn and write ``crossval.md``, ``crossval.tsv`` and ``training.csv``.

    Finished folds stay in the folder ``folds`` and are used again with ``resume``.

    Returns
    -------
        The folder.

    Raises
    ------
    UsageError
        If a row is asked for that is none.
    """
    recipe = options.recipe or ImageAutoencoderRecipe()
    brains = load_brains(options)
    known = list(makers(brains, [], recipe.bottleneck))
    if unknown := sorted(set(options.only) - set(known)):
        raise UsageError(f"no row {', '.join(unknown)}", hint=f"rows are {', '.join(known)}")
    progress(f"{len(brains)} brains")
    folds = run_folds(
        brains, options.n_folds, recipe, options.output / "folds",
        device=options.device, resume=options.resume, progress=progress,
    )  # fmt: skip
    labels = labels_of(brains, folds, options.bins)
    features = makers(brains, folds, recipe.bottleneck)
    wanted = {k: v for k, v in features.items() if not options.only or k in options.only}
    scores = feature_table(
        wanted, labels, seed=recipe.seed, folder=options.output / "folds" / "told",
        resume=options.resume, progress=progress,
    )  # fmt: skip
    if not options.only or CODES in options.only:
        scores += own_scores(brains, folds, labels, recipe)
    rows = [
        [f"fold {number}", *row[1:]]
        for number, fold in enumerate(folds, start=1)
        for row in fold.course
    ]
    write_log(options.output / "training.csv", rows, EPOCH_COLUMNS)
    sections = [rebuilding_section(folds)]
    if np.isfinite(brains.head).all():
        sections.append(head_section(brains, folds, recipe.bottleneck))
    write_scores(options.output, scores, TITLE, notes(brains, labels, recipe, len(folds)), sections)
    return options.output


def own_scores(
    brains: Brains, folds: Sequence[FoldResult], labels: Labels, recipe: ImageAutoencoderRecipe
) -> list[Score]:
    """Scores of what the models of the folds tell themselves."""
    age, logit = left_out(brains, folds)
    chance = 1 / (1 + np.exp(-logit))
    name = CODES if recipe.head_size == "kept" else f"{CODES}, told head size out"
    width = folds[0].codes.shape[1]
    scores: list[Score] = []
    use = np.isfinite(brains.age) & np.isfinite(age)
    if use.any():
        found = score_ages(brains.age[use], age[use], labels.folds[use])
        scores += [
            Score(name, width, OWN, AGE, "", metric, value, sd, int(use.sum()))
            for metric, (value, sd) in found.items()
        ]
    use = np.isfinite(brains.female) & np.isfinite(chance)
    if use.any():
        found = score_sexes(brains.female[use], chance[use], labels.folds[use], labels.samples[use])
        scores += [
            Score(name, width, OWN, SEX, "", metric, value, sd, int(use.sum()))
            for metric, (value, sd) in found.items()
        ]
    return scores


def notes(
    brains: Brains, labels: Labels, recipe: ImageAutoencoderRecipe, n_folds: int
) -> list[str]:
    """Paragraphs before the tables."""
    people = len(set(brains.labels))
    found = [
        f"{len(brains)} brains of {people} people in {n_folds} folds by person. Networks, "
        "components, scaling and penalties are fitted on the training people of each fold; values "
        "are over all people left out, ± the standard deviation over folds.",
        f"Features: voxels are means of blocks of {BLOCK} voxels a side where every training "
        "person has brain; components are the principal components of all voxels, as many as the "
        f"code has numbers ({recipe.bottleneck}) or as there can be; codes are those of the "
        "autoencoder, which saw no ages and sexes.",
        bins_note(labels.codes, labels.bins),
    ]
    if np.isfinite(brains.head).all():
        found.append(
            f"Features '{WITHOUT}' have taken out of them what tells the size of the head "
            "(intracranial volume) by a straight line that was fitted on training people; 'told "
            "head size out' is the same in the model itself. To take the measured size out of each "
            "number instead brings it in: numbers that hardly differ between people are then "
            "little else than the size (doi:10.1093/gigascience/giad071). "
            f"'{HEAD}' is the measured size and nothing else."
        )
    if people < FEW:
        found.append(
            f"What {people} people cannot show: with some {people // n_folds} in a test fold, an "
            "accuracy is uncertain by ten percent and more and an error by a year and more, so "
            "that rows which differ by less are equal. An AUC below 0.5 means that nothing is "
            "told: where more women are left out, fewer are trained on, and are thought rarer. "
            "Whether codes lose what voxels tell, or whether more people would make the network "
            "better than components, is not settled."
        )
    return found


def rebuilding_section(folds: Sequence[FoldResult]) -> str:
    """How well unseen brains are rebuilt."""
    found = rebuilding(folds)
    counts = {
        "autoencoder": str(folds[0].codes.shape[1]),
        "components": f"{np.mean([fold.n_components for fold in folds]):.0f}",
    }
    rows = [["mean brain", "0", "1", "1"]]
    rows += [
        [NAMES[name], counts[name], with_spread(*found[name], 3),
         with_spread(*found[f"{name} by blocks"], 3)]
        for name in NAMES
    ]  # fmt: skip
    base = np.concatenate([fold.errors["mean"] for fold in folds]).mean()
    text = (
        "## Rebuilding people left out\n\nSquared error over voxels with brain and over means of "
        "blocks of 4 voxels a side, as a share of the error of the training people's mean brain "
        f"(by voxels {base:.5f} of the squared median of a brain)."
    )
    table = markdown_table(["rebuilt by", "numbers", "error by voxels", "error by blocks"], rows)
    return f"{text}\n\n{table}"


def head_section(brains: Brains, folds: Sequence[FoldResult], bottleneck: int) -> str:
    """How much of the size of heads is left in images, and how well features tell it."""
    filled = np.array([(brains.block([row]) != 0).mean() for row in range(len(brains))])
    spreads = [float(values.std() / values.mean()) for values in (brains.head, filled)]
    men, women = brains.female == 0, brains.female == 1
    rows = []
    features = makers(brains, folds, bottleneck)
    for name in PLAIN:
        told = np.full(len(brains), np.nan)
        for fold in folds:
            seen, unseen = features[name](fold.training, fold.test)
            model = make_pipeline(StandardScaler(), RidgeCV(PENALTIES))
            told[fold.test] = model.fit(seen, brains.head[fold.training]).predict(unseen)
        r = float(np.corrcoef(told, brains.head)[0, 1])
        rows.append([name, f"{r:.2f}", f"{1 - _share(brains.head, told):.2f}"])
    text = (
        "## Size of the head\n\nThe standard deviation of the measured size is "
        f"{spreads[0]:.1%} of its mean (women {brains.head[women].mean() / 1000:.0f} cm3, men "
        f"{brains.head[men].mean() / 1000:.0f} cm3); that of the number of voxels with brain in "
        f"the images {spreads[1]:.1%}. What is left of size is in the shape and brightness that "
        "registration leaves, and features tell it for people left out, by a ridge, as follows."
    )
    return f"{text}\n\n{markdown_table(['features', 'r', 'variance told'], rows)}"


def _share(truth: np.ndarray, told: np.ndarray) -> float:
    return float(np.square(truth - told).mean() / truth.var())
