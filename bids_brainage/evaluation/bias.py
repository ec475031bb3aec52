"""Linear correction of the regression of brain age towards the mean age of the sample."""

from dataclasses import dataclass

import numpy as np

MIN_PEOPLE = 3


@dataclass(frozen=True)
class BiasCorrection:
    """Straight line of predicted on chronological age.

    Parameters
    ----------
    slope
        Slope of predicted on chronological age.
    intercept
        Intercept, in years.
    """

    slope: float
    intercept: float

    def corrected_gap(self, age: np.ndarray, predicted: np.ndarray) -> np.ndarray:
        """Return the brain age gap minus the gap expected at that age, in years.

        Uses the chronological age of the person (Beheshti et al., 2019,
        doi:10.1016/j.nicl.2019.102063), so that it must never enter an accuracy.
        """
        age = np.asarray(age, float)
        return np.asarray(predicted, float) - (self.intercept + self.slope * age)


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
