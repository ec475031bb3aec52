"""Figures of the group page; they stay small however many people there are."""

import numpy as np
from matplotlib.collections import PathCollection

from bids_brainage.report import canvas

# Colour and line of each correction.
OUTLINES = ((canvas.SECOND, "-"), ("#6b4fa0", "-"), ("#3c7d3c", "--"))


def age_scatter(age: np.ndarray, predicted: np.ndarray, outside: np.ndarray) -> str:
    """Draw predicted against chronological age with the identity line.

    Parameters
    ----------
    age, predicted
        Years, without missing values; predictions are not bias corrected.
    outside
        Whether a session is outside the model's age range or unlike its training people.

    Returns
    -------
    str
        SVG text; the points are one picture, so its size does not grow with their number.
    """
    size = float(np.clip(220 / np.sqrt(len(age)), 4, 26))
    alpha = float(np.clip(30 / np.sqrt(len(age)), 0.25, 0.85))
    values = np.concatenate([age, predicted])
    margin = max((values.max() - values.min()) * 0.05, 1.0)
    lowest = float(values.min())
    limits = (max(lowest - margin, min(lowest, 0.0)), float(values.max() + margin))
    with canvas.drawing(5.2, 4.9) as figure:
        axes = figure.add_subplot()
        axes.plot(limits, limits, color=canvas.MUTED, linestyle="--", linewidth=1, zorder=1)
        for chosen, colour, marker, name in (
            (~outside, canvas.ACCENT, "o", "session"),
            (outside, canvas.SECOND, "^", "outside the training people"),
        ):
            if chosen.any():
                axes.scatter(
                    age[chosen],
                    predicted[chosen],
                    s=size,
                    alpha=alpha,
                    color=colour,
                    marker=marker,
                    linewidths=0,
                    label=name,
                    rasterized=True,
                    zorder=2,
                )
        axes.set(xlim=limits, ylim=limits, aspect="equal")
        axes.set_xlabel("Chronological age (years)")
        axes.set_ylabel("Predicted age (years, uncorrected)")
        axes.grid()
        axes.set_axisbelow(True)
        canvas.bare(axes)
        if outside.any():
            legend = axes.legend(frameon=False, loc="upper left", fontsize=8)
            for handle in legend.legend_handles:
                if isinstance(handle, PathCollection):
                    handle.set_alpha(1)
                    handle.set_sizes([24])
        return canvas.svg(figure)


def gap_histogram(gap: np.ndarray, others: dict[str, np.ndarray]) -> str:
    """Draw the distribution of the brain age gap, uncorrected and corrected.

    Parameters
    ----------
    gap
        Years, without missing values.
    others
        Name of a correction to the corrected gaps, without missing values.

    Returns
    -------
    str
        SVG text.
    """
    reach = max(float(np.abs(np.concatenate([gap, *others.values()])).max()), 1.0)
    bins = int(np.clip(np.sqrt(len(gap)) * 2, 8, 40))
    edges = np.linspace(-reach, reach, bins + 1).tolist()
    with canvas.drawing(5.2, 4.9) as figure:
        axes = figure.add_subplot()
        axes.hist(
            gap,
            bins=edges,
            color=canvas.ACCENT,
            edgecolor="white",
            linewidth=0.6,
            label="uncorrected",
        )
        for (name, values), (colour, line) in zip(others.items(), OUTLINES, strict=False):
            axes.hist(
                values,
                bins=edges,
                histtype="step",
                color=colour,
                linestyle=line,
                linewidth=1.6,
                label=name,
            )
        axes.axvline(0, color=canvas.MUTED, linestyle="--", linewidth=1)
        axes.set_xlabel("Brain age gap (years)")
        axes.set_ylabel("Sessions")
        axes.grid(axis="y")
        axes.set_axisbelow(True)
        axes.margins(y=0.12 + 0.06 * len(others))
        canvas.bare(axes)
        axes.legend(frameon=False, loc="upper left", fontsize=8)
        return canvas.svg(figure)


def gap_scatters(pairs: dict[str, tuple[np.ndarray, np.ndarray]]) -> str:
    """Draw the gap against one measure per panel with their correlation, three to a row.

    Parameters
    ----------
    pairs
        Title to values and gaps in years, without missing ones.

    Returns
    -------
    str
        SVG text; the points are pictures, so its size does not grow with their number.
    """
    columns = min(3, len(pairs))
    rows = -(-len(pairs) // columns)
    with canvas.drawing(3.4 * columns, 2.5 * rows) as figure:
        grid = figure.subplots(rows, columns, squeeze=False, sharey=True)
        for axes, (title, (values, gap)) in zip(grid.ravel(), pairs.items(), strict=False):
            size = float(np.clip(150 / np.sqrt(len(gap)), 3, 18))
            axes.scatter(
                values, gap, s=size, alpha=0.5, color=canvas.ACCENT, linewidths=0, rasterized=True
            )
            axes.axhline(0, color=canvas.MUTED, linestyle="--", linewidth=0.8)
            r = float(np.corrcoef(values, gap)[0, 1]) if np.ptp(gap) > 0 else 0.0
            axes.set_title(f"{title}: r = {r:.2f}".replace("-", "\N{MINUS SIGN}"), fontsize=9)
            canvas.bare(axes)
        for axes in grid[:, 0]:
            axes.set_ylabel("Gap (years)")
        for axes in grid.ravel()[len(pairs) :]:
            axes.set_visible(False)
        return canvas.svg(figure)


def histograms(values: dict[str, np.ndarray]) -> str:
    """Draw one small histogram per measure, four to a row.

    Parameters
    ----------
    values
        Title to values, without missing ones.

    Returns
    -------
    str
        SVG text.
    """
    columns = min(4, len(values))
    rows = -(-len(values) // columns)
    with canvas.drawing(2.5 * columns, 1.75 * rows) as figure:
        grid = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes, (title, found) in zip(grid, values.items(), strict=False):
            bins = int(np.clip(np.sqrt(len(found)) * 1.5, 6, 30))
            axes.hist(found, bins=bins, color=canvas.ACCENT, edgecolor="white", linewidth=0.4)
            axes.axvline(float(np.median(found)), color=canvas.SECOND, linewidth=1.2)
            axes.set_title(title, fontsize=9)
            axes.set_yticks([])
            axes.spines[["left", "top", "right"]].set_visible(False)
        for axes in grid[len(values) :]:
            axes.set_visible(False)
        return canvas.svg(figure)
