"""The tables of a cross-validation as Markdown."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bids_brainage.training.volumes.decision import Decision
from bids_brainage.training.volumes.table import VolumeTable


def markdown(
    table: VolumeTable,
    rows: Sequence[Mapping[str, Any]],
    ratios: Sequence[Mapping[str, Any]],
    decision: Decision | None,
) -> str:
    """Write people, scores per way of testing, the decision and the agreement."""
    text = ["People:", "", *_people(table), ""]
    if decision is not None:
        chosen = ", ".join(f"{slug} ({n})" for slug, n in decision.chosen.items())
        text += [
            f"Chosen: {decision.candidate.label}, trained on {decision.candidate.trained_on}. "
            f"{decision.words} Inside the folds were chosen: {chosen}.", "",
        ]  # fmt: skip
    for tested in dict.fromkeys(row["tested"] for row in rows):
        text += [f"Tested: {tested}", "", *_scores([r for r in rows if r["tested"] == tested]), ""]
    if ratios:
        unseen = ratios[0].get("n_unseen", 0)
        text += [
            f"Agreement with DLMUSE; {unseen} of the {ratios[0]['n']} heads measured by a network "
            "that had not seen them:", "", *_agreement(ratios), "",
        ]  # fmt: skip
    return "\n".join(text).rstrip("\n") + "\n"


def _people(table: VolumeTable) -> list[str]:
    found = ["| sample | measured by | people | women | ages (median) |", "|---|---|---|---|---|"]
    for dataset in dict.fromkeys(table.datasets.tolist()):
        rows = table.datasets == dataset
        age = table.age[rows]
        women = int(np.nansum(table.female[rows]))
        found.append(
            f"| {dataset} | {table.methods[rows][0]} | {rows.sum()} | {women} | "
            f"{age.min():.0f}-{age.max():.0f} ({np.median(age):.0f}) |"
        )
    return found


def _scores(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    found = [
        "| model | trained on | n | MAE | RMSE | r | bias | guess the median | own median | gain |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        r = "–" if np.isnan(row["pcc"]) else f"{row['pcc']:.2f}"
        found.append(
            f"| {row['model']} | {row['trained_on']} | {row['n']} | {row['mae']:.2f} | "
            f"{row['rmse']:.2f} | {r} | {row['bias']:+.1f} | {row['mae_median']:.2f} | "
            f"{row['mae_own_median']:.2f} | {row['gain']:+.2f} "
            f"[{row['gain_lower']:+.2f}, {row['gain_upper']:+.2f}] |"
        )
    return found


def _agreement(ratios: Sequence[Mapping[str, Any]]) -> list[str]:
    found = [
        "| measure | n | ours (ml) | DLMUSE (ml) | median ratio | r |",
        "|---|---|---|---|---|---|",
    ]
    for row in ratios:
        r = "–" if np.isnan(row["pcc"]) else f"{row['pcc']:.2f}"
        found.append(
            f"| {row['measure']} | {row['n']} | {row['ours_ml']:.1f} | {row['dlmuse_ml']:.1f} | "
            f"{row['median_ratio']:.2f} | {r} |"
        )
    return found
