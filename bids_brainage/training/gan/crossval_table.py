"""Tables of a cross-validation of the GAN."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bids_brainage.bids.outputs import write_text, write_tsv
from bids_brainage.training.gan.people_scores import age_scores, median_age, sex_scores
from bids_brainage.training.gan.sample import CubeSample

LABELS = {
    "real": "training people instead",
    "gaussian": "normal scores of components of voxels",
    "plain": "GAN, plain",
    "spectral": "GAN, spectral normalisation",
    "penalty": "GAN, gradient penalty",
}
READERS = {
    "plain": "classifier", "noisy": "classifier, trained with noise", "both": "both together",
}  # fmt: skip
COLUMNS = ("row", "model", "score", "value", "sd", "lower", "upper", "folds")
FOLD_COLUMNS = ("fold", "n_training", "n_held", "row", "score", "value")
MADE = {
    "ms_ssim": "MS-SSIM", "kid_voxels": "KID, voxels", "kid_classifier": "KID, classifier",
    "nearest_auc": "nearer than new people", "ratio": "nearest / second",
    "agree": "classifiers agree", "agree_chance": "by chance", "female_plain": "called women",
    "encoder_mse": "encoder, squared error", "encoder_r2": "R2",
}  # fmt: skip
TOLD = {"accuracy": "accuracy", "balanced_accuracy": "balanced", "auc": "AUC",
        "majority": "majority class"}  # fmt: skip
CODES = {"code_age_mae": "MAE, years", "code_age_mae_median": "guess the median",
         "code_age_r": "r", "code_sex_accuracy": "sex, accuracy",
         "code_sex_majority": "majority class", "code_sex_auc": "sex, AUC"}  # fmt: skip
Row = dict[str, Any]
Fold = tuple[np.ndarray, np.ndarray]


def write_tables(
    folder: Path,
    sample: CubeSample,
    folds: Sequence[Fold],
    results: Mapping[str, Sequence[Mapping[str, Any]]],
    readers: Sequence[Mapping[str, Sequence[float]]],
) -> None:
    """Write ``crossval.md``, ``crossval.tsv``, ``crossval_folds.tsv``, ``crossval_people.tsv``.

    Parameters
    ----------
    folds
        Numbers of training people and of those kept apart.
    results
        Row to what was found in each fold.
    readers
        What the classifiers tell of each fold's people.
    """
    rows: list[Row] = []
    each: list[Row] = []
    for name, found in results.items():
        rows += [{"row": name, "model": LABELS[name], **row} for row in over_folds(found)]
        rows += [
            {"row": name, "model": LABELS[name], **row}
            for row in of_codes(sample, folds, [one["people"] for one in found])
        ]
        for number, (one, (training, held)) in enumerate(zip(found, folds, strict=True), start=1):
            each += [
                {"fold": number, "n_training": len(training), "n_held": len(held), "row": name,
                 "score": score, "value": _short(value)}
                for score, value in one["scores"].items()
            ]  # fmt: skip
    for name, label in READERS.items():
        told = [one[name] for one in readers]
        rows += [
            {"row": f"classifier_{name}", "model": label, **row}
            for row in pooled_sex(sample, folds, told, "")
        ]
    write_tsv(folder / "crossval.tsv", rows, COLUMNS)
    write_tsv(folder / "crossval_folds.tsv", each, FOLD_COLUMNS)
    people = [
        {"participant_id": sample.brains.labels[person], "fold": number,
         "age": _short(sample.age[person]), "female": _short(sample.female[person])}
        | {f"probability_{name}": _short(one[name][at]) for name in READERS}
        for number, ((_, held), one) in enumerate(zip(folds, readers, strict=True), start=1)
        for at, person in enumerate(held)
    ]  # fmt: skip
    write_tsv(folder / "crossval_people.tsv", people, list(people[0]))
    write_text(folder / "crossval.md", markdown(rows, folds))


def over_folds(found: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Mean, spread over folds and interval of every score.

    The interval is of the mean over folds in bootstrap samples of people and generated cubes;
    that the training would have ended elsewhere with another seed is not in it.
    """
    rows = []
    for name in found[0]["scores"]:
        values = np.array([_number(one["scores"][name]) for one in found])
        draws = [one["draws"].get(name) or [] for one in found]
        ends = [math.nan, math.nan]
        if all(draws):
            means = np.mean([[_number(v) for v in one] for one in draws], axis=0)
            known = means[np.isfinite(means)]
            ends = list(np.percentile(known, [2.5, 97.5])) if known.size else ends
        rows.append(_row(name, values.mean(), _spread(values.tolist()), ends, len(found)))
    return rows


def of_codes(
    sample: CubeSample, folds: Sequence[Fold], told: Sequence[Mapping[str, Any]]
) -> list[Row]:
    """Scores of age and sex that were told from latent codes of people kept apart."""
    rows: list[Row] = []
    if all("code_age" in one for one in told):
        ages = [sample.age[held] for _, held in folds]
        medians = [np.full(len(held), median_age(sample.age[training])) for training, held in folds]
        found = [np.array([_number(v) for v in one["code_age"]]) for one in told]
        whole = age_scores(*(np.concatenate(x) for x in (ages, found, medians)))
        parts = [age_scores(*x) for x in zip(ages, found, medians, strict=True)]
        rows += _pooled("code_age_", whole, parts)
    if all("code_female" in one for one in told):
        rows += pooled_sex(sample, folds, [one["code_female"] for one in told], "code_sex_")
    return rows


def pooled_sex(
    sample: CubeSample, folds: Sequence[Fold], told: Sequence[Sequence[float]], start: str
) -> list[Row]:
    """Scores of the sex told of everyone by a classifier that had not seen them."""
    truth = [sample.female[held] for _, held in folds]
    common = [
        np.full(len(held), float(np.nanmean(sample.female[training]) >= 0.5))
        for training, held in folds
    ]
    found = [np.array([_number(v) for v in one]) for one in told]
    whole = sex_scores(*(np.concatenate(x) for x in (truth, found, common)))
    parts = [sex_scores(*x) for x in zip(truth, found, common, strict=True)]
    return _pooled(start, whole, parts)


def markdown(rows: Sequence[Row], folds: Sequence[Fold]) -> str:
    """The tables as Markdown."""
    n = sum(len(held) for _, held in folds)
    made = [name for name in LABELS if any(row["row"] == name for row in rows)]
    codes = [name for name in made if _value(rows, name, "code_age_mae")]
    lines = ["Generated brains beside people who were kept apart (mean over folds, 95 % interval "
             "of the sample):", ""]  # fmt: skip
    lines += _table(rows, [(name, LABELS[name]) for name in made], MADE)
    lines += ["", "Sex of people who were kept apart:", ""]
    lines += _table(rows, [(f"classifier_{k}", v) for k, v in READERS.items()], TOLD)
    if codes:
        lines += ["", "Age and sex from latent codes of people who were kept apart:", ""]
        lines += _table(rows, [(name, LABELS[name]) for name in codes], CODES)
    lines += ["", _caution(n, len(folds))]
    return "\n".join(lines) + "\n"


def _caution(n: int, n_folds: int) -> str:
    return (
        f"{n} images in {n_folds} folds. Each score compares generated brains with about "
        f"{n // n_folds} people; intervals hold for these trained networks and say nothing of "
        "another seed. Near copies of training people, brains that are all alike and a scale of "
        "its own are found by this; whether rare anatomy is missing, or one good generator is "
        "better than another, is not unless the numbers differ by much more than their intervals."
        if n < 500
        else f"{n} images in {n_folds} folds; intervals say nothing of another seed."
    )


def _table(
    rows: Sequence[Row], names: Sequence[tuple[str, str]], columns: Mapping[str, str]
) -> list[str]:
    lines = [f"| | {' | '.join(columns.values())} |", f"|---|{'---|' * len(columns)}"]
    for name, label in names:
        cells = [_value(rows, name, score) for score in columns]
        lines.append(f"| {label} | {' | '.join(cells)} |")
    return lines


def _value(rows: Sequence[Row], name: str, score: str) -> str:
    for row in rows:
        if row["row"] == name and row["score"] == score:
            if not math.isfinite(row["value"]):
                return "n/a"
            if not math.isfinite(row["lower"]):
                return _plain(row["value"])
            return f"{_plain(row['value'])} [{_plain(row['lower'])}, {_plain(row['upper'])}]"
    return ""


def _pooled(
    start: str, whole: Mapping[str, float], parts: Sequence[Mapping[str, float]]
) -> list[Row]:
    nothing = [math.nan, math.nan]
    return [
        _row(start + name, value, _spread([one[name] for one in parts]), nothing, len(parts))
        for name, value in whole.items()
        if name != "n"
    ]


def _spread(values: Sequence[float]) -> float:
    known = [value for value in values if math.isfinite(value)]
    return float(np.std(known, ddof=1)) if len(known) > 1 else math.nan


def _plain(value: float) -> str:
    """Enough digits for shares close to 1, and whole numbers for large ones."""
    if abs(value) < 2:
        return f"{value:.3f}"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:,.0f}"


def _row(score: str, value: float, sd: float, ends: Sequence[float], n: int) -> Row:
    return {"score": score, "value": _short(value), "sd": _short(sd), "lower": _short(ends[0]),
            "upper": _short(ends[1]), "folds": n}  # fmt: skip


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _short(value: float | None) -> float:
    return float(f"{_number(value):.4g}")
