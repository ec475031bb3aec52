"""Tables of a cross-validation of the conditional autoencoder."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bids_brainage.bids.outputs import write_text, write_tsv
from bids_brainage.evaluation.bootstrap import paired_bootstrap
from bids_brainage.evaluation.metrics import (
    balanced_accuracy,
    classification_metrics,
    regression_metrics,
)
from bids_brainage.models.cvae import MODALITY
from bids_brainage.training.rows import Predictions
from bids_brainage.training.tables import TrainingTable

MAIN = "cvae"
EVERYONE = "all"
COLUMNS = ("row", "model", "people", "n", "mae", "mae_sd", "rmse", "pcc", "bias", "sex_accuracy",
           "sex_balanced_accuracy", "sex_auc", "gain_over_median", "gain_over_cvae",
           "gain_over_cvae_lower", "gain_over_cvae_upper", "gain_over_cvae_site_lower",
           "gain_over_cvae_site_upper")  # fmt: skip
USUAL = 1.96


def write_tables(
    folder: Path,
    table: TrainingTable,
    folds: np.ndarray,
    results: Mapping[str, Predictions],
    labels: Mapping[str, str],
    apart: np.ndarray | None,
) -> None:
    """Write ``crossval.tsv``, ``crossval.md``, ``predictions.tsv`` and ``deviations.tsv``.

    Parameters
    ----------
    results
        Row to out-of-fold log ages and female logits.
    apart
        Deviations of everybody, where they were computed; (n, p).
    """
    years = {slug: np.exp(found[MODALITY][0]) for slug, found in results.items()}
    rows = [
        _line(slug, labels[slug], who, mask, table, folds, results, years)
        for slug in labels
        if slug in results
        for who, mask in _groups(table).items()
    ]
    write_tsv(folder / "crossval.tsv", rows, COLUMNS)
    text = _markdown(rows, labels)
    if apart is not None:
        found = calibration(table, apart)
        write_tsv(folder / "deviations.tsv", found, list(found[0]))
        text += "\n" + _deviations_text(found)
    write_text(folder / "crossval.md", text)
    people = [
        {"participant_id": p, "site": s, "fold": int(k), "age": float(a)}
        | {slug: round(float(found[i]), 3) for slug, found in years.items()}
        for i, (p, s, k, a) in enumerate(
            zip(table.participants, table.sites, folds, table.age, strict=True)
        )
    ]
    write_tsv(folder / "predictions.tsv", people, list(people[0]))


def calibration(table: TrainingTable, apart: np.ndarray) -> list[dict[str, Any]]:
    """Mean and spread of deviations of people at unseen sites, and how many are usual.

    Were the model right for new sites: mean 0, standard deviation 1, 95 % within 1.96.
    """
    rows = []
    for who, mask in _groups(table).items():
        found = apart[mask]
        known = np.isfinite(found)
        if not known.any():
            continue
        # A scanner moves all of its people's measures, which pooled values would not show.
        shifts = [
            _means(apart[mask & (table.sites == site)])
            for site in np.unique(table.sites[mask])
            if (mask & (table.sites == site)).sum() > 1
        ]
        rows.append({
            "people": who, "n": int(mask.sum()),
            "mean": round(float(found[known].mean()), 3),
            "sd": round(float(found[known].std()), 3),
            "within_1.96": round(float((np.abs(found[known]) < USUAL).mean()), 3),
            "sd_of_site_means": round(float(np.nanstd(shifts)), 3) if shifts else math.nan,
        })  # fmt: skip
    return rows


def _means(values: np.ndarray) -> np.ndarray:
    """Mean of each column over what is known; NaN where nothing is."""
    known = np.isfinite(values)
    n = known.sum(axis=0)
    return np.where(n > 0, np.where(known, values, 0.0).sum(axis=0) / np.maximum(n, 1), np.nan)


def _groups(table: TrainingTable) -> dict[str, np.ndarray]:
    everyone = {EVERYONE: np.ones(len(table), bool)}
    names = np.unique(table.datasets)
    return everyone | {str(d): table.datasets == d for d in names if len(names) > 1}


def _line(
    slug: str,
    label: str,
    who: str,
    mask: np.ndarray,
    table: TrainingTable,
    folds: np.ndarray,
    results: Mapping[str, Predictions],
    years: Mapping[str, np.ndarray],
) -> dict[str, Any]:
    age, told = table.age, years[slug]
    scores = regression_metrics(age[mask], told[mask])
    folded = [
        regression_metrics(age[mask & (folds == k)], told[mask & (folds == k)])["mae"]
        for k in np.unique(folds[mask])
    ]
    logit = np.clip(results[slug][MODALITY][1], -30, 30)
    chance = 1 / (1 + np.exp(-logit))
    sexes = classification_metrics(table.female[mask], chance[mask])
    line: dict[str, Any] = {
        "row": slug, "model": label, "people": who, "n": int(mask.sum()), "mae": scores["mae"],
        "mae_sd": float(np.std(folded, ddof=1)) if len(folded) > 1 else math.nan,
        "rmse": scores["rmse"], "pcc": scores["pcc"], "bias": scores["bias"],
        "sex_accuracy": sexes["accuracy"], "sex_auc": sexes["auc"],
        "sex_balanced_accuracy": balanced_accuracy(
            table.female[mask], chance[mask] >= 0.5),
        "gain_over_median": paired_bootstrap(
            age[mask], years["median"][mask], told[mask], draws=100).gain,
    }  # fmt: skip
    if slug != MAIN and MAIN in years:
        arrays = age[mask], years[MAIN][mask], told[mask]
        people = paired_bootstrap(*arrays)
        sites = paired_bootstrap(*arrays, groups=table.sites[mask])
        line |= {
            "gain_over_cvae": people.gain, "gain_over_cvae_lower": people.lower,
            "gain_over_cvae_upper": people.upper, "gain_over_cvae_site_lower": sites.lower,
            "gain_over_cvae_site_upper": sites.upper,
        }  # fmt: skip
    return {k: round(v, 4) if isinstance(v, float) else v for k, v in line.items()}


def _markdown(rows: list[dict[str, Any]], labels: Mapping[str, str]) -> str:
    groups = list(dict.fromkeys(row["people"] for row in rows))
    by = {(row["row"], row["people"]): row for row in rows}
    n = by[rows[0]["row"], EVERYONE]["n"]
    text = [
        f"Site-grouped folds, {n} people, uncorrected predictions, mean absolute error in years; "
        "± is the standard deviation over folds. Gain: years of error less than the CVAE, with "
        "95 % intervals over people and over whole sites.", "",
        "| model | MAE | r | sex accuracy | balanced | AUC | "
        + " | ".join(groups[1:]) + " | gain over the CVAE | over sites |",
        "|---" * (8 + len(groups[1:])) + "|",
    ]  # fmt: skip
    for slug in labels:
        if (slug, EVERYONE) not in by:
            continue
        row = by[slug, EVERYONE]
        cells = [row["model"], f"{row['mae']:.2f} ± {row['mae_sd']:.2f}", _two(row["pcc"])]
        cells += [_two(row[k]) for k in ("sex_accuracy", "sex_balanced_accuracy", "sex_auc")]
        cells += [_two(by[slug, who]["mae"]) for who in groups[1:]]
        gain = sites = ""
        if "gain_over_cvae" in row:
            low, high = row["gain_over_cvae_lower"], row["gain_over_cvae_upper"]
            gain = f"{row['gain_over_cvae']:+.2f} [{low:+.2f}, {high:+.2f}]"
            low, high = row["gain_over_cvae_site_lower"], row["gain_over_cvae_site_upper"]
            sites = f"[{low:+.2f}, {high:+.2f}]"
        text.append("| " + " | ".join([*cells, gain, sites]) + " |")
    return "\n".join(text) + "\n"


def _deviations_text(rows: list[dict[str, Any]]) -> str:
    text = [
        "Deviations of people at unseen sites, all measures; 0, 1 and 0.95 were right.", "",
        "| people | n | mean | SD | within 1.96 | SD of site means |", "|---|---|---|---|---|---|",
    ]  # fmt: skip
    text += [
        f"| {r['people']} | {r['n']} | {r['mean']:.2f} | {r['sd']:.2f} | {r['within_1.96']:.2f} | "
        f"{r['sd_of_site_means']:.2f} |"
        for r in rows
    ]
    return "\n".join(text) + "\n"


def _two(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else "–"
