"""Figures of comparisons of the gap; groups stand from left to right as in the table above them."""

from collections.abc import Sequence

import numpy as np

from bids_brainage.evaluation.contrasts import LevelMean
from bids_brainage.report import canvas

MIN_SHAPE = 8
JITTER = 0.14


def group_gaps(values: np.ndarray, labels: np.ndarray, levels: Sequence[LevelMean]) -> str:
    """Draw everyone's gap at equal covariates by group, with means and their intervals.

    Parameters
    ----------
    values, labels
        Gap in years, and group, of each person.
    levels
        Groups in the order to draw.

    Returns
    -------
    str
        SVG text without names of groups, which are the user's.
    """
    generator = np.random.default_rng(0)
    with canvas.drawing(max(3.2, 1.3 * len(levels) + 1), 3.6) as figure:
        axes = figure.add_subplot()
        axes.axhline(0, color=canvas.MUTED, linestyle="--", linewidth=0.8, zorder=0)
        for place, level in enumerate(levels, start=1):
            own = values[labels == level.level]
            if len(own) >= MIN_SHAPE and np.ptp(own) > 0:
                shape = axes.violinplot([own], [place], widths=0.8, showextrema=False)
                for body in shape["bodies"]:  # type: ignore[attr-defined]
                    body.set(facecolor=canvas.GRID, edgecolor="none", alpha=1, zorder=1)
            axes.scatter(
                place + generator.uniform(-JITTER, JITTER, len(own)),
                own,
                s=float(np.clip(150 / np.sqrt(len(own)), 3, 18)),
                alpha=0.45,
                color=canvas.ACCENT,
                linewidths=0,
                rasterized=True,
                zorder=2,
            )
            reach = [[level.adjusted - level.lower], [level.upper - level.adjusted]]
            axes.errorbar(
                place, level.adjusted, yerr=reach, fmt="o", color=canvas.SECOND, capsize=5,
                markersize=5, zorder=3,
            )  # fmt: skip
        axes.set_xticks(range(1, len(levels) + 1))
        axes.set_xlabel("Group")
        axes.set_ylabel("Gap at equal covariates (years)")
        canvas.bare(axes)
        return canvas.svg(figure)


def slope_gaps(values: np.ndarray, numbers: np.ndarray, estimate: float) -> str:
    """Draw everyone's gap at equal covariates against a number, with the fitted line.

    Parameters
    ----------
    values, numbers
        Gap in years, and the number, of each person.
    estimate
        Slope of the line in years per unit.

    Returns
    -------
    str
        SVG text.
    """
    with canvas.drawing(4.4, 3.6) as figure:
        axes = figure.add_subplot()
        axes.axhline(0, color=canvas.MUTED, linestyle="--", linewidth=0.8, zorder=0)
        axes.scatter(
            numbers,
            values,
            s=float(np.clip(150 / np.sqrt(len(values)), 3, 18)),
            alpha=0.5,
            color=canvas.ACCENT,
            linewidths=0,
            rasterized=True,
        )
        ends = np.array([numbers.min(), numbers.max()])
        line = values.mean() + estimate * (ends - numbers.mean())
        axes.plot(ends, line, color=canvas.SECOND, linewidth=1.6)
        axes.set_xlabel("Value of the column")
        axes.set_ylabel("Gap at equal covariates (years)")
        canvas.bare(axes)
        return canvas.svg(figure)
