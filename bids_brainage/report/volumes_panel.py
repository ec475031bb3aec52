"""Volumes of tissues and regions of a raw T1w as a figure and tables."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from bids_brainage.report import canvas
from bids_brainage.report.pages import decimals, percent
from bids_brainage.report.panel import Panel, save_figure
from bids_brainage.report.reading import number

TISSUES = {"GM": "Grey matter", "WM": "White matter", "CSF": "Cerebrospinal fluid"}
_COLOURS = {"GM": "#6f8f7d", "WM": "#c9d3da", "CSF": "#7fb2d6"}
TOTAL = "ICV"
_LARGE_CM3 = 25.0
Pairs = dict[str, tuple[float, float]]


@dataclass(frozen=True)
class VolumesPanel:
    """Figure and tables of one session.

    Parameters
    ----------
    tissues
        Rows of name, cm3 and share of the intracranial volume.
    paired
        Rows of structure, left, right (cm3) and asymmetry.
    single
        Rows of structure and cm3.
    """

    panel: Panel
    tissues: list[tuple[str, str, str]]
    paired: list[tuple[str, str, str, str]]
    single: list[tuple[str, str]]


def volumes_panel(
    output_dir: Path, folder: Path, stem: str, rows: tuple[dict[str, str], ...]
) -> VolumesPanel:
    """Draw and list volumes.

    Parameters
    ----------
    rows
        ``measure value unit`` of the volumes table, mm3.

    Raises
    ------
    OutputError
        If the figure cannot be written.
    """
    values = {row.get("measure", ""): number(row.get("value")) / 1000 for row in rows}
    total = values.get(TOTAL, float("nan"))
    tissues = {name: values.get(name, float("nan")) for name in TISSUES}
    pairs, single = _regions(values)
    text = _draw(tissues, total, pairs)
    source = save_figure(output_dir, folder, f"{stem}_desc-volumes_morph.svg", text)
    alt = f"Tissue volumes as bars and {len(pairs)} structures left and right, also in the tables."
    caption = (
        "Volumes of the raw T1w in native space. Left and right of a healthy brain are close; a "
        "large difference in one structure is more often an error of the segmentation than a "
        "finding."
    )
    listed = [("Intracranial volume", decimals(total, 0), "")]
    listed += [
        (TISSUES[name], decimals(value, 0), percent(value / total) if total > 0 else "n/a")
        for name, value in tissues.items()
    ]
    paired = [
        (name, decimals(left), decimals(right), _asymmetry(left, right))
        for name, (left, right) in pairs.items()
    ]
    return VolumesPanel(
        Panel(source, "Volumes", alt, caption),
        listed,
        paired,
        [(name, decimals(value)) for name, value in single.items()],
    )


def readable(name: str) -> str:
    """Words of a region name in camel case; abbreviations stay."""
    words = re.findall(r"[A-Z]{2,}(?![a-z])|[A-Z][a-z]+|[^A-Z\s]+", name.replace("_", " "))
    text = " ".join(word if word.isupper() else word.lower() for word in words)
    return text[:1].upper() + text[1:]


def _regions(values: dict[str, float]) -> tuple[Pairs, dict[str, float]]:
    pairs: Pairs = {}
    single: dict[str, float] = {}
    for name, value in values.items():
        if name in TISSUES or name == TOTAL:
            continue
        side, mark, plain = name.partition("-")
        if mark and side in ("Left", "Right"):
            left, right = pairs.get(readable(plain), (float("nan"), float("nan")))
            pairs[readable(plain)] = (value, right) if side == "Left" else (left, value)
        else:
            single[readable(name)] = value
    return pairs, single


def _asymmetry(left: float, right: float) -> str:
    """Left minus right in percent of their mean."""
    mean = (left + right) / 2
    return f"{decimals(100 * (left - right) / mean, 0, signed=True)} %" if mean > 0 else "n/a"


def _draw(tissues: dict[str, float], total: float, pairs: Pairs) -> str:
    found = {n: p for n, p in pairs.items() if np.isfinite(p).any()}
    large = {n: p for n, p in found.items() if np.nanmax(p) >= _LARGE_CM3}
    small = {n: p for n, p in found.items() if n not in large}
    height = 0.24 * max(len(small), len(large), 4) if found else 0.0
    with canvas.drawing(9.6, 1.7 + height) as figure:
        layout = "TT;SL" if found else "TT"
        ratios = [1.0, height] if found else [1.0]
        parts = figure.subplot_mosaic(layout, height_ratios=ratios)
        _bar(parts["T"], tissues, total)
        if found:
            _pairs(parts["S"], small, "Smaller structures")
            _pairs(parts["L"], large, "Larger structures")
        return canvas.svg(figure)


def _bar(axes: Axes, tissues: dict[str, float], total: float) -> None:
    axes.set_title("Tissues")
    start = 0.0
    for name, value in tissues.items():
        if not np.isfinite(value):
            continue
        axes.barh(0, value, left=start, color=_COLOURS[name], edgecolor="white", height=0.7)
        share = f"\n{100 * value / total:.0f} %" if total > 0 else ""
        text = f"{name}\n{value:.0f} cm³{share}"
        axes.text(start + value / 2, 0, text, ha="center", va="center", fontsize=8)
        start += value
    axes.set(yticks=[], xticks=[], ylim=(-0.4, 0.4), xlim=(0, max(start, 1.0)))
    axes.spines[:].set_visible(False)


def _pairs(axes: Axes, pairs: Pairs, title: str) -> None:
    axes.set_title(title)
    axes.set_xlabel("Volume (cm³)")
    canvas.bare(axes)
    if not pairs:
        axes.text(0.5, 0.5, "none measured", transform=axes.transAxes, ha="center")
        axes.set_yticks([])
        return
    rows = np.arange(len(pairs))[::-1]
    left, right = np.array(list(pairs.values()), dtype=float).T
    axes.hlines(rows, np.fmin(left, right), np.fmax(left, right), color=canvas.MISSING)
    axes.scatter(left, rows, s=26, color=canvas.ACCENT, label="left", zorder=3)
    axes.scatter(right, rows, s=26, color=canvas.SECOND, marker="D", label="right", zorder=3)
    axes.set_yticks(rows, list(pairs))
    axes.set_xlim(left=0)
    axes.grid(axis="x")
    axes.set_axisbelow(True)
    axes.legend(frameon=False, loc="best", fontsize=8)
