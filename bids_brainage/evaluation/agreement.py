"""Agreement of repeated measurements: intraclass correlation, Bland and Altman's limits."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import f, t

from bids_brainage.evaluation.resampling import LEVEL

FACTOR = 1.96
MIN_PEOPLE = 3
Estimate = tuple[float, float, float]
_UNKNOWN: Estimate = (float("nan"), float("nan"), float("nan"))


@dataclass(frozen=True)
class BlandAltman:
    """Differences of the second measurement from the first.

    Parameters
    ----------
    n
        People.
    mean
        Mean difference with its interval: value, lower end, upper end.
    sd
        Standard deviation of the differences.
    low, high
        Limits of agreement, mean -/+ 1.96 standard deviations, each with its interval.
    """

    n: int
    mean: Estimate
    sd: float
    low: Estimate
    high: Estimate


def icc(values: np.ndarray, level: float = LEVEL) -> Estimate:
    """Intraclass correlation ICC(2,1): two-way random, absolute agreement, one measurement.

    Parameters
    ----------
    values
        People x measurements, without missing ones.
    level
        Level of the interval (McGraw & Wong, 1996, doi:10.1037/1082-989X.1.1.30).

    Returns
    -------
        Value, lower and upper end (Shrout & Fleiss, 1979, doi:10.1037/0033-2909.86.2.420); NaN
        with fewer than three people or two measurements, or without any differences.
    """
    values = np.asarray(values, float)
    n, k = values.shape
    if n < MIN_PEOPLE or k < 2:
        return _UNKNOWN
    mean = values.mean()
    people, rounds = values.mean(axis=1), values.mean(axis=0)
    rest = values - people[:, None] - rounds + mean
    between = k * float(((people - mean) ** 2).sum()) / (n - 1)
    over = n * float(((rounds - mean) ** 2).sum()) / (k - 1)
    error = float((rest**2).sum()) / ((n - 1) * (k - 1))
    whole = between + (k - 1) * error + k * (over - error) / n
    if whole <= 0 or between <= 0:
        return _UNKNOWN
    value = (between - error) / whole
    if value >= 1 or (error == 0 and over == 0):
        return value, value, value
    a, b = k * value / (n * (1 - value)), 1 + k * value * (n - 1) / (n * (1 - value))
    freedom = (a * over + b * error) ** 2 / (
        (a * over) ** 2 / (k - 1) + (b * error) ** 2 / ((n - 1) * (k - 1))
    )
    tail = 1 - (1 - level) / 2
    shared = k * over + (k * n - k - n) * error
    up, down = f.ppf(tail, n - 1, freedom), f.ppf(tail, freedom, n - 1)
    lower = n * (between - up * error) / (up * shared + n * between)
    upper = n * (down * between - error) / (shared + n * down * between)
    return value, float(lower), float(upper)


def bland_altman(first: np.ndarray, second: np.ndarray, level: float = LEVEL) -> BlandAltman:
    """Limits of agreement with intervals (Bland & Altman, 1999, doi:10.1177/096228029900800204).

    Parameters
    ----------
    first, second
        The same people's two measurements, without missing values; (n,).
    level
        Level of the intervals.
    """
    difference = np.asarray(second, float) - np.asarray(first, float)
    n = len(difference)
    if n < MIN_PEOPLE:
        return BlandAltman(n, _UNKNOWN, float("nan"), _UNKNOWN, _UNKNOWN)
    mean, sd = float(difference.mean()), float(difference.std(ddof=1))
    quantile = float(t.ppf(1 - (1 - level) / 2, n - 1))
    slack = quantile * sd / np.sqrt(n)
    wider = quantile * sd * np.sqrt(1 / n + FACTOR**2 / (2 * (n - 1)))
    return BlandAltman(
        n,
        _around(mean, slack),
        sd,
        _around(mean - FACTOR * sd, wider),
        _around(mean + FACTOR * sd, wider),
    )


def repeats(people: Sequence[str], order: np.ndarray) -> np.ndarray:
    """Rows of the first sessions of everyone who has several.

    Parameters
    ----------
    people
        Participant of each row.
    order
        Rows in the order of the sessions.

    Returns
    -------
    numpy.ndarray
        People x sessions row numbers; as many sessions as everyone with repeats has. Empty
        without repeats.
    """
    rows: dict[str, list[int]] = {}
    for row in order:
        rows.setdefault(people[row], []).append(int(row))
    several = [found for found in rows.values() if len(found) > 1]
    sessions = min(map(len, several), default=0)
    return np.array([found[:sessions] for found in several], int).reshape(len(several), sessions)


def _around(value: float, slack: float) -> Estimate:
    return value, float(value - slack), float(value + slack)
