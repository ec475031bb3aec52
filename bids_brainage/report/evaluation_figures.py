"""Panels of the evaluation sheet: what a model's scores look like, in one row of small plots."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from bids_brainage.evaluation.evaluate import ModelEvaluation
from bids_brainage.evaluation.scores import Score
from bids_brainage.report import canvas

NOMINAL = 0.9  # share of ages that prediction intervals are meant to hold
MAX_MODELS = 8
FEW_IN_BIN = 5  # a bin of fewer people is not drawn
_NAME = 48
_SIZE = 3.3
_PER_ROW = 3
Panel = Callable[[Axes, ModelEvaluation], None]


def model_figure(model: ModelEvaluation) -> Figure:
    """Draw the panels of one model, three to a row."""
    chosen = [panel for panel, fits in PANELS if fits(model)]
    rows = -(-len(chosen) // _PER_ROW)
    with canvas.drawing(_SIZE * _PER_ROW, 0.92 * _SIZE * rows) as figure:
        grid = figure.subplots(rows, _PER_ROW, squeeze=False).ravel()
        _fill(grid.tolist(), chosen, model)
        return figure


def sheet(models: Mapping[str, ModelEvaluation]) -> Figure:
    """Draw the panels of the first models, a row of panels for each."""
    shown = dict(list(models.items())[:MAX_MODELS])
    chosen = [panel for panel, fits in PANELS if any(map(fits, shown.values()))]
    with canvas.drawing(_SIZE * len(chosen), (0.92 * _SIZE + 0.3) * len(shown)) as figure:
        parts = figure.subfigures(len(shown), 1, squeeze=False).ravel()
        for part, (name, model) in zip(parts, shown.items(), strict=True):
            fitting = [panel if _fits(panel, model) else None for panel in chosen]
            _row(part, name, fitting, model)
        return figure


def _row(part: SubFigure, name: str, panels: list[Panel | None], model: ModelEvaluation) -> None:
    part.suptitle(_printable(name), x=0.01, ha="left", fontsize=11, fontweight="bold")
    _fill(part.subplots(1, len(panels), squeeze=False).ravel().tolist(), panels, model)


def _fill(grid: list[Axes], panels: Sequence[Panel | None], model: ModelEvaluation) -> None:
    for i, axes in enumerate(grid):
        panel = panels[i] if i < len(panels) else None
        if panel is None:
            axes.set_visible(False)
            continue
        panel(axes, model)
        axes.grid(axis="both")
        axes.set_axisbelow(True)
        canvas.bare(axes)


def _printable(name: str) -> str:
    """Name in letters that the font has, and not longer than the figure."""
    text = name.encode("ascii", "replace").decode()
    return text if len(text) <= _NAME else f"{text[: _NAME - 3]}..."


def _points(axes: Axes, x: np.ndarray, y: np.ndarray) -> None:
    axes.scatter(
        x,
        y,
        s=float(np.clip(160 / np.sqrt(len(x)), 3, 22)),
        alpha=float(np.clip(14 / np.sqrt(len(x)), 0.2, 0.8)),
        color=canvas.ACCENT,
        linewidths=0,
        rasterized=True,
        zorder=2,
    )


def _age(axes: Axes, model: ModelEvaluation) -> None:
    age, predicted = model.people.age, model.people.predicted
    values = np.concatenate([age, predicted])
    margin = max(0.04 * float(np.ptp(values)), 1.0)
    limits = float(values.min() - margin), float(values.max() + margin)
    axes.plot(limits, limits, color=canvas.MUTED, linestyle="--", linewidth=1, zorder=3)
    _points(axes, age, predicted)
    axes.set(xlim=limits, ylim=limits, aspect="equal")
    axes.set(xlabel="Age (years)", ylabel="Predicted age (years)", title="Predicted age")


def _gap(axes: Axes, model: ModelEvaluation) -> None:
    age, gap = model.people.age, model.people.predicted - model.people.age
    _points(axes, age, gap)
    axes.axhline(0, color=canvas.MUTED, linestyle="--", linewidth=1, zorder=3)
    if np.ptp(age) > 0:
        ends = np.array([age.min(), age.max()])
        slope, intercept = np.polyfit(age, gap, 1)
        axes.plot(ends, intercept + slope * ends, color=canvas.SECOND, linewidth=1.6, zorder=4)
        axes.set_title(f"Gap by age: {slope:+.2f} years per year".replace("-", "\N{MINUS SIGN}"))
    axes.set(xlabel="Age (years)", ylabel="Predicted minus age (years)")


def _decades(model: ModelEvaluation, metric: str) -> list[Score]:
    return [s for s in model.scores if s.group == "decade" and s.metric == metric and s.n]


def _bars(axes: Axes, found: list[Score]) -> None:
    """Values with intervals by decade, the number of people under each."""
    places = np.arange(len(found))
    values = np.array([s.value for s in found])
    ends = np.array([[s.lower, s.upper] for s in found]).T
    reach = np.clip(np.nan_to_num(np.abs(ends - values)), 0, None)
    axes.errorbar(
        places, values, yerr=reach, fmt="o", color=canvas.ACCENT, markersize=5, elinewidth=1.4,
        zorder=3,
    )  # fmt: skip
    labels = [f"{_decade(s.level)}\n{s.n}" for s in found]
    axes.set_xticks(places, labels, fontsize=7.5)
    axes.set_xlim(-0.6, len(found) - 0.4)
    axes.set_xlabel("Decade of age, and rows")


def _decade(level: str) -> str:
    """``20-29`` as ``20s``."""
    first = int(level.partition("-")[0])
    return f"{first}s" if first else "0\N{EN DASH}9"


def _errors(axes: Axes, model: ModelEvaluation) -> None:
    found = _decades(model, "mae")
    guess = np.array([s.value for s in _decades(model, "mae_median")])
    highest = max(float(np.nanmax([s.value, s.upper])) for s in found)
    top = 1.12 * max(0.1, highest, min(float(guess.max()), 1.6 * highest))
    _bars(axes, found)
    axes.axhline(model.overall()["mae"].value, color=canvas.ACCENT, linewidth=0.9, linestyle=":")
    for chosen, marker in ((guess <= top, "_"), (guess > top, "^")):
        places = np.flatnonzero(chosen)
        axes.plot(places, np.minimum(guess[chosen], 0.96 * top), marker, markersize=8,
                  color=canvas.SECOND, markeredgewidth=1.6, zorder=2)  # fmt: skip
    axes.set_ylim(0, top)
    axes.set(ylabel="Mean absolute error (years)", title="Error by decade (orange: guessing)")


def _coverage(axes: Axes, model: ModelEvaluation) -> None:
    _bars(axes, _decades(model, "coverage"))
    axes.axhline(NOMINAL, color=canvas.MUTED, linestyle="--", linewidth=1)
    axes.set_ylim(0, 1.04)
    axes.set(ylabel="Share of ages within", title="Coverage of the intervals")


def _reliability(axes: Axes, model: ModelEvaluation) -> None:
    curve = [one for one in model.reliability if one.n >= FEW_IN_BIN] or model.reliability
    x = np.array([one.predicted for one in curve])
    y = np.array([one.observed for one in curve])
    ends = np.array([[one.lower, one.upper] for one in curve]).T
    axes.plot([0, 1], [0, 1], color=canvas.MUTED, linestyle="--", linewidth=1, zorder=1)
    axes.errorbar(
        x, y, yerr=np.clip(np.abs(ends - y), 0, None), fmt="o-", color=canvas.ACCENT, markersize=4,
        linewidth=1.2, elinewidth=1, zorder=3,
    )  # fmt: skip
    total = max(one.n for one in curve)
    centres = [(one.low + one.high) / 2 for one in model.reliability]
    heights = [0.18 * one.n / total for one in model.reliability]
    axes.bar(centres, heights, width=0.09, color=canvas.GRID, zorder=0)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.04), aspect="equal")
    axes.set(xlabel="Predicted probability of being female", ylabel="Share of women")
    axes.set_title("Predicted sex (bars: rows)")


def _limits(axes: Axes, model: ModelEvaluation) -> None:
    people = model.people
    first, second = model.repeats[:, 0], model.repeats[:, 1]
    gap = people.predicted - people.age
    _points(axes, (gap[first] + gap[second]) / 2, gap[second] - gap[first])
    row = next(r for r in model.agreement if r["quantity"] == "brain_age_gap")
    for name, style in (("mean_difference", "-"), ("limit_low", "--"), ("limit_high", "--")):
        if np.isfinite(row[name]):
            axes.axhline(row[name], color=canvas.SECOND, linestyle=style, linewidth=1.2, zorder=3)
    axes.set(xlabel="Mean gap of two sessions (years)", ylabel="Second minus first (years)")
    axes.set_title("Repeats of the gap, limits of agreement")


PANELS: tuple[tuple[Panel, Callable[[ModelEvaluation], bool]], ...] = (
    (_age, lambda model: True),
    (_gap, lambda model: True),
    (_errors, lambda model: True),
    (_reliability, lambda model: bool(model.reliability)),
    (_coverage, lambda model: "coverage" in model.overall()),
    (_limits, lambda model: bool(model.agreement)),
)


def _fits(panel: Panel, model: ModelEvaluation) -> bool:
    return next(fits for found, fits in PANELS if found is panel)(model)
