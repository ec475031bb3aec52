"""Tables of a cross-validation: tissues per method, regions of the compact network."""

import csv
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bids_brainage.errors import OutputError
from bids_brainage.preprocessing.regions import region_table
from bids_brainage.training.segmentation.evaluate import volume_agreement

TITLES = {
    "compact": "ResUNet, compact, whole head",
    "compact-stripped": "ResUNet, compact, skull-stripped by the labels",
    "ants-true-mask": "ANTs N4 + Atropos, given the labels' brain mask",
    "ants-our-mask": "ANTs N4 + Atropos, given the compact network's mask",
    "specified": "ResUNet as specified, given the labels' brain mask, 3 mm grid",
    "agreement": "ResUNet, compact, agreement with ANTs on brains without labels",
}
SCORES = ("brain_dice", "GM_dice", "WM_dice", "CSF_dice")
COLUMNS = ("row", "people", *(f"{s}_{p}" for s in SCORES for p in ("mean", "min", "max")))
REGION_COLUMNS = ("region", "tissue", "label_ml", "dice_mean", "dice_min", "volume_ratio",
                  "volume_r")  # fmt: skip


def read_row(folder: Path, people: Sequence[str], row: str) -> dict[str, dict[str, Any]]:
    """Collect one row over all folds: person to scores."""
    found: dict[str, dict[str, Any]] = {}
    for person in people:
        path = folder / f"fold-{person}" / f"{row}.json"
        if path.is_file():
            found |= json.loads(path.read_text(encoding="utf-8"))["people"]
    return found


def tissue_table(folder: Path, people: Sequence[str], rows: Sequence[str]) -> list[dict[str, Any]]:
    """Return mean, smallest and largest Dice of every row that was run."""
    table = []
    for row in rows:
        scores = [person["tissue"] for person in read_row(folder, people, row).values()]
        if not scores:
            continue
        line: dict[str, Any] = {"row": row, "people": len(scores)}
        for name in SCORES:
            values = np.array([s[name] for s in scores], float)
            for part, value in zip(
                ("mean", "min", "max"), (values.mean(), values.min(), values.max()), strict=True
            ):
                line[f"{name}_{part}"] = round(float(value), 4)
        table.append(line)
    return table


def regions_table(folder: Path, people: Sequence[str]) -> list[dict[str, Any]]:
    """Return Dice and agreement of volumes of every region, whole heads."""
    found = [person["regions"] for person in read_row(folder, people, "compact").values()]
    if not found:
        return []
    table = []
    for region in region_table():
        scores = [person[region.name] for person in found]
        values = np.array([s["dice"] for s in scores], float)
        values = values[~np.isnan(values)] if not np.isnan(values).all() else values[:1]
        agreement = volume_agreement([s["ml"] for s in scores], [s["label_ml"] for s in scores])
        table.append({
            "region": region.name, "tissue": region.tissue,
            "label_ml": round(float(np.mean([s["label_ml"] for s in scores])), 2),
            "dice_mean": round(float(values.mean()), 3),
            "dice_min": round(float(values.min()), 3),
            "volume_ratio": round(agreement["ratio"], 3), "volume_r": round(agreement["r"], 3),
        })  # fmt: skip
    return table


def write_tables(folder: Path, people: Sequence[str], rows: Sequence[str]) -> None:
    """Write ``crossval.tsv``, ``regions.tsv`` and ``crossval.md``.

    Raises
    ------
    OutputError
        If they cannot be written.
    """
    tissues, regions = tissue_table(folder, people, rows), regions_table(folder, people)
    try:
        _write_tsv(folder / "crossval.tsv", COLUMNS, tissues)
        if regions:
            _write_tsv(folder / "regions.tsv", REGION_COLUMNS, regions)
        (folder / "crossval.md").write_text(as_markdown(tissues, regions), encoding="utf-8")
    except OSError as error:
        raise OutputError(f"cannot write: {error.strerror}", place=folder) from error


def as_markdown(tissues: Sequence[dict[str, Any]], regions: Sequence[dict[str, Any]]) -> str:
    """Lay both tables out for reading."""
    lines = ["| method | people | brain | GM | WM | CSF |", "|---|---|---|---|---|---|"]
    for line in tissues:
        cells = [
            "{:.3f} ({:.3f}–{:.3f})".format(*(line[f"{s}_{p}"] for p in ("mean", "min", "max")))
            for s in SCORES
        ]
        lines.append(f"| {TITLES[line['row']]} | {line['people']} | {' | '.join(cells)} |")
    if regions:
        lines += [
            "",
            "| region | ml | Dice | smallest | volume ratio | r |",
            "|---|---|---|---|---|---|",
        ]
        lines += [
            f"| {r['region']} | {r['label_ml']:.1f} | {r['dice_mean']:.2f} | {r['dice_min']:.2f} "
            f"| {r['volume_ratio']:.2f} | {_number(r['volume_r'])} |"
            for r in regions
        ]
    return "\n".join(lines) + "\n"


def _number(value: float) -> str:
    return "n/a" if math.isnan(value) else f"{value:.2f}"


def _write_tsv(path: Path, columns: Sequence[str], rows: Sequence[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, columns, delimiter="\t", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
