"""Mosaics of slices with contours, as small pictures; left is left."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from bids_brainage.report import canvas
from bids_brainage.report.reading_images import Volume

PIXEL_MM = 1.0
MARGIN_MM = 10.0
WIDTH = 9.4
_BAND = 0.26
_ACROSS = {"x": (1, 2), "y": (0, 2), "z": (0, 1)}
_SIDES = {"x": ("P", "A"), "y": ("L", "R"), "z": ("L", "R")}


@dataclass(frozen=True)
class Contour:
    """An outline drawn over the slices.

    Parameters
    ----------
    mask
        Drawn at half height.
    name
        For the legend.
    """

    mask: Volume
    colour: str
    name: str
    width: float = 1.0


@dataclass(frozen=True)
class Row:
    """Slices of one image in one direction.

    Parameters
    ----------
    image
        Shown in grey, scaled to the values in the brain.
    axis
        ``x`` sagittal, ``y`` coronal, ``z`` axial.
    places
        World coordinates of the slices, mm.
    name
        Written beside the row; empty for none.
    """

    image: Volume
    axis: str
    places: tuple[float, ...]
    contours: tuple[Contour, ...] = ()
    name: str = ""


@dataclass(frozen=True)
class Box:
    """World box that the slices show, mm.

    Parameters
    ----------
    low, high
        Corners, with margin.
    brain
        Points of the brain, points x 3, from which slices are chosen.
    """

    low: np.ndarray
    high: np.ndarray
    brain: np.ndarray = field(repr=False)

    def places(self, axis: str, count: int = 7) -> tuple[float, ...]:
        """Evenly spaced slices through the brain, its outermost parts left out."""
        along = self.brain[:, "xyz".index(axis)]
        ends = along.min(), along.max()
        reach = ends[1] - ends[0]
        inner = np.linspace(ends[0] + 0.12 * reach, ends[1] - 0.10 * reach, count)
        return tuple(float(v) for v in inner)


def brain_box(mask: Volume, margin: float = MARGIN_MM) -> Box | None:
    """Box around a brain mask; None if the mask is empty."""
    points = mask.points
    if not len(points):
        return None
    return Box(points.min(axis=0) - margin, points.max(axis=0) + margin, points)


def mosaic(rows: list[Row], box: Box) -> bytes:
    """Draw rows of slices at one scale.

    Returns
    -------
        PNG bytes.
    """
    sizes = box.high - box.low
    count = max(len(row.places) for row in rows)
    widths = [sizes[_ACROSS[row.axis][0]] for row in rows]
    inch = (WIDTH - 0.02) / (count * max(widths))
    heights = [sizes[_ACROSS[row.axis][1]] * inch for row in rows]
    height = _BAND + sum(heights)
    with canvas.drawing(WIDTH, height) as figure:
        figure.set_layout_engine("none")
        figure.add_artist(Rectangle((0, 0), 1, 1 - _BAND / height, color="black", zorder=-1))
        top = height - _BAND
        for row, row_height in zip(rows, heights, strict=True):
            top -= row_height
            _draw_row(figure, row, box, count, top / height, row_height / height)
        _legend(figure, rows, 1 - _BAND / height)
        return canvas.png(figure)


def _draw_row(figure: Figure, row: Row, box: Box, count: int, bottom: float, height: float) -> None:
    tiles = [_slice_points(box, row.axis, place) for place in row.places]
    pictures = [row.image.sample(points) for points, _ in tiles]
    low, high = _grey_range(row.image.sample(box.brain[:: max(1, len(box.brain) // 20_000)]))
    for i, ((points, extent), picture) in enumerate(zip(tiles, pictures, strict=True)):
        axes = figure.add_axes((i / count, bottom, 1 / count, height), facecolor="black")
        axes.imshow(
            picture.T,
            cmap="gray",
            vmin=low,
            vmax=high,
            origin="lower",
            extent=extent,
            interpolation="bilinear",
        )
        for contour in row.contours:
            _outline(axes, contour, points, extent)
        axes.set(xlim=extent[:2], ylim=extent[2:], xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
        _annotate(axes, row, i)


def _slice_points(
    box: Box, axis: str, place: float
) -> tuple[np.ndarray, tuple[float, float, float, float]]:
    across, up = _ACROSS[axis]
    first = np.arange(box.low[across], box.high[across] + PIXEL_MM, PIXEL_MM)
    second = np.arange(box.low[up], box.high[up] + PIXEL_MM, PIXEL_MM)
    points = np.empty((len(first), len(second), 3))
    points[..., "xyz".index(axis)] = place
    points[..., across], points[..., up] = np.meshgrid(first, second, indexing="ij")
    half = PIXEL_MM / 2
    extent = (first[0] - half, first[-1] + half, second[0] - half, second[-1] + half)
    return points, extent


def _outline(
    axes: Axes, contour: Contour, points: np.ndarray, extent: tuple[float, float, float, float]
) -> None:
    mask = contour.mask.sample(points)
    if mask.max() <= 0.5 or mask.min() > 0.5:
        return
    axes.contour(
        mask.T,
        levels=[0.5],
        colors=[contour.colour],
        linewidths=contour.width,
        origin="lower",
        extent=extent,
    )


def _annotate(axes: Axes, row: Row, number: int) -> None:
    style: dict[str, Any] = {"transform": axes.transAxes, "color": "#e8e8e8", "fontsize": 7}
    style["path_effects"] = [withStroke(linewidth=1.6, foreground="black")]
    axes.text(0.5, 0.015, f"{row.axis} = {row.places[number]:.0f}", ha="center", **style)
    if number == 0:
        left, right = _SIDES[row.axis]
        axes.text(0.02, 0.5, left, va="center", **style)
        axes.text(0.98, 0.5, right, va="center", ha="right", **style)
        if row.name:
            axes.text(0.03, 0.98, row.name, va="top", **style | {"color": "white"})


def _grey_range(brain: np.ndarray) -> tuple[float, float]:
    """Grey values from 0 (or below) to a little above the brain's."""
    inside = brain[np.isfinite(brain) & (brain != 0)]
    if not inside.size:
        return 0.0, 1.0
    low, high = np.percentile(inside, [1, 99])
    high += 0.1 * abs(high)
    return float(min(low, 0.0)), float(high) if high > low else float(low) + 1


def _legend(figure: Figure, rows: list[Row], bottom: float) -> None:
    contours = {c.name: c for row in rows for c in row.contours}
    lines = [Line2D([], [], color=c.colour, linewidth=2) for c in contours.values()]
    if lines:
        figure.legend(
            lines,
            list(contours),
            loc="lower left",
            bbox_to_anchor=(0.0, bottom, 1.0, 1 - bottom),
            ncols=len(lines),
            frameon=False,
            fontsize=8,
            borderpad=0.1,
            borderaxespad=0.1,
            handlelength=1.6,
        )
