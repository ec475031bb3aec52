"""Slices of mean, decoded and generated brains, each picture at one scale; left is left."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bids_brainage.report import canvas
from bids_brainage.report.generative.style import printable

WIDTH = 9.4
MOST_COLUMNS = 4
MOST_ROWS = 8
MOST_GENERATED = 8
PLACES = (0.46, 0.55, 0.5)  # of slices, as a share of the brain: axial, coronal, sagittal
FAINT = 0.15  # background, as a share of the brightest voxel
_TITLE = 0.24
_GAP = 0.08
_BAR = 0.5
_SIDE = 0.92
_LIGHT = "#f2f2f2"


@dataclass(frozen=True)
class Brain:
    """One brain of a picture.

    Parameters
    ----------
    volume
        x, y, z from left to right, back to front, below to above.
    title
        Above its slices.
    row, column
        Its place in the picture, any numbers.
    difference
        Drawn in colours around 0, with a scale of its own.
    """

    volume: np.ndarray
    title: str
    row: int = 0
    column: int = 0
    difference: bool = False


def mean_brains(brains: Sequence[Brain]) -> bytes:
    """Draw an axial, a coronal and a sagittal slice of each brain.

    Returns
    -------
    bytes
        PNG. All brains share one grey scale, all differences one of colours.
    """
    rows = {row: i for i, row in enumerate(sorted({b.row for b in brains})[:MOST_ROWS])}
    columns = {c: i for i, c in enumerate(sorted({b.column for b in brains})[:MOST_COLUMNS])}
    shown = [b for b in brains if b.row in rows and b.column in columns]
    grey = _limits([b.volume for b in shown if not b.difference])
    colour = _reach([b.volume for b in shown if b.difference])
    bright = _bright([b.volume for b in shown if not b.difference] or [b.volume for b in shown])
    box = _box(bright)
    sizes = [b.stop - b.start for b in box]
    across = sizes[0] * 2 + sizes[1]
    inch = ((WIDTH - _GAP * (len(columns) + 1)) / len(columns)) / across
    inch = min(inch, 1.9 / max(sizes))
    width = len(columns) * (across * inch + _GAP) + _GAP
    tall = max(sizes[1], sizes[2]) * inch
    foot = _BAR if colour else 0.0
    height = len(rows) * (tall + _TITLE) + _GAP + foot
    with canvas.drawing(max(width, 3.6), height) as figure:
        _black(figure)
        shift = max(3.6 - width, 0) / 2
        for brain in shown:
            x = shift + _GAP + columns[brain.column] * (across * inch + _GAP)
            top = height - rows[brain.row] * (tall + _TITLE)
            _text(
                figure,
                x,
                top - _TITLE / 2,
                printable(brain.title[:1].upper() + brain.title[1:], 60),
                fontsize=8.5,
            )
            limits = (-colour, colour) if brain.difference else grey
            inside = np.where(bright, brain.volume, np.nan) if brain.difference else brain.volume
            for which, picture in enumerate(_slices(inside, box)):
                wide, high = picture.shape[0] * inch, picture.shape[1] * inch
                axes = _tile(figure, x, top - _TITLE - (tall + high) / 2, wide, high)
                _show(axes, picture, limits, "RdBu_r" if brain.difference else "gray")
                if which == 0 and not brain.difference:
                    _sides(figure, x, top - _TITLE - tall / 2, wide)
                x += wide
        if colour:
            _colour_bar(figure, colour)
        return canvas.png(figure)


def generated(rows: Mapping[str, np.ndarray]) -> bytes:
    """Draw brains in rows, an axial and a sagittal slice of each.

    Parameters
    ----------
    rows
        Brains x, y, z by name of the row, such as ``real``, ``generated`` and ``nearest``; the
        first row tells what part of the image is drawn.

    Returns
    -------
    bytes
        PNG; each row has a grey scale of its own, for real and generated values may differ.
    """
    count = min(max(len(volumes) for volumes in rows.values()), MOST_GENERATED)
    # Generated ones may be noise that fills the image.
    box = _box(_bright(next(iter(rows.values()))[:count]))
    sizes = [b.stop - b.start for b in box]
    inch = min((WIDTH - _SIDE) / (count * max(sizes[0], sizes[1])), 1.6 / max(sizes))
    cell = max(sizes[0], sizes[1]) * inch
    band = (sizes[1] + sizes[2]) * inch + _GAP
    width, height = _SIDE + count * cell + _GAP, len(rows) * band + _GAP
    with canvas.drawing(width, height) as figure:
        _black(figure)
        for i, (name, volumes) in enumerate(rows.items()):
            top = height - i * band - _GAP
            for line, word in enumerate(name.split("\n")):
                _text(figure, 0.08, top - band / 2 + 0.16 - 0.17 * line, printable(word, 14),
                      fontsize=9 if line == 0 else 8)  # fmt: skip
            limits = _limits(list(volumes[:count]))
            for k, volume in enumerate(volumes[:count]):
                y = top
                for picture in _slices(volume, box)[::2]:
                    wide, high = picture.shape[0] * inch, picture.shape[1] * inch
                    y -= high
                    x = _SIDE + k * cell + (cell - wide) / 2
                    _show(_tile(figure, x, y, wide, high), picture, limits)
        return canvas.png(figure)


def _slices(volume: np.ndarray, box: tuple[slice, slice, slice]) -> list[np.ndarray]:
    """Axial, coronal and sagittal slice of what lies in a box, first axis across."""
    cut = np.asarray(volume, float)[box]
    at = [int(share * size) for share, size in zip(PLACES, cut.shape[::-1], strict=True)]
    return [cut[:, :, at[0]], cut[:, at[1], :], cut[at[2], :, :]]


def _bright(volumes: Iterable[np.ndarray]) -> np.ndarray:
    """Voxels that are no background in any of them."""
    found = [np.abs(v) / max(float(np.abs(v).max()), 1e-9) > FAINT for v in volumes]
    return np.asarray(np.any(found, axis=0))


def _box(bright: np.ndarray) -> tuple[slice, slice, slice]:
    """Box around what is bright with a voxel of margin; everything where nothing is."""
    ends = []
    for axis in range(3):
        others = tuple(i for i in range(3) if i != axis)
        places = np.flatnonzero(bright.any(axis=others))
        size = bright.shape[axis]
        first, last = (places[0], places[-1]) if places.size else (0, size - 1)
        ends.append(slice(max(int(first) - 1, 0), min(int(last) + 2, size)))
    return ends[0], ends[1], ends[2]


def _limits(volumes: Sequence[np.ndarray]) -> tuple[float, float]:
    """Grey values from 0 (or below) to a little above the brains'."""
    values = np.concatenate([np.ravel(v) for v in volumes]) if volumes else np.zeros(1)
    high = float(np.percentile(values, 99.5))
    low = min(float(np.percentile(values, 1)), 0.0)
    return low, high if high > low else low + 1


def _reach(volumes: Sequence[np.ndarray]) -> float:
    values = np.concatenate([np.ravel(np.abs(v)) for v in volumes]) if volumes else np.zeros(1)
    return float(np.percentile(values, 99.5)) or float(values.max())


def _black(figure: Figure) -> None:
    figure.set_layout_engine("none")
    figure.set_facecolor("black")


def _tile(figure: Figure, x: float, y: float, wide: float, high: float) -> Axes:
    width, height = figure.get_size_inches()
    axes = figure.add_axes((x / width, y / height, wide / width, high / height))
    axes.set_axis_off()
    return axes


def _show(
    axes: Axes, picture: np.ndarray, limits: tuple[float, float], colours: str = "gray"
) -> None:
    # Colours by blocks: an average with what is left out would be left out, too.
    smooth = "bilinear" if np.isfinite(picture).all() else "nearest"
    axes.imshow(picture.T, cmap=colours, vmin=limits[0], vmax=limits[1], origin="lower",
                interpolation=smooth, aspect="auto")  # fmt: skip


def _text(figure: Figure, x: float, y: float, words: str, **style: Any) -> None:
    width, height = figure.get_size_inches()
    figure.text(x / width, y / height, words, color=_LIGHT, va="center", **style)


def _sides(figure: Figure, x: float, y: float, wide: float) -> None:
    _text(figure, x + 0.02, y, "L", fontsize=7)
    _text(figure, x + wide - 0.02, y, "R", fontsize=7, ha="right")


def _colour_bar(figure: Figure, reach: float) -> None:
    width, height = figure.get_size_inches()
    axes = figure.add_axes(((width / 2 - 1.3) / width, 0.3 / height, 2.6 / width, 0.09 / height))
    axes.imshow(np.linspace(-1, 1, 128)[None], cmap="RdBu_r", aspect="auto",
                extent=(-reach, reach, 0, 1))  # fmt: skip
    axes.set_yticks([])
    axes.tick_params(colors=_LIGHT, labelcolor=_LIGHT, labelsize=7.5, length=2)
    axes.set_xticks([-reach, 0, reach], [f"\N{MINUS SIGN}{reach:.2g}", "0", f"{reach:.2g}"])
    axes.spines[:].set_visible(False)
    _text(figure, width / 2 + 1.45, 0.34, "difference", fontsize=7.5)
