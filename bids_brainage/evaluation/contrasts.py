"""Results of comparing the brain age gap, and their correction for many tests."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np


@dataclass(frozen=True)
class Contrast:
    """One tested difference or slope, in years of gap.

    Parameters
    ----------
    level, reference
        Groups compared; empty for a slope.
    n, n_reference
        People in them; for a slope everyone and zero.
    estimate, lower, upper
        Difference of the gap between the groups at equal covariates, or its change by one unit of
        the column, with 95 % interval.
    effect, effect_lower, effect_upper
        Cohen's d (the difference over the residual standard deviation), or partial correlation.
    p, p_adjusted
        Two-sided, and by Holm's method over all contrasts of the page.
    """

    level: str
    reference: str
    n: int
    n_reference: int
    estimate: float
    lower: float
    upper: float
    effect: float
    effect_lower: float
    effect_upper: float
    p: float
    p_adjusted: float = float("nan")


@dataclass(frozen=True)
class LevelMean:
    """A group: people, mean age, and mean gap at equal covariates with 95 % interval, in years."""

    level: str
    n: int
    age_mean: float
    age_min: float
    age_max: float
    adjusted: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Comparison:
    """One column against the gap of one model.

    Parameters
    ----------
    kind
        ``groups`` or ``slope``.
    problem
        Why there is no result; empty if there is one.
    n, n_left_out
        People in the model, and with a prediction but left out of it.
    covariates
        Names of those in the model.
    notes
        What was left out, and why.
    values, labels
        Gap at equal covariates of the people in the model, and their group or number.
    """

    model: str
    column: str
    kind: str
    problem: str = ""
    n: int = 0
    n_left_out: int = 0
    covariates: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    contrasts: tuple[Contrast, ...] = ()
    levels: tuple[LevelMean, ...] = ()
    joint_p: float = float("nan")
    values: np.ndarray = field(default_factory=lambda: np.empty(0), compare=False)
    labels: np.ndarray = field(default_factory=lambda: np.empty(0), compare=False)


def holm(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """Correct the p values of all contrasts of all comparisons by Holm's method."""
    raw = np.array([c.p for comparison in comparisons for c in comparison.contrasts])
    order = np.argsort(raw)
    adjusted = np.empty_like(raw)
    factors = np.arange(len(raw), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(raw[order] * factors), 1)
    left = iter(adjusted.tolist())
    return [
        replace(c, contrasts=tuple(replace(x, p_adjusted=next(left)) for x in c.contrasts))
        for c in comparisons
    ]
