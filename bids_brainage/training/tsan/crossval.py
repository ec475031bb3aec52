"""Cross-validation by person: the cascade beside simple baselines and without its parts."""

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.model_selection import GroupKFold

from bids_brainage.bids.outputs import write_json, write_text, write_tsv
from bids_brainage.errors import InputError, UsageError
from bids_brainage.evaluation.bootstrap import paired_bootstrap
from bids_brainage.training.checkpoints import fingerprint
from bids_brainage.training.tsan.baselines import guess_median, smoothed_voxels, tissue_fractions
from bids_brainage.training.tsan.fit import Sample
from bids_brainage.training.tsan.people import Person
from bids_brainage.training.tsan.predictions import predict_people, scores
from bids_brainage.training.tsan.recipe import TsanRecipe
from bids_brainage.training.tsan.run import make_sample, split_people, train_cascade
from bids_brainage.training.tsan.volumes import load_volumes

logger = logging.getLogger(__name__)
BASELINES = {
    "median": "guess the median",
    "fractions": "tissue fractions, degree 3",
    "voxels": "ridge on smoothed voxels",
}
# Networks: what they are called, and what differs from the recipe.
NETWORKS: dict[str, tuple[str, dict[str, Any]]] = {
    "tsan": ("TSAN, both stages", {}),
    "no-ranking": ("TSAN without ranking loss", {"rank_weight": 0.0}),
    "no-sex": ("TSAN without sex", {"sex": "none"}),
}
# What a run of the whole cascade shows by itself.
PARTS = {"first": "TSAN, first stage", "rounded": "TSAN, rounded first age alone"}
COLUMNS = ("row", "model", "n", "folds", "mae", "rmse", "pcc", "spearman", "sd", "bias",
           "gain", "gain_lower", "gain_upper")  # fmt: skip


@dataclass(frozen=True)
class TsanCrossval:
    """What a cross-validation needs.

    Parameters
    ----------
    people
        From `bids_brainage.training.tsan.people.load_people`.
    output
        Folder for tables, predictions and the results of finished folds.
    n_folds, ablation_folds
        Folds, and how many of them the networks without a part are run on.
    only
        Rows to run; all by default.
    resume
        Use finished folds of an earlier run.
    """

    people: Sequence[Person]
    output: Path
    recipe: TsanRecipe = field(default_factory=TsanRecipe)
    n_folds: int = 5
    ablation_folds: int = 5
    only: tuple[str, ...] = ()
    resume: bool = False
    device: torch.device = torch.device("cpu")  # noqa: RUF009


def run_tsan_crossval(options: TsanCrossval, progress: Callable[[str], None] = logger.info) -> Path:
    """Run it and write ``crossval.tsv``, ``crossval.md`` and ``predictions.tsv``.

    Returns
    -------
        The folder.

    Raises
    ------
    UsageError, InputError
        If a row does not exist, or there are fewer people than folds.
    """
    known = [*BASELINES, *NETWORKS]
    if unknown := sorted(set(options.only) - set(known)):
        raise UsageError(f"no row {', '.join(unknown)}", hint=f"rows are {', '.join(known)}")
    people, recipe = options.people, options.recipe
    if len({person.label for person in people}) < max(options.n_folds, 2):
        raise InputError(f"{len(people)} people for {options.n_folds} folds", hint="give more")
    images = load_volumes(people, recipe.zooms, recipe.scaling, options.output / "images")
    sample = make_sample(people, images)
    folds = person_folds(people, options.n_folds)
    predicted = _baselines(options, sample, folds)
    for name, (label, changes) in NETWORKS.items():
        if options.only and name not in options.only:
            continue
        n = options.n_folds if name == "tsan" else options.ablation_folds
        progress(label)
        found = _network(options, sample, folds[:n], name, recipe.changed(**changes), progress)
        predicted[name] = found["predicted_age"]
        if name == "tsan":
            predicted["first"], predicted["rounded"] = found["first_age"], found["rounded_age"]
    _write(options, sample, predicted)
    return options.output


def person_folds(people: Sequence[Person], n_folds: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Numbers of training and test people of every fold; a person is in one test fold."""
    order = np.random.default_rng(0).permutation(len(people))
    splitter = GroupKFold(n_folds)
    labels = np.array([person.label for person in people])
    return [
        (np.sort(order[a]), np.sort(order[b]))
        for a, b in splitter.split(order, groups=labels[order])
    ]


def _baselines(
    options: TsanCrossval, sample: Sample, folds: Sequence[tuple[np.ndarray, np.ndarray]]
) -> dict[str, np.ndarray]:
    makers = {
        "median": lambda: guess_median(sample),
        "fractions": lambda: tissue_fractions(sample, options.people),
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
    options: TsanCrossval,
    sample: Sample,
    folds: Sequence[tuple[np.ndarray, np.ndarray]],
    name: str,
    recipe: TsanRecipe,
    progress: Callable[[str], None],
) -> dict[str, np.ndarray]:
    """Ages of every test person by a network that has not seen the person."""
    whole: dict[str, np.ndarray] = {}
    for number, (training, test) in enumerate(folds, start=1):
        folder = options.output / "folds" / f"{name}-{number}"
        key = fingerprint(recipe.as_dict(), training, sample.age.numpy())
        found = _finished(folder, key) if options.resume else None
        if found is None:
            people = [options.people[i] for i in training]
            inner, choosing = split_people(people, recipe.validation, recipe.seed)
            cascade, _ = train_cascade(
                sample, training[inner], training[choosing], recipe, folder,
                device=options.device, resume=options.resume,
                progress=partial(_say, progress, number),
            )  # fmt: skip
            told = predict_people(cascade, sample, test)
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


def _write(options: TsanCrossval, sample: Sample, predicted: dict[str, np.ndarray]) -> None:
    age = sample.age.numpy().astype(float)
    labels = BASELINES | PARTS | {name: label for name, (label, _) in NETWORKS.items()}
    rows = []
    for name, found in predicted.items():
        known = ~np.isnan(found)
        gain = paired_bootstrap(age[known], predicted["median"][known], found[known])
        folds = options.ablation_folds if name in ("no-ranking", "no-sex") else options.n_folds
        row = scores(age[known], found[known]) | {
            "row": name, "model": labels[name], "folds": folds, "gain": gain.gain,
            "gain_lower": gain.lower, "gain_upper": gain.upper,
        }  # fmt: skip
        rows.append({k: round(v, 4) if isinstance(v, float) else v for k, v in row.items()})
    write_tsv(options.output / "crossval.tsv", rows, COLUMNS)
    people = [
        {"participant_id": person.label, "age": person.age}
        | {name: round(float(found[i]), 3) for name, found in predicted.items()}
        for i, person in enumerate(options.people)
    ]
    names = ["participant_id", "age", *predicted]
    write_tsv(options.output / "predictions.tsv", people, names)
    write_text(options.output / "crossval.md", markdown(rows, alive(predicted)))


def alive(predicted: dict[str, np.ndarray]) -> dict[str, float]:
    """Whether the second stage looks at the image: what it adds within each rounded age.

    Returns
    -------
        ``distinct``: share of distinct final ages; ``within``: mean over rounded ages of the
        standard deviation of what is added, in years.
    """
    if "rounded" not in predicted or "tsan" not in predicted:
        return {}
    known = ~np.isnan(predicted["tsan"])
    final, rounded = predicted["tsan"][known], predicted["rounded"][known]
    spreads = [
        float(np.std((final - rounded)[rounded == value]))
        for value in np.unique(rounded)
        if (rounded == value).sum() > 1
    ]
    within = float(np.mean(spreads)) if spreads else float("nan")
    return {"distinct": len(np.unique(final)) / len(final), "within": within}


def markdown(rows: Sequence[dict[str, Any]], second: dict[str, float]) -> str:
    """The table as Markdown."""
    lines = [
        "| model | people | MAE | r | Spearman | SD | gain over the median [95 %] |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        gain = f"{row['gain']:.2f} [{row['gain_lower']:.2f}, {row['gain_upper']:.2f}]"
        cells = [f"{row[name]:.2f}" for name in ("mae", "pcc", "spearman", "sd")]
        lines.append(f"| {row['model']} | {row['n']} | {' | '.join(cells)} | {gain} |")
    if second:
        lines += [
            "",
            f"Second stage: {second['distinct']:.0%} of the final ages are distinct; what it adds "
            f"has a standard deviation of {second['within']:.2f} years within one rounded age.",
        ]
    return "\n".join(lines) + "\n"
