"""Cross-validation by person: a network beside simple baselines and without its parts."""

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch

from bids_brainage.bids.outputs import write_json
from bids_brainage.errors import InputError, UsageError
from bids_brainage.training.checkpoints import fingerprint
from bids_brainage.training.images.baselines import (
    guess_median,
    regional_volumes,
    smoothed_voxels,
    tissue_fractions,
)
from bids_brainage.training.images.crossval_table import write_tables
from bids_brainage.training.images.family import ImageFamily
from bids_brainage.training.images.people import Person
from bids_brainage.training.images.predictions import predict_people
from bids_brainage.training.images.recipe import ImageRecipe
from bids_brainage.training.images.sample import Sample, load_sample, person_folds, split_people

logger = logging.getLogger(__name__)
BASELINES = {
    "median": "guess the median",
    "fractions": "tissue fractions, degree 3",
    "regions": "ridge on volumes of regions",
    "voxels": "ridge on smoothed voxels",
}
Folds = Sequence[tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class ImageCrossval:
    """What a cross-validation needs.

    Parameters
    ----------
    family, recipe
        What is trained, and how.
    people
        From `bids_brainage.training.images.people.load_people`.
    output
        Folder for tables, predictions and the results of finished folds.
    n_folds, ablation_folds
        Folds, and how many of them the networks that differ from the recipe are run on.
    only
        Rows to run; all by default.
    resume
        Use finished folds of an earlier run.
    """

    family: ImageFamily
    people: Sequence[Person]
    output: Path
    recipe: ImageRecipe
    n_folds: int = 5
    ablation_folds: int = 5
    only: tuple[str, ...] = ()
    resume: bool = False
    device: torch.device = torch.device("cpu")  # noqa: RUF009


def run_image_crossval(
    options: ImageCrossval, progress: Callable[[str], None] = logger.info
) -> Path:
    """Run it and write ``crossval.tsv``, ``crossval.md`` and ``predictions.tsv``.

    Returns
    -------
        The folder.

    Raises
    ------
    UsageError, InputError
        If a row does not exist, or there are fewer people than folds.
    """
    family, people, recipe = options.family, options.people, options.recipe
    known = [*BASELINES, *family.networks]
    if unknown := sorted(set(options.only) - set(known)):
        raise UsageError(f"no row {', '.join(unknown)}", hint=f"rows are {', '.join(known)}")
    if options.n_folds < 2:
        raise UsageError(f"--folds {options.n_folds}", hint="give 2 or more")
    if len({person.label for person in people}) < options.n_folds:
        raise InputError(f"{len(people)} people for {options.n_folds} folds", hint="give more")
    wanted = {
        name: recipe.changed(**changes)
        for name, (_, changes) in family.networks.items()
        if not options.only or name in options.only
    }
    if all(person.volumes is None for person in people) and not options.only:
        # A folder with a table has no volumes to learn first.
        wanted = {name: other for name, other in wanted.items() if other.pretrain != "volumes"}
    learns = any(other.pretrain == "volumes" for other in wanted.values())
    reading = recipe.changed(pretrain="volumes" if learns else "none")
    sample = load_sample(people, reading, options.output / "images")
    folds = person_folds(people, options.n_folds)
    predicted = _baselines(options, sample, folds)
    for name, changed in wanted.items():
        label, _ = family.networks[name]
        n = options.n_folds if name == family.main else options.ablation_folds
        progress(label)
        found = _network(options, sample, folds[:n], name, changed, progress)
        predicted[name] = found["predicted_age"]
        if name == family.main:
            predicted |= {row: found[column] for row, (_, column) in family.shown.items()}
    labels = BASELINES | {name: label for name, (label, _) in family.networks.items()}
    labels |= {name: label for name, (label, _) in family.shown.items()}
    n_folds = {name: options.ablation_folds for name in wanted if name != family.main}
    write_tables(options.output, people, predicted, labels, family,
                 {name: n_folds.get(name, options.n_folds) for name in predicted})  # fmt: skip
    return options.output


def _baselines(options: ImageCrossval, sample: Sample, folds: Folds) -> dict[str, np.ndarray]:
    makers = {
        "median": lambda: guess_median(sample),
        "fractions": lambda: tissue_fractions(sample, options.people),
        "regions": lambda: regional_volumes(sample, options.people),
        "voxels": lambda: smoothed_voxels(sample),
    }
    predicted = {}
    for name, maker in makers.items():
        if options.only and name not in options.only and name != "median":
            continue
        if (baseline := maker()) is None:
            continue
        found = np.full(len(sample.age), np.nan)
        for training, test in folds:
            found[test] = baseline(training, test)
        predicted[name] = found
    return predicted


def _network(
    options: ImageCrossval,
    sample: Sample,
    folds: Folds,
    name: str,
    recipe: ImageRecipe,
    progress: Callable[[str], None],
) -> dict[str, np.ndarray]:
    """Ages of every test person by a network that has not seen the person."""
    whole: dict[str, np.ndarray] = {}
    for number, (training, test) in enumerate(folds, start=1):
        folder = options.output / "folds" / f"{name}-{number}"
        key = fingerprint(recipe.as_dict(), training, sample.age.numpy(), sample.marks())
        found = _finished(folder, key) if options.resume else None
        if found is None:
            people = [options.people[i] for i in training]
            inner, choosing = split_people(people, recipe.validation, recipe.seed)
            module, _ = options.family.train(
                sample, training[inner], training[choosing], recipe, folder,
                device=options.device, resume=options.resume,
                progress=partial(_say, progress, number),
            )  # fmt: skip
            told = predict_people(module.to(options.device), sample, test)
            cast(Any, module).average = True
            told["averaged_age"] = predict_people(module, sample, test)["predicted_age"]
            found = {k: [round(float(v), 4) for v in values] for k, values in told.items()}
            write_json(folder / "predictions.json", {"key": key, "found": found})
        for column, values in found.items():
            whole.setdefault(column, np.full(len(sample.age), np.nan))[test] = [
                np.nan if v is None else v for v in values
            ]
    return whole


def _say(progress: Callable[[str], None], number: int, text: str) -> None:
    progress(f"fold {number}: {text}")


def _finished(folder: Path, key: str) -> dict[str, list[float]] | None:
    try:
        content = json.loads((folder / "predictions.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content["found"] if content.get("key") == key else None
