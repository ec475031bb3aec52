"""Curves of losses over epochs."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from bids_brainage.report import canvas
from bids_brainage.report.generative.style import PER_ROW, PURPLE, printable, tidy

MOST_PARTS = 12
_COLOURS = (canvas.ACCENT, canvas.SECOND, PURPLE, canvas.MUTED, canvas.INK)
_STYLES = ("-", "-", "--", "-.", ":")
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


def loss_curves(parts: Mapping[str, Course]) -> str:
    """Draw the losses of each part over epochs, the best of validation marked.

    Returns
    -------
    str
        SVG text.
    """
    shown = list(parts.items())[:MOST_PARTS]
    columns = min(PER_ROW, len(shown))
    rows = -(-len(shown) // columns)
    width = 5.4 if columns == 1 else 3.3 * columns
    with canvas.drawing(width, 2.75 * rows) as figure:
        grid = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes in grid[len(shown) :]:
            axes.set_visible(False)
        for axes, (name, course) in zip(grid, shown, strict=False):
            _course(axes, course)
            axes.set_title(printable(_title(name)))
        return canvas.svg(figure)


def _title(part: str) -> str:
    words = part.replace("_", " ")
    return words.upper() if words in ("gan", "wgan") else words[:1].upper() + words[1:]


def _course(axes: Axes, course: Course) -> None:
    low, high = np.inf, 0.0
    for i, (name, values) in enumerate(course.losses.items()):
        known = np.isfinite(values)
        if not known.any():
            continue
        low, high = min(low, float(values[known].min())), max(high, float(values[known].max()))
        axes.plot(
            course.epochs[known], values[known], label=printable(name.replace("_", " ")),
            color=_COLOURS[i % len(_COLOURS)], linestyle=_STYLES[i % len(_STYLES)], linewidth=1.5,
            marker="o" if known.sum() == 1 else "",
        )  # fmt: skip
        if name == "validation":
            best = int(np.argmin(np.where(known, values, np.inf)))
            axes.plot(
                course.epochs[best], values[best], "o", color=_COLOURS[i], markersize=6,
                markeredgecolor="white", zorder=5,
                label=f"lowest: {values[best]:.3g}, epoch {course.epochs[best]:g}",
            )  # fmt: skip
    if low > 0 and high / low > _FALL:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set(xlabel="Epoch", ylabel="Loss")
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.margins(y=0.12)
    tidy(axes, "both")
    if axes.lines:
        axes.legend(frameon=False, fontsize=8, handlelength=1.8)
