"""Which regions make a predicted age older or younger, and which connections."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from bids_brainage.report import canvas, figures
from bids_brainage.report.connectome_panel import region_centres
from bids_brainage.report.pages import decimals, years
from bids_brainage.report.panel import Panel, save_figure
from bids_brainage.report.reading import NumericTable, SessionDerivatives, number

MOST = 10
MOST_EDGES = 40
LONGEST = 46
WORDS = {
    "morphometry": "FreeSurfer's thickness and volumes",
    "connectivity": "connections",
    "volumes": "volumes of the raw T1w",
}
Named = tuple[str, float]


def explanation_panels(
    output_dir: Path, folder: Path, stem: str, session: SessionDerivatives
) -> list[Panel]:
    """Draw the strongest regions of each model and input, and the strongest connections.

    Raises
    ------
    OutputError
        If a figure cannot be written.
    """
    rows = session.explanation
    panels: list[Panel] = []
    for model, modality in dict.fromkeys((r["model"], r["modality"]) for r in rows):
        mine = [r for r in rows if (r["model"], r["modality"]) == (model, modality)]
        regions, groups = _named(mine, "region"), _named(mine, "group")
        if not any(value for _, value in regions):
            continue
        name = f"{stem}_model-{re.sub('[^0-9A-Za-z]', '', model)}_desc-explanation_{modality}"
        what = WORDS.get(modality, modality)
        source = save_figure(output_dir, folder, f"{name}.svg", bars(regions, groups))
        panels.append(
            Panel(
                source,
                f"Model {model}: {what}",
                _alt(what, regions),
                _caption(session.explanation_sidecar, model, modality, groups),
            )
        )
        panels += _edges(output_dir, folder, f"{name}edges.svg", mine, session)
    return panels


def bars(regions: Sequence[Named], groups: Sequence[Named]) -> str:
    """Draw the regions that add and take most, and all groups, as bars in years.

    Returns
    -------
    str
        SVG text.
    """
    chosen = strongest(regions)
    height = max(1.2 + 0.21 * len(chosen), 1.2 + 0.24 * len(groups))
    with canvas.drawing(9.6, height) as figure:
        left, right = figure.subplots(1, 2, width_ratios=(1.5, 1))
        _bars(left, chosen, f"Regions: up to {MOST} each way")
        _bars(right, sorted(groups, key=lambda item: -item[1]), "Lobes and groups")
        return canvas.svg(figure)


def strongest(named: Sequence[Named], most: int = MOST) -> list[Named]:
    """List what adds most, largest first, and then what takes most, largest last."""
    order = sorted((item for item in named if item[1]), key=lambda item: -item[1])
    up = [item for item in order if item[1] > 0][:most]
    down = [item for item in order if item[1] < 0][-most:]
    return up + down


def _bars(axes: Axes, named: Sequence[Named], title: str) -> None:
    axes.set_title(title)
    axes.set_xlabel("Years")
    canvas.bare(axes)
    values = np.array([value for _, value in named])
    places = np.arange(len(named))[::-1]
    colours = [canvas.SECOND if value > 0 else canvas.ACCENT for value in values]
    axes.barh(places, values, color=colours, height=0.72)
    axes.axvline(0, color=canvas.MUTED, linewidth=0.8)
    axes.set_yticks(places, [_short(name) for name, _ in named])
    axes.set_ylim(-0.6, len(named) - 0.4)
    axes.grid(axis="x")
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    axes.margins(x=0.08)


def _short(name: str) -> str:
    for word, short in (("anterior", "ant."), ("posterior", "post."), (" division", ""),
                        ("Cingulate", "Cing."), (" Gyrus", " G."), (" Cortex", " C."),
                        ("sulcus", "s."), ("gyrus", "g.")):  # fmt: skip
        if len(name) <= LONGEST:
            break
        name = name.replace(word, short)
    return name


def _named(rows: Sequence[dict[str, str]], level: str) -> list[Named]:
    found = ((r.get("name", ""), number(r.get("contribution"))) for r in rows
             if r.get("level") == level)  # fmt: skip
    return [item for item in found if np.isfinite(item[1])]


def _alt(what: str, regions: Sequence[Named]) -> str:
    chosen = strongest(regions, 3)
    listed = ", ".join(f"{name} {years(value, True)}" for name, value in chosen)
    return f"Bars of the regions whose {what} add or take most years: {listed}."


def _caption(sidecar: dict[str, Any], model: str, modality: str, groups: Sequence[Named]) -> str:
    total = sum(value for _, value in groups)
    text = f"Orange makes the scan look older, blue younger; in all {years(total, True)} years."
    models = sidecar.get("Models")
    about = models.get(model) if isinstance(models, dict) else None
    if isinstance(about, dict):
        base = number(about.get("PredictedAgeOfTypicalPerson"))
        predicted = number(about.get("PredictedAge"))
        text += (
            f" The model predicts {years(base)} years for the typical person with the same "
            f"inputs, and {years(predicted)} for this scan."
        )
    if modality == "connectivity":
        text += " Half of each connection counts for each of its two regions."
    return text


def _edges(
    output_dir: Path, folder: Path, name: str, rows: Sequence[dict[str, str]],
    session: SessionDerivatives,
) -> list[Panel]:  # fmt: skip
    """Glass brain of the strongest connections, where the places of the regions are known."""
    edges = [item for item in _named(rows, "measure") if "~" in item[0] and item[1]][:MOST_EDGES]
    for table, places in _tables(session):
        position = {region: i for i, region in enumerate(table.regions)}
        matrix = np.zeros((len(position), len(position)))
        for edge, value in edges:
            a, _, b = edge.partition("~")
            if a in position and b in position:
                matrix[position[a], position[b]] = matrix[position[b], position[a]] = value
        used = matrix.any(axis=0)
        limit = float(np.abs(matrix).max()) if matrix.size else 0.0
        if np.isfinite(places[used]).all(axis=1).sum() < 2 or not limit:
            continue
        picture = figures.glass_brain(matrix[np.ix_(used, used)], places[used], limit * 1e-6, limit)
        count = int(np.count_nonzero(np.triu(matrix)))
        caption = (
            f"The {count} connections that add (red) or take (blue) most, at most "
            f"{decimals(limit)} years each: no connection matters much by itself."
        )
        alt = f"Glass brain from the left, above and the right with {count} connections."
        source = save_figure(output_dir, folder, name, picture)
        return [Panel(source, "Connections that matter most", alt, caption)]
    return []


def _tables(session: SessionDerivatives) -> Iterator[tuple[NumericTable, np.ndarray]]:
    for table in session.connectivity:
        places = region_centres(table, session)
        if places is not None:
            yield table, places
