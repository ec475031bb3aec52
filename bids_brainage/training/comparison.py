"""The table of a cross-validation: scores, spread over folds, and paired comparisons."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bids_brainage.bids.outputs import write_json, write_text, write_tsv
from bids_brainage.evaluation.bootstrap import paired_bootstrap
from bids_brainage.evaluation.metrics import classification_metrics, regression_metrics
from bids_brainage.training.recipe import Recipe
from bids_brainage.training.rows import INPUTS, Predictions, Row
from bids_brainage.training.tables import TrainingTable

REFERENCE_SLUGS = ("median", "forest", "svr", "ridge", "boosting", "stack")
MODEL = "mavae"
COLUMNS = ("model", "inputs", "trained_on", "n", "mae", "mae_sd", "rmse", "rmse_sd", "pcc",
           "pcc_sd", "sex_accuracy", "sex_accuracy_sd", "sex_auc", "sex_auc_sd", "gain_vs_stack",
           "gain_lower", "gain_upper", "seconds")  # fmt: skip
SCORED = (("mae", "mae"), ("rmse", "rmse"), ("pcc", "pcc"), ("sex_accuracy", "accuracy"),
          ("sex_auc", "auc"))  # fmt: skip


def write_comparison(
    folder: Path,
    table: TrainingTable,
    folds: np.ndarray,
    rows: Sequence[Row],
    results: Mapping[str, Predictions],
    seconds: Mapping[str, float],
    recipe: Recipe,
    *,
    within_sites: bool = False,
) -> None:
    """Write ``crossval.tsv``, ``crossval.md``, ``crossval.json`` and ``predictions.tsv``.

    All scores are of uncorrected out-of-fold predictions of the same people: those with both
    modalities, or everybody if nobody has both.

    Parameters
    ----------
    results
        Predictions of the rows that are done.
    seconds
        Time each row took.
    within_sites
        Whether people of every site are in all folds.
    """
    both = table.has_both()
    people = both if both.any() else np.ones(len(table), bool)
    lines = [
        _line(row.label, name, row.people, table, folds, people, results[row.slug][name],
              _reference(results, people, name), seconds.get(row.slug, math.nan))
        for row in rows if row.slug in results
        for name in INPUTS if name in results[row.slug] and _any(results[row.slug][name], people)
    ]  # fmt: skip
    goals = comparisons(table, results, people)
    lifespan = {
        f"{row.label} ({row.people})": by_dataset(table, results[row.slug]["morphometry"])
        for row in rows
        if row.slug in results and "morphometry" in results[row.slug]
    }
    write_tsv(folder / "crossval.tsv", lines, COLUMNS)
    write_json(
        folder / "crossval.json",
        {"folds": {str(k): sorted(set(table.sites[folds == k].tolist())) for k in set(folds)},
         "rows": lines, "comparisons": goals, "morphometry_by_dataset": lifespan,
         "recipe": recipe.as_dict()},
    )  # fmt: skip
    text = _markdown(lines, goals, lifespan, int(people.sum()))
    if within_sites:
        text = text.replace("Site-grouped folds", "Folds within sites")
        text = text.replace("sites unseen", "sites known")
    write_text(folder / "crossval.md", text)
    _write_predictions(folder, table, folds, results)


def comparisons(
    table: TrainingTable, results: Mapping[str, Predictions], people: np.ndarray
) -> dict[str, Any]:
    """Compare M-AVAE with the references by paired bootstrap of the absolute error."""
    if MODEL not in results:
        return {}
    mine = {name: _years(results[MODEL][name][0]) for name in INPUTS}
    age = table.age
    found: dict[str, Any] = {}
    for name in INPUTS:
        candidates = {
            slug: _years(predictions[name][0])
            for slug, predictions in results.items()
            if name in predictions
            and slug.removesuffix("-all").removesuffix("-tuned") in REFERENCE_SLUGS
            and _any(predictions[name], people)
        }
        if not candidates or np.isnan(mine[name][people]).all():
            continue
        errors = {
            slug: regression_metrics(age[people], years[people])["mae"]
            for slug, years in candidates.items()
        }
        plain = {s: e for s, e in errors.items() if not s.endswith("-tuned")}
        for label, slug in (("best reference", min(plain, key=plain.__getitem__)),
                            ("tuned stack on the same features", "stack-tuned")):  # fmt: skip
            if slug in candidates:
                found[f"{name}: M-AVAE against {label}"] = {
                    "reference": slug, "mae_reference": errors[slug],
                    **_compare(table, people, candidates[slug], mine[name]),
                }  # fmt: skip
    for first in INPUTS[:2]:
        test = _compare(table, people, mine[first], mine["both"])
        if test["n"]:
            found[f"M-AVAE: both against {first}"] = test
    return found


def _compare(
    table: TrainingTable, people: np.ndarray, reference: np.ndarray, candidate: np.ndarray
) -> dict[str, Any]:
    """Compare over resampled people, and over resampled sites."""
    arrays = table.age[people], reference[people], candidate[people]
    sites = paired_bootstrap(*arrays, groups=table.sites[people])
    return paired_bootstrap(*arrays).as_dict() | {
        "site_lower": sites.lower, "site_upper": sites.upper, "site_verdict": sites.verdict
    }  # fmt: skip


def by_dataset(
    table: TrainingTable, predictions: tuple[np.ndarray, np.ndarray]
) -> dict[str, dict[str, float]]:
    """Score each sample by itself, beside guessing its own median age."""
    scores: dict[str, dict[str, float]] = {}
    for dataset in np.unique(table.datasets):
        rows = (table.datasets == dataset) & ~np.isnan(predictions[0])
        if rows.any():
            ages = regression_metrics(table.age[rows], _years(predictions[0][rows]))
            sexes = classification_metrics(table.female[rows], _chance(predictions[1][rows]))
            scores[str(dataset)] = ages | {"sex_auc": sexes["auc"]}
    return scores


def _line(
    label: str,
    inputs: str,
    trained_on: str,
    table: TrainingTable,
    folds: np.ndarray,
    people: np.ndarray,
    predictions: tuple[np.ndarray, np.ndarray],
    reference: np.ndarray | None,
    seconds: float,
) -> dict[str, Any]:
    pooled = _scores(table, people, predictions)
    per_fold = [_scores(table, people & (folds == k), predictions) for k in np.unique(folds)]
    line: dict[str, Any] = {"model": label, "inputs": inputs, "trained_on": trained_on,
                            "n": pooled["n"], "seconds": seconds}  # fmt: skip
    for column, metric in SCORED:
        values = np.array([scores[metric] for scores in per_fold], float)
        line[column] = round(pooled[metric], 4)
        known = values[~np.isnan(values)]
        line[f"{column}_sd"] = round(float(known.std(ddof=1)), 4) if known.size > 1 else math.nan
    if reference is not None:
        test = paired_bootstrap(
            table.age[people], reference[people], _years(predictions[0][people])
        )
        line |= {"gain_vs_stack": round(test.gain, 4), "gain_lower": round(test.lower, 4),
                 "gain_upper": round(test.upper, 4)}  # fmt: skip
    return line


def _scores(
    table: TrainingTable, people: np.ndarray, predictions: tuple[np.ndarray, np.ndarray]
) -> dict[str, float]:
    ages = regression_metrics(table.age[people], _years(predictions[0][people]))
    sexes = classification_metrics(table.female[people], _chance(predictions[1][people]))
    return sexes | ages


def _reference(
    results: Mapping[str, Predictions], people: np.ndarray, inputs: str
) -> np.ndarray | None:
    if "stack" not in results or not _any(results["stack"]["both"], people):
        return None
    return _years(results["stack"]["both"][0])


def _any(predictions: tuple[np.ndarray, np.ndarray], people: np.ndarray) -> bool:
    return bool((~np.isnan(predictions[0][people])).any())


def _years(log_age: np.ndarray) -> np.ndarray:
    return np.exp(log_age)


def _chance(score: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(score, -30, 30)))


def _write_predictions(
    folder: Path, table: TrainingTable, folds: np.ndarray, results: Mapping[str, Predictions]
) -> None:
    columns = ["participant_id", "site", "fold", "age", "sex"]
    rows: list[dict[str, Any]] = [
        {"participant_id": p, "site": s, "fold": int(k), "age": float(a),
         "sex": {1.0: "F", 0.0: "M"}.get(float(f), "")}
        for p, s, k, a, f in zip(table.participants, table.sites, folds, table.age, table.female,
                                 strict=True)
    ]  # fmt: skip
    for slug, predictions in results.items():
        for name, (log_age, score) in predictions.items():
            column = f"{slug}_{name}"
            columns += [f"{column}_age", f"{column}_female"]
            for row, years, chance in zip(rows, _years(log_age), _chance(score), strict=True):
                row |= {f"{column}_age": float(years), f"{column}_female": float(chance)}
    write_tsv(folder / "predictions.tsv", rows, columns)


def _markdown(
    lines: Sequence[Mapping[str, Any]],
    goals: Mapping[str, Any],
    lifespan: Mapping[str, Mapping[str, Mapping[str, float]]],
    n: int,
) -> str:
    text = [f"Site-grouped folds, {n} people, uncorrected out-of-fold predictions; "
            "± is the standard deviation over folds. Gain: years of mean absolute error less "
            "than the stack with both modalities, with 95 % interval (paired bootstrap).", "",
            "| model | inputs | trained on | MAE | RMSE | PCC | sex accuracy | sex AUC | gain |",
            "|---|---|---|---|---|---|---|---|---|"]  # fmt: skip
    for line in lines:
        cells = [_cell(line[c], line[f"{c}_sd"]) for c, _ in SCORED]
        gain = "" if "gain_vs_stack" not in line else (
            f"{line['gain_vs_stack']:+.2f} [{line['gain_lower']:+.2f}, {line['gain_upper']:+.2f}]"
        )  # fmt: skip
        head = [line["model"], line["inputs"], line["trained_on"]]
        text.append("| " + " | ".join([*head, *cells, gain]) + " |")
    if goals:
        text += [
            "",
            "| comparison | gain (years) | 95 % interval over people | over whole sites | "
            "verdict over sites |",
            "|---|---|---|---|---|",
        ]
    for name, test in goals.items():
        reference = f" ({test['reference']}, {test['mae_reference']:.2f})" if (
            "reference" in test) else ""  # fmt: skip
        interval = f"{test['lower']:+.3f} to {test['upper']:+.3f}"
        sites = f"{test['site_lower']:+.3f} to {test['site_upper']:+.3f}"
        text.append(
            f"| {name}{reference} | {test['gain']:+.3f} | {interval} | {sites} | "
            f"{test['site_verdict']} |"
        )
    datasets = sorted({d for scores in lifespan.values() for d in scores})
    text += ["", "Morphometry alone, mean absolute error (sex AUC) per sample, sites unseen:", "",
             "| model (trained on) | " + " | ".join(datasets) + " |",
             "|---" * (len(datasets) + 1) + "|"]  # fmt: skip
    for label, scores in lifespan.items():
        cells = [_sample_cell(scores[d]) if d in scores else "–" for d in datasets]
        text.append(f"| {label} | " + " | ".join(cells) + " |")
    guess = next(iter(lifespan.values()), {})
    cells = [f"{guess[d]['mae_median']:.2f}" if d in guess else "–" for d in datasets]
    text.append("| guess the sample's own median | " + " | ".join(cells) + " |")
    return "\n".join(text) + "\n"


def _sample_cell(scores: Mapping[str, float]) -> str:
    auc = scores["sex_auc"]
    return f"{scores['mae']:.2f}" + ("" if math.isnan(auc) else f" ({auc:.2f})")


def _cell(value: float, deviation: float) -> str:
    if math.isnan(value) or math.isnan(deviation):
        return "–"
    return f"{value:.2f} ± {deviation:.2f}"
