"""Cross-validation by person of the GAN, plain and stable, beside a simple generator."""

import logging
import shutil
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bids_brainage.bids.outputs import read_json, write_json
from bids_brainage.errors import BrainAgeError, UsageError
from bids_brainage.models.brain_readers import SexClassifier
from bids_brainage.training.aegan import AeganOptions
from bids_brainage.training.checkpoints import fingerprint
from bids_brainage.training.gan.crossval_table import write_tables
from bids_brainage.training.gan.distances import Score
from bids_brainage.training.gan.people_scores import code_agreement, tell_by_codes, tell_sex
from bids_brainage.training.gan.recipe import GanRecipe
from bids_brainage.training.gan.sample import CubeSample, load_cubes
from bids_brainage.training.gan.scores import Judges, floor, judge
from bids_brainage.training.gan.train import (
    COLUMNS,
    JUDGED_SEED,
    course_rows,
    generate,
    make_judges,
    train_all,
    train_classifiers,
)
from bids_brainage.training.segmentation.train import write_log

logger = logging.getLogger(__name__)
REAL, GAUSSIAN = "real", "gaussian"
GANS = {"plain": "none", "spectral": "spectral", "penalty": "penalty"}
ROWS = (REAL, GAUSSIAN, *GANS)
Found = dict[str, Any]


def run_crossval(options: AeganOptions, progress: Callable[[str], None] = logger.info) -> Path:
    """Train every row on each fold's other people, and judge by the fold's people.

    Writes ``crossval.md``, ``crossval.tsv``, ``crossval_folds.tsv``, ``crossval_people.tsv``,
    ``training.csv``, and results of finished folds, which ``resume`` uses.

    Returns
    -------
        The folder.

    Raises
    ------
    UsageError, InputError, MissingInputError, OutputError
        If a row does not exist, the people cannot be used, or the folder cannot be written.
    """
    if unknown := sorted(set(options.only) - set(ROWS)):
        raise UsageError(f"no row {', '.join(unknown)}", hint=f"rows are {', '.join(ROWS)}")
    wanted = [row for row in ROWS if not options.only or row in options.only]
    sample = load_cubes(options)
    folds = sample.brains.folds(options.n_folds)
    results: dict[str, list[Found]] = {row: [] for row in wanted}
    readers: list[Found] = []
    course: list[dict[str, Any]] = []
    for number, (training, held) in enumerate(folds, start=1):
        fold = _Fold(options, sample, training, held, number, progress)
        readers.append(fold.people())
        for row in wanted:
            found = fold.row(row)
            results[row].append(found)
            course += found["course"]
    write_tables(options.output, sample, folds, results, readers)
    if course:
        write_log(options.output / "training.csv", course_rows(course), COLUMNS)
    return options.output


class _Fold:
    """One fold: its classifiers are trained once, when they are first needed."""

    def __init__(
        self,
        options: AeganOptions,
        sample: CubeSample,
        training: np.ndarray,
        held: np.ndarray,
        number: int,
        progress: Callable[[str], None],
    ) -> None:
        self._options = options
        self._sample = sample
        self._training = training
        self._held = held
        self._number = number
        self._folder = options.output / "folds"
        self._progress = partial(_say, progress, number)
        self._readers: Mapping[str, SexClassifier] | None = None
        self._judged_by: Judges | None = None

    def people(self) -> Found:
        """What the classifiers tell of the fold's people."""
        return self._kept("classifiers", self._options.recipe, self._people)

    def row(self, row: str) -> Found:
        """Scores of one generator."""
        recipe: GanRecipe = self._options.recipe
        if row in GANS:
            recipe = recipe.changed(stabiliser=GANS[row])
            if row != "plain":
                recipe = recipe.changed(skip=0.0)
        return self._kept(row, recipe, partial(self._row, row, recipe))

    def _kept(self, name: str, recipe: GanRecipe, compute: Callable[[], Found]) -> Found:
        path = self._folder / f"{name}-{self._number}" / "result.json"
        sample = self._sample
        key = fingerprint(name, recipe.as_dict(), self._training, sample.age, sample.female,
                          sample.marks())  # fmt: skip
        if self._options.resume:
            try:
                content = read_json(path)
            except BrainAgeError:
                content = {}
            if content.get("key") == key:
                found: Found = content["found"]
                return found
        found = compute()
        write_json(path, {"key": key, "found": found})
        return found

    def _people(self) -> Found:
        told = tell_sex(self._classifiers(), self._sample, self._held)
        return {name: [float(v) for v in values] for name, values in told.items()}

    def _classifiers(self) -> Mapping[str, SexClassifier]:
        if self._readers is None:
            self._readers, _ = train_classifiers(
                self._sample, self._training, self._options.recipe,
                self._folder / f"classifiers-{self._number}", device=self._options.device,
                resume=self._options.resume, progress=self._progress,
            )  # fmt: skip
        return self._readers

    def _judges(self) -> Judges:
        if self._judged_by is None:
            self._judged_by = make_judges(
                self._sample, self._training, self._held, self._classifiers(),
                self._options.recipe,
            )  # fmt: skip
        return self._judged_by

    def _row(self, row: str, recipe: GanRecipe) -> Found:
        seed = recipe.seed + JUDGED_SEED
        if row == REAL:
            return _result(floor(self._judges()))
        if row == GAUSSIAN:
            made = self._judges().components.draw(recipe.n_judged, seed)
            return _result(judge(made, self._judges()))
        folder = self._folder / f"{row}-{self._number}"
        trained = train_all(
            self._sample, self._training, recipe, self._classifiers(), folder, folder / "pairs",
            device=self._options.device, resume=self._options.resume,
            progress=lambda text: self._progress(f"{row}: {text}"),
        )  # fmt: skip
        made = generate(trained.model, recipe.n_judged, seed)
        found = judge(made, self._judges())
        found |= {name: Score(value, np.empty(0)) for name, value in trained.encoder.items()}
        found |= code_agreement(trained.model, self._sample, self._training, made)
        told = tell_by_codes(trained.model, self._sample, self._training, self._held)
        # What is left is in the result; a fold of the published width fills gigabytes.
        shutil.rmtree(folder / "pairs", ignore_errors=True)
        name = f"{row}, fold {self._number}"
        course = [{**line, "part": f"{line['part']}: {name}"} for line in trained.course]
        return _result(found) | {
            "people": {key: [float(v) for v in values] for key, values in told.items()},
            "course": course,
        }


def _result(scores: Mapping[str, Score]) -> Found:
    """Scores as plain values."""
    return {
        "scores": {name: score.value for name, score in scores.items()},
        "draws": {
            name: [round(float(v), 6) for v in score.draws] for name, score in scores.items()
        },
        "people": {},
        "course": [],
    }


def _say(progress: Callable[[str], None], number: int, text: str) -> None:
    progress(f"fold {number}: {text}")
