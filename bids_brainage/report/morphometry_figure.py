"""Figure of one session's cortical thickness and paired volumes."""

import numpy as np
from matplotlib.axes import Axes

from bids_brainage.report import canvas


def morphometry(
    thickness: tuple[np.ndarray, np.ndarray], volumes: dict[str, tuple[float, float]]
) -> str:
    """Draw the distribution of cortical thickness and the paired volumes of both hemispheres.

    Parameters
    ----------
    thickness
        Left and right regional thickness, mm, without missing values.
    volumes
        Structure name to left and right volume, cm3.

    Returns
    -------
    str
        SVG text.
    """
    with canvas.drawing(9.6, 3.4) as figure:
        left, right = figure.subplots(1, 2)
        _thickness(left, *thickness)
        _volumes(right, volumes)
        return canvas.svg(figure)


def _thickness(axes: Axes, left: np.ndarray, right: np.ndarray) -> None:
    both = np.concatenate([left, right])
    axes.set_title("Cortical thickness over regions")
    axes.set_xlabel("Thickness (mm)")
    axes.set_ylabel("Regions")
    canvas.bare(axes)
    if not both.size:
        axes.text(0.5, 0.5, "no thickness measured", transform=axes.transAxes, ha="center")
        return
    edges = np.linspace(np.floor(both.min() * 5) / 5, np.ceil(both.max() * 5) / 5 + 0.01, 24)
    for values, colour, name in (
        (left, canvas.ACCENT, "left"),
        (right, canvas.SECOND, "right"),
    ):
        if values.size:
            median = float(np.median(values))
            axes.hist(
                values,
                bins=edges.tolist(),
                histtype="stepfilled",
                facecolor=(colour, 0.18),
                edgecolor=colour,
                linewidth=1.3,
                label=f"{name}: median {median:.2f} mm",
            )
            axes.axvline(median, color=colour, linewidth=1, linestyle="--")
    axes.margins(y=0.18)
    axes.legend(frameon=False, loc="upper left", fontsize=8)


def _volumes(axes: Axes, volumes: dict[str, tuple[float, float]]) -> None:
    axes.set_title("Paired structures")
    axes.set_xlabel("Volume (cm³)")
    canvas.bare(axes)
    names = [name for name, pair in volumes.items() if np.isfinite(pair).any()]
    if not names:
        axes.text(0.5, 0.5, "no volumes measured", transform=axes.transAxes, ha="center")
        return
    rows = np.arange(len(names))[::-1]
    left = np.array([volumes[name][0] for name in names])
    right = np.array([volumes[name][1] for name in names])
    axes.hlines(rows, np.fmin(left, right), np.fmax(left, right), color=canvas.MISSING)
    axes.scatter(left, rows, s=34, color=canvas.ACCENT, label="left", zorder=3)
    axes.scatter(right, rows, s=34, color=canvas.SECOND, marker="D", label="right", zorder=3)
    axes.set_yticks(rows, names)
    axes.set_xlim(left=0)
    axes.grid(axis="x")
    axes.set_axisbelow(True)
    axes.legend(frameon=False, loc="lower right", fontsize=8)
