"""Prediction intervals from out-of-fold errors (conformal prediction), adapting to age."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

LEVEL = 0.9
MIN_PEOPLE = 40
KNOTS = 12
BANDWIDTH = 0.25  # of log age
KERNEL = (0.25, 0.5, 0.25)
MIN_SPREAD = 0.5  # years
SHARES = np.linspace(0, 1, 101)


@dataclass(frozen=True)
class Intervals:
    """How far ages lie from predictions, as a function of the prediction.

    Errors (age minus prediction) are centred and scaled by what is usual at the predicted age, and
    their quantiles kept (normalised split-conformal prediction on cross-validated residuals:
    Lei et al., 2018, doi:10.1080/01621459.2017.1307116; Barber et al., 2021,
    doi:10.1214/20-AOS1965).

    Parameters
    ----------
    knots
        Predicted ages in years at which centre and spread are given; between them they are
        interpolated, beyond them constant.
    centre, spread
        Usual error and usual absolute deviation from it at each knot, in years.
    quantiles
        Quantiles of the scaled errors at shares 0, 0.01, ... 1.
    n
        People they were fitted on.
    """

    knots: tuple[float, ...]
    centre: tuple[float, ...]
    spread: tuple[float, ...]
    quantiles: tuple[float, ...]
    n: int

    def as_dict(self) -> dict[str, Any]:
        """Return the fitted values, rounded, as plain values for a JSON file."""
        return {
            name: [round(v, 4) for v in value] if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Intervals":
        """Read what `as_dict` gave."""
        return cls(
            tuple(values["knots"]), tuple(values["centre"]), tuple(values["spread"]),
            tuple(values["quantiles"]), int(values["n"]),
        )  # fmt: skip

    def limits(self, predicted: np.ndarray, level: float = LEVEL) -> tuple[np.ndarray, np.ndarray]:
        """Return lower and upper end of the interval in years, not below zero.

        Parameters
        ----------
        predicted
            Predicted ages in years; shape (n,).
        level
            Share of people whose age lies inside.
        """
        predicted = np.asarray(predicted, float)
        tail = (1 - level) / 2
        # The finite-sample correction of conformal prediction.
        tail = max(tail - tail / (self.n + 1), 0.0)
        low, high = np.interp([tail, 1 - tail], SHARES, self.quantiles)
        centre, spread = self._usual(predicted)
        lower = predicted + centre + low * spread
        upper = predicted + centre + high * spread
        return np.maximum(lower, 0.0), np.maximum(upper, 0.0)

    def probability_older(self, predicted: np.ndarray, age: np.ndarray) -> np.ndarray:
        """Return the probability that the age the brain looks like lies above the given age.

        Parameters
        ----------
        predicted, age
            Predicted and chronological ages in years; shape (n,).
        """
        predicted, age = np.asarray(predicted, float), np.asarray(age, float)
        centre, spread = self._usual(predicted)
        scaled = (age - predicted - centre) / spread
        # Where quantiles are tied, the middle of their shares.
        below = np.interp(scaled, self.quantiles, SHARES)
        return np.where(np.isnan(scaled), np.nan, 1 - below)

    def _usual(self, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        place = np.log(np.clip(predicted, 1.0, None))
        knots = np.log(self.knots)
        return np.interp(place, knots, self.centre), np.interp(place, knots, self.spread)


def fit_intervals(
    age: np.ndarray, predicted: np.ndarray, groups: np.ndarray | None = None
) -> Intervals | None:
    """Fit on out-of-fold predictions of people that the model has not seen.

    Parameters
    ----------
    age, predicted
        Chronological and predicted ages in years; shape (n,). NaN pairs are left out.
    groups
        Sites. A site counts as the square root of its people, so that the sites with most people
        do not decide alone for people of a new site. Likewise an age counts the less, the more
        people have it: most training people are young, most users' people are not.

    Returns
    -------
    Intervals or None
        None with fewer than 40 people.
    """
    age, predicted = np.asarray(age, float), np.asarray(predicted, float)
    keep = np.isfinite(age) & np.isfinite(predicted)
    age, predicted = age[keep], predicted[keep]
    if age.size < MIN_PEOPLE:
        return None
    weight = _rarity(age)
    if groups is not None:
        _, place, count = np.unique(groups[keep], return_inverse=True, return_counts=True)
        weight *= count[place] ** -0.5
    error = age - predicted
    place = np.log(np.clip(predicted, 1.0, None))
    low, high = np.quantile(place, [0.02, 0.98])
    knots = np.linspace(low, high, KNOTS) if high > low else np.array([low, low + 1e-3])
    centre, spread = _local(place, error, weight, knots)
    scaled = (error - np.interp(place, knots, centre)) / np.interp(place, knots, spread)
    return Intervals(
        tuple(np.exp(knots)), tuple(centre), tuple(spread),
        tuple(_quantiles(scaled, weight, SHARES)), int(age.size),
    )  # fmt: skip


def _rarity(age: np.ndarray) -> np.ndarray:
    """Weight of each person: one over the root of how many are about as old; at most tenfold."""
    place = np.log(np.clip(age, 1.0, None))
    edges = np.arange(place.min(), place.max() + BANDWIDTH, BANDWIDTH / 2)
    count, edges = np.histogram(place, edges)
    if len(count) < len(KERNEL):  # all of about the same age
        return np.ones(len(age))
    smooth = np.convolve(count, KERNEL, mode="same")
    near = np.interp(place, (edges[:-1] + edges[1:]) / 2, smooth)
    return (np.maximum(near, near.max() / 100)) ** -0.5


def _local(
    place: np.ndarray, error: np.ndarray, weight: np.ndarray, knots: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Median error, and mean absolute deviation from it, around each knot."""
    centre, spread = np.zeros(len(knots)), np.zeros(len(knots))
    for k, knot in enumerate(knots):
        near = weight * np.exp(-0.5 * ((place - knot) / BANDWIDTH) ** 2)
        centre[k] = _quantiles(error, near, np.array([0.5]))[0]
        spread[k] = np.average(np.abs(error - centre[k]), weights=near)
    return centre, np.maximum(spread, MIN_SPREAD)


def _quantiles(values: np.ndarray, weight: np.ndarray, shares: np.ndarray) -> np.ndarray:
    order = np.argsort(values)
    total = np.cumsum(weight[order])
    middle = (total - weight[order] / 2) / total[-1]
    return np.interp(shares, middle, values[order])
