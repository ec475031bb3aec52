"""Where people stand: principal components, and what measures matter for age and sex."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.lines import Line2D

from bids_brainage.report import canvas
from bids_brainage.report.generative.style import NAME, printable, tidy
from bids_brainage.report.measures import measure_of, shortened

MOST_BARS = 15
# Finer where most people are.
EDGES = (0.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 100.0)
# They stand for measures that go along with them.
HEAD_SIZES = ("EstimatedTotalIntraCranialVol", "FS_IntraCranial_Vol")
WHAT = {"age": "Age", "sex": "Sex"}
LOST = {"years of error": "Years of error more", "AUC": "AUC less"}
SEXES = (("M", canvas.ACCENT, "men"), ("F", canvas.SECOND, "women"))


@dataclass(frozen=True)
class Components:
    """Two principal components of everyone.

    Parameters
    ----------
    points
        People x 2.
    shares
        Share of the variance of each.
    """

    points: np.ndarray
    shares: tuple[float, float]


def components(features: Mapping[str, Components], sex: Sequence[str], age: np.ndarray) -> bytes:
    """Draw everyone by the first two components, one column per set of features.

    Parameters
    ----------
    features
        By name, such as ``initial`` and ``latent``; people in the order of `sex` and `age`.
    sex
        ``F``, ``M`` or anything else for unknown.
    age
        Years; NaN for unknown.

    Returns
    -------
    bytes
        PNG, people coloured by sex above and by age below.
    """
    order = np.random.default_rng(0).permutation(len(age))  # nobody's colour always on top
    with canvas.drawing(4.6 * len(features) + 0.3, 7.6) as figure:
        grid = figure.subplots(2, len(features), squeeze=False)
        for column, (name, found) in enumerate(features.items()):
            above, below = grid[0, column], grid[1, column]
            _by_sex(above, found.points[order], np.asarray(sex, object)[order])
            mapped = _by_age(below, found.points[order], age[order])
            for axes in (above, below):
                axes.set_xlabel(f"First component ({100 * found.shares[0]:.0f} % of the variance)")
                axes.set_ylabel(f"Second component ({100 * found.shares[1]:.0f} % of the variance)")
                tidy(axes, "both")
                axes.margins(0.04)
            above.set_title(f"{printable(name).capitalize()} features, by sex")
            below.set_title(f"{printable(name).capitalize()} features, by age")
            if mapped is not None and column == len(features) - 1:
                bar = figure.colorbar(mapped, ax=list(grid[1]), pad=0.01, fraction=0.03)
                bar.set_label("Age (years)")
                bar.set_ticks(_edges(age[np.isfinite(age)]))
                bar.ax.minorticks_off()
                bar.outline.set_visible(False)
                if bar.solids is not None:
                    bar.solids.set_alpha(1)
        return canvas.png(figure)


def _dots(n: int) -> dict[str, Any]:
    size = float(np.clip(300 / np.sqrt(max(n, 1)), 5, 26))
    alpha = float(np.clip(30 / np.sqrt(max(n, 1)), 0.45, 0.85))
    return {"s": size, "alpha": alpha, "linewidths": 0}


def _by_sex(axes: Axes, points: np.ndarray, sex: np.ndarray) -> None:
    colours = {code: colour for code, colour, _ in SEXES}
    shown = [colours.get(one, canvas.MISSING) for one in sex]
    axes.scatter(points[:, 0], points[:, 1], c=shown, **_dots(len(points)))
    counts = [(colour, name, int(np.sum(sex == code))) for code, colour, name in SEXES]
    counts.append((canvas.MISSING, "unknown", len(sex) - sum(n for *_, n in counts)))
    handles = [Line2D([], [], marker="o", linestyle="", color=colour, label=f"{n:,} {name}")
               for colour, name, n in counts if n]  # fmt: skip
    axes.legend(handles=handles, frameon=True, framealpha=0.85, edgecolor="none", fontsize=8.5)


def _by_age(axes: Axes, points: np.ndarray, age: np.ndarray) -> PathCollection | None:
    known = np.isfinite(age)
    axes.scatter(*points[~known].T, color=canvas.MISSING, **_dots(len(points)))
    if not known.any():
        return None
    edges = _edges(age[known])
    colours = ListedColormap(colormaps["viridis_r"](np.linspace(0.05, 1, len(edges) - 1)))
    x, y = points[known].T
    return axes.scatter(x, y, c=age[known], cmap=colours, norm=BoundaryNorm(edges, colours.N),
                        **_dots(len(points)))  # fmt: skip


def _edges(age: np.ndarray) -> list[float]:
    """Ages at which the colour changes, from the last before the youngest on."""
    inner = [edge for edge in EDGES if age.min() < edge <= age.max()]
    before = max((edge for edge in EDGES if edge <= age.min()), default=0.0)
    after = min((edge for edge in EDGES if edge > age.max()), default=float(age.max()) + 1)
    return [before, *inner, after]


@dataclass(frozen=True)
class Bar:
    """Importance of one group of measures.

    Parameters
    ----------
    measures
        Names, the first stands for the others.
    value, spread
        Importance, and its standard deviation over folds or repeats.
    """

    measures: tuple[str, ...]
    value: float
    spread: float


def importance(targets: Mapping[str, tuple[str, Sequence[Bar]]]) -> str:
    """Draw the groups of measures that matter most, one panel per target.

    Parameters
    ----------
    targets
        Unit and bars, the most important first, by target (``age``, ``sex``).

    Returns
    -------
    str
        SVG text.
    """
    most = max(min(len(bars), MOST_BARS) for _, bars in targets.values())
    with canvas.drawing(5.6 * len(targets), 1.2 + 0.27 * most) as figure:
        grid = figure.subplots(1, len(targets), squeeze=False).ravel()
        for axes, (target, (unit, bars)) in zip(grid, targets.items(), strict=True):
            shown = list(bars)[:MOST_BARS]
            places = np.arange(len(shown))[::-1]
            axes.barh(
                places, [b.value for b in shown], xerr=[b.spread for b in shown], height=0.68,
                color=canvas.ACCENT if target == "age" else canvas.SECOND,
                error_kw={"ecolor": canvas.INK, "elinewidth": 1, "capsize": 2.5},
            )  # fmt: skip
            axes.axvline(0, color=canvas.MUTED, linewidth=0.8)
            axes.set_yticks(places, [_cluster(b.measures) for b in shown])
            axes.set_ylim(-0.6 - (most - len(shown)), len(shown) - 0.4)
            axes.tick_params(axis="y", length=0)
            axes.set_title(WHAT.get(target, printable(target)))
            axes.set_xlabel(f"{LOST.get(unit, printable(unit))} where these are shuffled\n"
                            "(+2: with two more measures that go along)")  # fmt: skip
            tidy(axes, "x")
        return canvas.svg(figure)


def _cluster(names: Sequence[str]) -> str:
    """Name of the first measure, or of the size of the head, and how many go along.

    Of a pair, what both sides share.
    """
    words = [measure_of(name).words for name in sorted(names, key=lambda n: n not in HEAD_SIZES)]
    left, right = (word.partition(" ") for word in (words[0], words[-1]))
    if len(names) == 2 and {left[0], right[0]} == {"Left", "Right"} and left[2] == right[2]:
        return _fitting(left[2][:1].upper() + left[2][1:], ", both sides")
    return _fitting(words[0], f" +{len(names) - 1}" if len(names) > 1 else "")


def _fitting(words: str, end: str) -> str:
    longest = NAME - len(end)
    return printable(shortened(words, longest), longest) + end
