"""Scores of predicted ages, of everyone at once or of many bootstrap samples."""

import numpy as np

from bids_brainage.evaluation.ranks import Ranking, correlation

SLIGHT = 1e-12  # variance in years squared below which values count as constant


class AgeScores:
    """Scores of uncorrected predictions as functions of how often each person is drawn.

    Parameters
    ----------
    age, predicted
        Years, without missing values; (n,).
    lower, upper
        Prediction intervals in years; NaN where there is none.
    reference
        Age in years that guessing gives everyone; the median of the drawn people by default.
    """

    def __init__(
        self,
        age: np.ndarray,
        predicted: np.ndarray,
        lower: np.ndarray | None = None,
        upper: np.ndarray | None = None,
        reference: float | None = None,
    ) -> None:
        self._order = np.argsort(age, kind="stable")
        age, predicted = np.asarray(age, float), np.asarray(predicted, float)
        self._age = age[self._order]
        self._range = float(np.ptp(age)) if age.size else 0.0
        self._centre = float(age.mean()), float(predicted.mean())
        gap, x, y = predicted - age, age - self._centre[0], predicted - self._centre[1]
        sums = [np.ones_like(age), np.abs(gap), gap, gap**2, x, y, x * x, y * y, x * y]
        self._reference = reference
        sums.append(np.abs(age - reference) if reference is not None else np.zeros_like(age))
        self._has_limits = lower is not None and upper is not None
        if lower is not None and upper is not None:
            known = np.isfinite(lower) & np.isfinite(upper)
            self._has_limits = bool(known.any())
            within = known & (age >= lower) & (age <= upper)
            sums += [known, within, np.where(known, upper - lower, 0.0)]
        self._sums = np.column_stack(sums).astype(float)
        self._ranks = Ranking(age), Ranking(predicted)

    def __call__(self, weights: np.ndarray, brief: bool = False) -> dict[str, np.ndarray]:
        """Score samples.

        Parameters
        ----------
        weights
            How often each person is in each sample; (samples, n).
        brief
            Leave out what needs ranks.

        Returns
        -------
        dict[str, numpy.ndarray]
            One value per sample of each score.
        """
        with np.errstate(invalid="ignore", divide="ignore"):
            found = self._moments(weights)
        if self._reference is None:
            found["mae_median"] = self._around_median(weights)
        if not brief:
            first, second = (ranking.midranks(weights) for ranking in self._ranks)
            found["spearman"] = correlation(first, second, weights)
        return found

    def _moments(self, weights: np.ndarray) -> dict[str, np.ndarray]:
        sums = (weights @ self._sums).T
        means = sums / sums[0]
        absolute, bias, square, x, y, xx, yy, xy, guess = means[1:10]
        age, predicted, both = xx - x * x, yy - y * y, xy - x * y
        gap = _positive(age + predicted - 2 * both)
        age, predicted = _positive(age), _positive(predicted)
        centre_x, centre_y = x + self._centre[0], y + self._centre[1]
        forward, backward = both / age, both / predicted
        found = {
            "mae": absolute,
            "rmse": np.sqrt(square),
            "r2": 1 - square / age,
            "pcc": both / np.sqrt(age * predicted),
            "sd": np.sqrt(np.nan_to_num(gap)),
            "bias": bias,
            "mae_over_range": absolute / (self._range or np.nan),
            "slope_predicted_on_age": forward,
            "intercept_predicted_on_age": centre_y - forward * centre_x,
            "slope_age_on_predicted": backward,
            "intercept_age_on_predicted": centre_x - backward * centre_y,
            "pcc_gap_age": (both - age) / np.sqrt(age * gap),
        }
        if self._reference is not None:
            found["mae_median"] = guess
        if self._has_limits:
            found |= {"coverage": sums[11] / sums[10], "interval_width": sums[12] / sums[10]}
        return found

    def _around_median(self, weights: np.ndarray) -> np.ndarray:
        """Mean absolute distance of each sample's ages from their own median."""
        ordered = weights[:, self._order]
        upto = np.cumsum(ordered, axis=1)
        half = upto[:, -1:] / 2
        below = np.argmax(upto >= half, axis=1)
        above = np.argmax(upto > half, axis=1)
        median = (self._age[below] + self._age[above]) / 2
        rows = np.arange(len(weights))
        n, years = upto[:, -1], ordered @ self._age
        n_low = upto[rows, below]
        ordered *= self._age
        low = np.cumsum(ordered, axis=1)[rows, below]
        return ((years - low) - median * (n - n_low) + median * n_low - low) / n


def _positive(variance: np.ndarray) -> np.ndarray:
    """Variances, NaN where the values do not differ."""
    return np.where(variance > SLIGHT, variance, np.nan)
