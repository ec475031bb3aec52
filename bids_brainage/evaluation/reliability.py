"""Are probabilities what they say? Reliability curve, Brier score, calibration line."""

from dataclasses import dataclass

import numpy as np

BINS = 10
_NEVER = 1e-6  # probabilities are kept this far from 0 and 1 before their logit is taken
_STEPS, _MORE_STEPS = 50, 6
_SEPARATED = 100.0


@dataclass(frozen=True)
class Bin:
    """People whose predicted probability lies in one tenth.

    Parameters
    ----------
    low, high
        Ends of the bin.
    n
        People in it.
    predicted
        Their mean predicted probability.
    observed
        Share of them that is positive.
    lower, upper
        Wilson's 95 % interval of that share.
    """

    low: float
    high: float
    n: int
    predicted: float
    observed: float
    lower: float
    upper: float


def reliability_curve(positive: np.ndarray, probability: np.ndarray) -> list[Bin]:
    """Predicted probability against observed share, in tenths; empty tenths are left out."""
    curve = []
    number = bin_of(probability)
    for i in range(BINS):
        chosen = number == i
        n = int(chosen.sum())
        if n:
            share = float(positive[chosen].mean())
            lower, upper = wilson(share, n)
            mean = float(probability[chosen].mean())
            curve.append(Bin(i / BINS, (i + 1) / BINS, n, mean, share, lower, upper))
    return curve


def bin_of(probability: np.ndarray) -> np.ndarray:
    """Number of the tenth each probability lies in."""
    return np.clip((probability * BINS).astype(int), 0, BINS - 1)


def wilson(share: float, n: int, z: float = 1.959964) -> tuple[float, float]:
    """Wilson's interval of a share."""
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return float(middle - half), float(middle + half)


def logit(probability: np.ndarray) -> np.ndarray:
    """Log odds, finite for 0 and 1, too."""
    kept = np.clip(probability, _NEVER, 1 - _NEVER)
    return np.log(kept / (1 - kept))


class CalibrationLine:
    """Logistic regression of the truth on the log odds: slope 1 and intercept 0 are right.

    A slope below 1 says that the probabilities are too sure of themselves.

    Parameters
    ----------
    positive
        1 or 0; (n,).
    probability
        Predicted; (n,).
    """

    def __init__(self, positive: np.ndarray, probability: np.ndarray) -> None:
        self._truth = positive.astype(float)
        self._odds = logit(probability)
        start = np.array([[0.0, 1.0]])
        self._start = self._fit(np.ones((1, len(positive))), start, _STEPS)

    def __call__(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Slope and intercept of each sample; NaN where the sexes are told apart without error."""
        if np.isnan(self._start).any():
            missing = np.full(len(weights), np.nan)
            return missing, missing
        found = self._fit(weights, np.repeat(self._start, len(weights), axis=0), _MORE_STEPS)
        return found[:, 1], found[:, 0]

    def _fit(self, weights: np.ndarray, line: np.ndarray, steps: int) -> np.ndarray:
        x = self._odds
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            for _ in range(steps):
                chance = 1 / (1 + np.exp(-np.clip(line[:, :1] + line[:, 1:] * x, -50, 50)))
                rest = weights * (self._truth - chance)
                curve = weights * chance * (1 - chance)
                gradient = rest.sum(axis=1), rest @ x
                a, b, c = curve.sum(axis=1), curve @ x, curve @ (x * x)
                determinant = a * c - b * b
                move = np.column_stack([
                    (c * gradient[0] - b * gradient[1]) / determinant,
                    (a * gradient[1] - b * gradient[0]) / determinant,
                ])  # fmt: skip
                line = line + move
            lost = ~np.isfinite(line).all(axis=1) | (np.abs(line) > _SEPARATED).any(axis=1)
            lost |= np.abs(move).max(axis=1) > 1e-3
        return np.where(lost[:, None], np.nan, line)
