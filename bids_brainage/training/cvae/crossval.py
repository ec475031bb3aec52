"""Ages told by inversion beside those of plain regressions, on people of unseen sites."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bids_brainage.errors import OutputError, UsageError
from bids_brainage.models.cvae import MODALITY
from bids_brainage.training.array_files import BROKEN
from bids_brainage.training.baselines import FAMILIES, feature_matrix, fit_predict
from bids_brainage.training.checkpoints import fingerprint
from bids_brainage.training.cvae.fit import EPOCH_COLUMNS, train_cvae
from bids_brainage.training.cvae.gaussian import invert_gaussian
from bids_brainage.training.cvae.people import deviations, load_people, told_ages, trainable
from bids_brainage.training.cvae.recipe import CvaeRecipe
from bids_brainage.training.cvae.table import write_tables
from bids_brainage.training.kept_rows import read_row, write_row
from bids_brainage.training.rows import Predictions, empty_predictions
from bids_brainage.training.segmentation.train import write_log
from bids_brainage.training.tables import TrainingTable

logger = logging.getLogger(__name__)
MAIN, LIKELIEST = "cvae", "likeliest"
LABELS = {
    "median": "guess the median, and the majority's sex",
    **{slug: family.label for slug, family in FAMILIES.items()},
    "gaussian": "Gaussian of measures given age and sex, inverted",
    "density": "CVAE trained by the density alone",
    "single": "CVAE of one member",
    MAIN: "CVAE",
    LIKELIEST: "CVAE, most likely age",
}
NETWORKS: dict[str, dict[str, Any]] = {
    "density": {"contrast": 0.0},
    "single": {"members": 1},
    MAIN: {},
}
# Rows that come of one training.
SHOWN_WITH = {MAIN: (MAIN, LIKELIEST)}
DEVIATIONS = "rows/deviations.npy"
Progress = Callable[[str], None]


@dataclass(frozen=True)
class CvaeOptions:
    """Options of a training or a cross-validation.

    Parameters
    ----------
    data
        Folder with a training table, see `bids_brainage.training.sources.load_table`.
    output
        Folder of the model, or of the tables.
    recipe
        Options of the training.
    name
        Name of the model; the output folder's name by default.
    n_folds
        Site-grouped folds.
    resume
        Go on from what an earlier run left in the output.
    command
        Command line that ran, for the card.
    only
        Rows of the cross-validation; all by default.
    """

    data: Path
    output: Path
    recipe: CvaeRecipe = field(default_factory=CvaeRecipe)
    name: str = ""
    n_folds: int = 5
    resume: bool = False
    command: str = ""
    only: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.output.resolve() == self.data.resolve():
            raise UsageError("the output is the folder of the data", place=self.output,
                             hint="choose another with --output")  # fmt: skip


def run_crossval(options: CvaeOptions, progress: Progress = logger.info) -> Path:
    """Run it and write ``crossval.tsv``, ``crossval.md``, ``deviations.tsv`` and more.

    Returns
    -------
        The folder.

    Raises
    ------
    UsageError
        If a row does not exist or there are too few folds.
    """
    if unknown := sorted(set(options.only) - set(LABELS)):
        raise UsageError(f"no row {', '.join(unknown)}", hint=f"rows are {', '.join(LABELS)}")
    if options.n_folds < 2:
        raise UsageError(f"--folds {options.n_folds}", hint="give 2 or more")
    table, folds = load_people(options.data, options.n_folds)
    results: dict[str, Predictions] = {}
    for slug, run in _rows(table, folds, options, progress).items():
        shown = SHOWN_WITH.get(slug, (slug,))
        if options.only and slug != "median" and not set(shown) & set(options.only):
            continue
        key = fingerprint(options.recipe.as_dict() if slug in NETWORKS else {}, folds, table.age,
                          table.female, table.measures[MODALITY])  # fmt: skip
        paths = {name: options.output / "rows" / f"{name}.npz" for name in shown}
        kept = {name: read_row(path, key) if options.resume else None
                for name, path in paths.items()}  # fmt: skip
        started = time.monotonic()
        found = {name: row[0] for name, row in kept.items() if row}
        if slug == MAIN and _read_deviations(options.output, table) is None:
            found = {}
        if len(found) < len(shown):
            found = run()
            seconds = time.monotonic() - started
            for name, path in paths.items():
                write_row(path, key, found[name], round(seconds, 1))
            progress(f"{LABELS[slug]}: {seconds:.0f} s")
        results |= found
    apart = _read_deviations(options.output, table) if MAIN in results else None
    write_tables(options.output, table, folds, results, LABELS, apart)
    return options.output


def _read_deviations(folder: Path, table: TrainingTable) -> np.ndarray | None:
    """Read what stands beside the main row; None without."""
    try:
        found: np.ndarray = np.load(folder / DEVIATIONS, allow_pickle=False)
    except BROKEN:
        return None
    return found if found.shape == table.measures[MODALITY].shape else None


def _rows(
    table: TrainingTable, folds: np.ndarray, options: CvaeOptions, progress: Progress
) -> Mapping[str, Callable[[], dict[str, Predictions]]]:
    rows: dict[str, Callable[[], dict[str, Predictions]]] = {
        "median": lambda: {"median": _median(table, folds)}
    }
    for slug in FAMILIES:
        rows[slug] = partial(_reference, table, folds, slug)
    rows["gaussian"] = partial(_gaussian, table, folds)
    for slug, changes in NETWORKS.items():
        recipe = options.recipe.changed(**changes)
        rows[slug] = partial(_network, table, folds, slug, recipe, options, progress)
    return rows


def _median(table: TrainingTable, folds: np.ndarray) -> Predictions:
    found = empty_predictions(len(table), (MODALITY,))
    for k in np.unique(folds):
        found[MODALITY][0][folds == k] = np.log(np.median(table.age[folds != k]))
        known = table.female[(folds != k) & np.isfinite(table.female)]
        found[MODALITY][1][folds == k] = 1.0 if known.mean() > 0.5 else -1.0
    return found


def _reference(table: TrainingTable, folds: np.ndarray, slug: str) -> dict[str, Predictions]:
    found = empty_predictions(len(table), (MODALITY,))
    features = feature_matrix(table, MODALITY)
    for k in np.unique(folds):
        train, test = np.flatnonzero(folds != k), np.flatnonzero(folds == k)
        age, score = fit_predict(slug, features, table, train, test)
        found[MODALITY][0][test], found[MODALITY][1][test] = age, score
    return {slug: found}


def _gaussian(table: TrainingTable, folds: np.ndarray) -> dict[str, Predictions]:
    found = empty_predictions(len(table), (MODALITY,))
    for k in np.unique(folds):
        test = np.flatnonzero(folds == k)
        age, logit = invert_gaussian(table, trainable(table, folds != k), test)
        found[MODALITY][0][test], found[MODALITY][1][test] = age, logit
    return {"gaussian": found}


def _network(
    table: TrainingTable,
    folds: np.ndarray,
    slug: str,
    recipe: CvaeRecipe,
    options: CvaeOptions,
    progress: Progress,
) -> dict[str, Predictions]:
    shown = SHOWN_WITH.get(slug, (slug,))
    found = {name: empty_predictions(len(table), (MODALITY,)) for name in shown}
    apart = np.full((len(table), len(table.names[MODALITY])), np.nan)
    course: list[list[object]] = []
    for k in np.unique(folds):
        test = np.flatnonzero(folds == k)
        trained = train_cvae(
            table, trainable(table, folds != k), recipe, part=f"fold {int(k) + 1}",
            watched=trainable(table, folds == k), folder=options.output / "checkpoints" / slug,
            resume=options.resume, progress=progress,
        )  # fmt: skip
        course += trained.rows
        told = told_ages(trained.model, table, test)
        # The row of the most likely ages, where it is shown, stands second.
        for name, age in zip(shown, (told.log_age, told.likeliest), strict=False):
            found[name][MODALITY][0][test] = age
            found[name][MODALITY][1][test] = told.logit
        apart[test] = deviations(trained.model, table, test)
    if slug == MAIN:
        path = options.output / DEVIATIONS
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(path, apart)
        except OSError as error:
            raise OutputError(f"cannot write: {error.strerror}", place=path) from error
        write_log(options.output / "training.csv", course, EPOCH_COLUMNS)
    return found
