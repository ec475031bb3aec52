"""Figures of a brain beside others of every age: bars in years, and curves by age."""

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from bids_brainage.report import canvas
from bids_brainage.report.measures import LONGEST, shortened

COLUMNS = 3
OUTER, INNER = 0.13, 0.22
# Letters of a line of the title above a curve.
NARROW, WIDE = 24, 44
DASHED = (0, (3, 2))


@dataclass(frozen=True)
class Curve:
    """One measure of one person by age, in the unit of the page.

    Parameters
    ----------
    name
        In words.
    unit
        Of all numbers.
    ages, expected, spread
        Mean and standard deviation of others of the same sex by age; (g,).
    own
        What is most likely by age for a brain like this one; (g,), empty to leave it out.
    keeping
        The same through the measured value; (g,), empty to leave it out.
    age, value
        The person's dot; NaN for no dot.
    logarithmic
        Whether people are spread evenly about the logarithm, as for volumes.
    """

    name: str
    unit: str
    ages: np.ndarray
    expected: np.ndarray
    spread: np.ndarray
    age: float
    value: float
    own: np.ndarray
    keeping: np.ndarray
    logarithmic: bool = False


@dataclass(frozen=True)
class Likelihood:
    """How likely a person's measures are by age.

    Parameters
    ----------
    ages, values
        Logarithm up to a constant; (g,).
    best, own
        Age that fits in all, and the person's; NaN where not known.
    """

    ages: np.ndarray
    values: np.ndarray
    best: float
    own: float


def older_or_younger(added: Sequence[tuple[str, float]], curves: Sequence[Curve]) -> str:
    """Draw what each measure adds in years beside curves of some measures.

    Parameters
    ----------
    added
        Measures in words and years, the largest first.
    curves
        Six fill the figure.

    Returns
    -------
    str
        SVG text.
    """
    with canvas.drawing(9.8, max(3.9, 1.3 + 0.21 * len(added))) as figure:
        rows = max(1, -(-len(curves) // COLUMNS))
        places = figure.add_gridspec(rows, 1 + COLUMNS, width_ratios=(1.5, *[1] * COLUMNS))
        _bars(figure.add_subplot(places[:, 0]), added)
        for i, curve in enumerate(curves):
            row, column = divmod(i, COLUMNS)
            axes = figure.add_subplot(places[row, 1 + column])
            _curve(axes, curve, NARROW)
            if i + COLUMNS < len(curves):
                axes.tick_params(labelbottom=False)
            else:
                axes.set_xlabel("Age (years)", fontsize=7.5)
        return canvas.svg(figure)


def by_age(curves: Sequence[Curve], likelihood: Likelihood | None = None) -> str:
    """Draw curves of measures in a grid, after the likelihood by age where it is given.

    Returns
    -------
    str
        SVG text.
    """
    count = len(curves) + (likelihood is not None)
    with canvas.drawing(9.8, 0.9 + 2.0 * max(1, -(-count // COLUMNS))) as figure:
        rows = max(1, -(-count // COLUMNS))
        places = iter(figure.subplots(rows, COLUMNS, squeeze=False, sharex=True).flat)
        if likelihood is not None:
            _likelihood(next(places), likelihood)
        for curve in curves:
            _curve(next(places), curve, WIDE)
        for empty in places:
            empty.set_axis_off()
        figure.supxlabel("Age (years)", fontsize=9)
        figure.legend(handles=_legend(), loc="outside upper center", ncols=4, frameon=False,
                      fontsize=8)  # fmt: skip
        return canvas.svg(figure)


def band(curve: Curve, width: float) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper end of so many standard deviations about what is expected; each (g,)."""
    expected, spread = curve.expected, curve.spread
    if not curve.logarithmic:
        return expected - width * spread, expected + width * spread
    # A spread is half of what lies between one standard deviation above and one below.
    factor = np.exp(width * np.arcsinh(spread / expected))
    return expected / factor, expected * factor


def _bars(axes: Axes, added: Sequence[tuple[str, float]]) -> None:
    axes.set_title("Years that a measure adds")
    axes.set_xlabel("Years")
    canvas.bare(axes)
    places = np.arange(len(added))[::-1]
    values = np.array([value for _, value in added])
    colours = [canvas.SECOND if value > 0 else canvas.ACCENT for value in values]
    axes.barh(places, values, color=colours, height=0.72)
    axes.axvline(0, color=canvas.MUTED, linewidth=0.8)
    axes.set_yticks(places, [shortened(name) for name, _ in added], fontsize=8)
    axes.set_ylim(-0.6, max(len(added), 1) - 0.4)
    axes.grid(axis="x")
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    axes.margins(x=0.08)


def titled(words: str, longest: int) -> str:
    """Shorten a title and break it into lines of so many letters."""
    return "\n".join(wrap(shortened(words, max(longest, LONGEST)), longest))


def _curve(axes: Axes, curve: Curve, longest: int) -> None:
    ages, expected = curve.ages, curve.expected
    for width, alpha in ((2, OUTER), (1, INNER)):
        lower, upper = band(curve, width)
        axes.fill_between(ages, lower, upper, color=canvas.MUTED, alpha=alpha, linewidth=0)
    axes.plot(ages, expected, color=canvas.MUTED, linewidth=1.4)
    for line, style in ((curve.own, "-"), (curve.keeping, DASHED)):
        if line.size:
            axes.plot(ages, line, color=canvas.ACCENT, linewidth=1.1, linestyle=style)
    if np.isfinite([curve.age, curve.value]).all():
        axes.scatter([curve.age], [curve.value], s=30, color=canvas.SECOND, zorder=5,
                     edgecolor="white", linewidth=0.7)  # fmt: skip
    axes.set_title(titled(curve.name, longest), fontsize=7.5)
    axes.set_ylabel(curve.unit, fontsize=7.5)
    _plain(axes)


def _likelihood(axes: Axes, likelihood: Likelihood) -> None:
    values = likelihood.values - np.nanmax(likelihood.values)
    # What is much less likely than the best is as good as ruled out.
    axes.plot(likelihood.ages, np.maximum(values, -30), color=canvas.INK, linewidth=1.4)
    for age, colour, style in ((likelihood.best, canvas.ACCENT, "-"),
                               (likelihood.own, canvas.SECOND, "--")):  # fmt: skip
        if np.isfinite(age):
            axes.axvline(age, color=colour, linewidth=1.2, linestyle=style)
    axes.set_title(f"How well each age fits: {likelihood.best:.0f} years", fontsize=7.5)
    axes.set_ylabel("log likelihood", fontsize=7.5)
    _plain(axes)


def _legend() -> list[Artist]:
    return [
        Patch(color=canvas.MUTED, alpha=0.45, label="expected, ±1 and ±2 SD"),
        Line2D([], [], color=canvas.ACCENT, label="most likely for this brain"),
        Line2D([], [], color=canvas.ACCENT, linestyle=DASHED, label="through its value"),
        Line2D([], [], color=canvas.SECOND, marker="o", linestyle="--", linewidth=1,
               label="this brain, its age"),
    ]  # fmt: skip


def _plain(axes: Axes) -> None:
    canvas.bare(axes)
    axes.tick_params(labelsize=7)
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.margins(x=0.03)
