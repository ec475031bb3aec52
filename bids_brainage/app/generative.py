"""Draw what a training, cross-validation or test of generative models left in its folder."""

import math
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bids_brainage.bids.outputs import read_json, read_tsv, write_bytes, write_text
from bids_brainage.bids.tables import read_table
from bids_brainage.errors import InputError
from bids_brainage.report.generative.brains import Brain, generated, mean_brains
from bids_brainage.report.generative.losses import Course, loss_curves
from bids_brainage.report.generative.people import Bar, Components, components, importance

FIGURES = "figures"
_BROKEN = (
    KeyError, ValueError, TypeError, IndexError, OSError, EOFError, zipfile.BadZipFile,
)  # fmt: skip
_LOSS = "_loss"
Row = Mapping[str, str]
Draw = Callable[[Path], str | bytes | None]


def draw_figures(folder: Path) -> list[Path]:
    """Draw each data file of figures that lies in a folder, into its folder ``figures``.

    Returns
    -------
    list[Path]
        The figures, none where there is nothing to draw.

    Raises
    ------
    InputError, OutputError
        If a file is not what it should be, or a figure cannot be written.
    """
    drawn = []
    for path, name, draw in _found(folder):
        try:
            picture = draw(path)
        except _BROKEN as error:
            raise InputError(f"cannot draw {path.name}: {error}", place=path) from error
        place = folder / FIGURES / name
        if isinstance(picture, str):
            drawn.append(write_text(place, picture))
        elif picture is not None:
            drawn.append(write_bytes(place, picture))
    return drawn


def _found(folder: Path) -> list[tuple[Path, str, Draw]]:
    """Files with data, the name of each figure, and what draws it."""
    courses = sorted(folder.glob("training*.csv"))
    found: list[tuple[Path, str, Draw]] = [
        (path, path.stem.replace("training", "losses") + ".svg", _losses) for path in courses
    ]
    return found + [(folder / s, name, draw) for s, name, draw in _DRAWN if (folder / s).is_file()]


def _losses(path: Path) -> str | None:
    table = read_table(path)
    if table is None or table.problem or not table.rows:
        return None
    rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    names = [name for name in table.columns if name.endswith(_LOSS)]
    panels: dict[str, list[Course]] = {}
    for part in dict.fromkeys(row["part"] for row in rows):
        mine = [row for row in rows if row["part"] == part]
        losses = {name.removesuffix(_LOSS): _numbers(mine, name) for name in names}
        told = {name: values for name, values in losses.items() if np.isfinite(values).any()}
        if told:
            course = Course(_numbers(mine, "epoch"), told)
            panels.setdefault(_without_fold(part), []).append(course)
    return loss_curves(panels) if panels else None


def _without_fold(part: str) -> str:
    """Name of the panel that all folds of a part share."""
    return re.sub(r"(^|,? )fold \d+$", lambda found: ", folds" if found[1] else "folds", part)


def _components(path: Path) -> bytes | None:
    rows = read_tsv(path)
    shares = read_json(path.with_suffix(".json"))
    features: dict[str, Components] = {}
    mine: list[dict[str, str]] = []
    for name in dict.fromkeys(row["features"] for row in rows):
        mine = [row for row in rows if row["features"] == name]
        points = np.stack([_numbers(mine, "first"), _numbers(mine, "second")], axis=1)
        features[name] = Components(points, (float(shares[name][0]), float(shares[name][1])))
    # Everyone stands in the same order in all features.
    return (
        components(features, [row["sex"] for row in mine], _numbers(mine, "age")) if mine else None
    )


def _importance(path: Path) -> str | None:
    targets: dict[str, tuple[str, list[Bar]]] = {}
    for row in sorted(read_tsv(path), key=lambda row: float(row["rank"])):
        names = tuple(row["measures"].split("; "))
        spread = _number(row.get("importance_sd"))
        bar = Bar(names, float(row["importance"]), spread if math.isfinite(spread) else 0.0)
        targets.setdefault(row["target"], (row["unit"], []))[1].append(bar)
    ordered = {name: targets[name] for name in sorted(targets)}
    return importance(ordered) if ordered else None


def _brains(path: Path) -> bytes | None:
    told: list[dict[str, Any]] = read_json(path.with_suffix(".json"))
    rows, columns = (_places([one[axis] for one in told]) for axis in ("row", "column"))
    with np.load(path, allow_pickle=False) as volumes:
        brains = [
            Brain(
                np.asarray(volumes[one["name"]], float),
                str(one["title"]),
                rows[one["row"]],
                columns[one["column"]],
                bool(one.get("difference", str(one["name"]).startswith("difference"))),
            )
            for one in told
        ]
    return mean_brains(brains) if brains else None


def _places(found: Sequence[Any]) -> dict[Any, int]:
    """Numbers in their order, words in the order in which they come first."""
    numbers = all(isinstance(one, int) for one in found)
    ordered = sorted(set(found)) if numbers else list(dict.fromkeys(found))
    return {one: place for place, one in enumerate(ordered)}


def _generated(path: Path) -> bytes | None:
    titles = {"real": "real", "generated": "generated", "nearest": "nearest\nin training"}
    with np.load(path, allow_pickle=False) as volumes:
        rows = {t: volumes[name] for name, t in titles.items() if name in volumes.files}
    return generated(rows) if rows else None


def _numbers(rows: Sequence[Row], name: str) -> np.ndarray:
    return np.array([_number(row.get(name)) for row in rows])


def _number(cell: str | None) -> float:
    return float("nan") if cell in (None, "", "n/a") else float(cell)


_DRAWN: tuple[tuple[str, str, Draw], ...] = (
    ("components.tsv", "components.png", _components),
    ("importance.tsv", "importance.svg", _importance),
    ("brains.npz", "mean_brains.png", _brains),
    ("generated.npz", "generated.png", _generated),
)
