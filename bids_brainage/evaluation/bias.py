"""Regression of brain age towards the mean age of the sample, and its correction."""

from dataclasses import dataclass

import numpy as np

from bids_brainage.errors import UsageError

MIN_PEOPLE = 3
MIN_REFERENCE = 20
MIN_AGE_SPAN = 5.0
MAX_LEVERAGE = 0.99
METHODS = ("beheshti", "cole", "quadratic")


@dataclass(frozen=True)
class BiasCorrection:
    """Straight line of predicted on chronological age, as model cards keep it.

    Parameters
    ----------
    slope
        Slope of predicted on chronological age.
    intercept
        Intercept, in years.
    """

    slope: float
    intercept: float


def fit_bias(age: np.ndarray, predicted: np.ndarray) -> BiasCorrection:
    """Fit the line on out-of-fold predictions of people the model has not seen.

    Parameters
    ----------
    age
        Chronological ages in years; shape (n,).
    predicted
        Out-of-fold predicted ages in years; shape (n,). NaN pairs are left out.

    Returns
    -------
    BiasCorrection
        The line; the identity if fewer than three people or ages do not differ.
    """
    age, predicted = np.asarray(age, float), np.asarray(predicted, float)
    keep = ~(np.isnan(age) | np.isnan(predicted))
    age, predicted = age[keep], predicted[keep]
    if age.size < MIN_PEOPLE or np.ptp(age) == 0:
        return BiasCorrection(1.0, 0.0)
    slope, intercept = np.polyfit(age, predicted, 1)
    return BiasCorrection(float(slope), float(intercept))


@dataclass(frozen=True)
class Refit:
    """Expected predicted age at each age, fitted on a dataset's own reference people.

    Parameters
    ----------
    method
        One of `METHODS`.
    intercept, slope, quadratic
        Of predicted on chronological age in years; `quadratic` is zero for straight lines.
    n
        Number of reference people.
    age_min, age_max
        Their youngest and oldest in years.
    n_outside
        Rows corrected although their age lies outside of that.
    """

    method: str
    intercept: float
    slope: float
    quadratic: float
    n: int
    age_min: float
    age_max: float
    n_outside: int


def refit_gap(
    age: np.ndarray,
    predicted: np.ndarray,
    fitted: np.ndarray,
    person: np.ndarray,
    method: str,
) -> tuple[np.ndarray, Refit]:
    """Correct brain age gaps by the reference people of the same dataset, nobody by themselves.

    Everyone is corrected by a line over all reference people; a reference person by the line over
    all others of them (leave-one-out, exact). Methods: ``beheshti`` takes the gap expected at that
    age from the gap (Beheshti et al. 2019, doi:10.1016/j.nicl.2019.102063; de Lange & Cole 2020,
    doi:10.1016/j.nicl.2020.102229), ``quadratic`` the same with age squared (Smith et al. 2019,
    doi:10.1016/j.neuroimage.2019.06.017), ``cole`` takes the intercept from predicted age and
    divides by the slope (Cole et al. 2018, doi:10.1038/mp.2017.62). All use the chronological age:
    what they give must never enter an accuracy.

    Parameters
    ----------
    age, predicted
        Years, NaN for missing; shape (n,).
    fitted
        Rows to fit on, at most one of each person; those with a NaN are left out.
    person
        Number of the person of each row.
    method
        One of `METHODS`.

    Returns
    -------
    tuple[np.ndarray, Refit]
        Corrected gap in years, NaN where age or prediction is missing; and the fit.

    Raises
    ------
    UsageError
        With fewer than 20 reference people, ages that span less than five years or hang on one
        person, or a slope that cannot be told from zero where it is divided by.
    """
    age, predicted = np.asarray(age, float), np.asarray(predicted, float)
    rows = np.flatnonzero(fitted & np.isfinite(age) & np.isfinite(predicted))
    _check_reference(age[rows])
    terms = 3 if method == "quadratic" else 2
    centre = age[rows].mean()
    design = np.vander(age - centre, terms, increasing=True)
    chosen, target = design[rows], predicted[rows]
    inverse = np.linalg.inv(chosen.T @ chosen)
    weights = inverse @ (chosen.T @ target)
    leverage = np.einsum("ij,jk,ik->i", chosen, inverse, chosen)
    residual = target - chosen @ weights
    if leverage.max() > MAX_LEVERAGE:
        raise UsageError(
            "the ages of all reference people but one are alike", place="--bias-fit",
            hint="choose people of several ages",
        )  # fmt: skip
    error = np.sqrt(inverse[1, 1] * (residual @ residual) / (len(rows) - terms))
    if method == "cole" and weights[1] <= 2 * error:
        raise UsageError(
            f"predicted age hardly rises with age (slope {weights[1]:.2f} ± {error:.2f}), and the "
            "method divides by the slope", place="--bias-method cole",
            hint="--bias-method beheshti does not",
        )  # fmt: skip
    without = weights - (inverse @ chosen.T).T * (residual / (1 - leverage))[:, None]
    own = np.repeat(weights[None], len(age), axis=0)
    where = {int(p): k for k, p in enumerate(person[rows])}
    for i, p in enumerate(person):
        if int(p) in where:
            own[i] = without[where[int(p)]]
    expected = (design * own).sum(axis=1)
    gap = predicted - expected
    if method == "cole":
        gap = gap / own[:, 1]
    lowest, highest = float(age[rows].min()), float(age[rows].max())
    known = np.isfinite(gap)
    refit = Refit(
        method, *_uncentred(weights, centre), len(rows), lowest, highest,
        int(((age[known] < lowest) | (age[known] > highest)).sum()),
    )  # fmt: skip
    return gap, refit


def _check_reference(age: np.ndarray) -> None:
    if age.size < MIN_REFERENCE:
        raise UsageError(
            f"{age.size} reference people with age and prediction; {MIN_REFERENCE} are needed",
            place="--bias-fit", hint="choose more people, or leave --bias-fit out",
        )  # fmt: skip
    span = float(np.ptp(age))
    if span < MIN_AGE_SPAN:
        raise UsageError(
            f"the ages of the reference people span {span:.1f} years; {MIN_AGE_SPAN:.0f} are "
            "needed", place="--bias-fit",
            hint="in so narrow a range take age as a covariate (--covariates)",
        )  # fmt: skip


def _uncentred(weights: np.ndarray, centre: float) -> tuple[float, float, float]:
    """Intercept, slope and quadratic term for ages in years instead of centred ones."""
    constant, slope, square = (*weights.tolist(), 0.0)[:3]
    return (
        float(constant - slope * centre + square * centre**2),
        float(slope - 2 * square * centre),
        float(square),
    )
