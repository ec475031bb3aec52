"""Curves of losses over epochs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from bids_brainage.report import canvas
from bids_brainage.report.generative.style import PER_ROW, PURPLE, printable, tidy

MOST_PARTS = 12
LEFT_OUT = "validation"  # its lowest is marked
_COLOURS = (canvas.ACCENT, canvas.SECOND, PURPLE, canvas.MUTED, canvas.INK)
_STYLES = ("-", "-", "--", "-.", ":")
_FIRST = ("training", LEFT_OUT)  # of the same colours in every panel
_FALL = 30.0  # losses that fall by more are drawn on a logarithmic scale


@dataclass(frozen=True)
class Course:
    """Losses of one part of a training.

    Parameters
    ----------
    epochs
        One per row.
    losses
        By name, such as ``training`` and ``validation``; NaN where one was not told.
    """

    epochs: np.ndarray
    losses: Mapping[str, np.ndarray]


def loss_curves(parts: Mapping[str, Sequence[Course]]) -> str:
    """Draw the losses of each part over epochs.

    Parameters
    ----------
    parts
        By name; of several trainings, such as folds, each is a thin line in one panel.

    Returns
    -------
    str
        SVG text.
    """
    shown = list(parts.items())[:MOST_PARTS]
    columns = min(PER_ROW, len(shown))
    rows = -(-len(shown) // columns)
    width = 5.4 if columns == 1 else 3.3 * columns
    with canvas.drawing(width, 3.2 * rows) as figure:
        grid = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes in grid[len(shown) :]:
            axes.set_visible(False)
        for axes, (name, courses) in zip(grid, shown, strict=False):
            _panel(axes, courses)
            axes.set_title(printable(_title(name)))
        return canvas.svg(figure)


def _title(part: str) -> str:
    words = part.replace("_", " ")
    if words.partition(":")[0].lower() in ("gan", "wgan"):
        return words[:3].upper() + words[3:]
    return words[:1].upper() + words[1:]


def _panel(axes: Axes, courses: Sequence[Course]) -> None:
    found = dict.fromkeys(name for course in courses for name in course.losses)
    others = [name for name in found if name not in _FIRST]
    start = 0 if len(others) == len(found) else len(_FIRST)
    number = {name: start + i for i, name in enumerate(others)} | {_FIRST[0]: 0, _FIRST[1]: 1}
    for name in sorted(found, key=lambda name: number[name]):
        _loss(axes, name, number[name], courses)
    _scale(axes, courses)
    axes.set(xlabel="Epoch", ylabel="Loss")
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.margins(y=0.12)
    tidy(axes, "both")
    if axes.lines:
        axes.legend(loc="upper left", bbox_to_anchor=(-0.02, -0.2), frameon=False,
                    fontsize=8, handlelength=1.8, labelspacing=0.25)  # fmt: skip


def _loss(axes: Axes, name: str, number: int, courses: Sequence[Course]) -> None:
    colour, label = _COLOURS[number % len(_COLOURS)], printable(name.replace("_", " "))
    one = len(courses) == 1
    lowest: list[tuple[float, float]] = []
    for course in courses:
        values = course.losses.get(name, np.empty(0))
        known = np.isfinite(values)
        if not known.any():
            continue
        axes.plot(
            course.epochs[known], values[known], label=label, color=colour,
            linestyle=_STYLES[number % len(_STYLES)], linewidth=1.5 if one else 0.8,
            alpha=1 if one else 0.75, marker="o" if known.sum() == 1 else "",
        )  # fmt: skip
        label = "_"  # the others of the same kind are not in the legend
        best = int(np.argmin(np.where(known, values, np.inf)))
        lowest.append((float(course.epochs[best]), float(values[best])))
    if name == LEFT_OUT and lowest:
        at, value = np.array(lowest).T
        told = f"lowest: {value[0]:.3g}, epoch {at[0]:g}" if one else (
            f"lowest: {value.mean():.3g} on average"
        )  # fmt: skip
        axes.plot(at, value, "o", color=colour, markersize=6 if one else 4.5,
                  markeredgecolor="white", zorder=5, label=told)  # fmt: skip


def _scale(axes: Axes, courses: Sequence[Course]) -> None:
    values = np.concatenate([v for course in courses for v in course.losses.values()])
    values = values[np.isfinite(values)]
    if values.size and values.min() > 0 and values.max() / values.min() > _FALL:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
