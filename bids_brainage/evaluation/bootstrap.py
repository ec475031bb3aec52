"""Paired bootstrap of the difference in mean absolute error between two models."""

from dataclasses import asdict, dataclass

import numpy as np

from bids_brainage.evaluation.resampling import parts

DRAWS = 10_000


@dataclass(frozen=True)
class PairedDifference:
    """Difference in mean absolute error on the same people.

    Parameters
    ----------
    gain
        Mean absolute error of the reference minus that of the candidate, in years; above zero
        the candidate is better.
    lower, upper
        Ends of the percentile confidence interval, in years.
    p_not_better
        Share of bootstrap samples in which the candidate is not better.
    n
        Number of people.
    """

    gain: float
    lower: float
    upper: float
    p_not_better: float
    n: int

    @property
    def verdict(self) -> str:
        """``better``, ``worse`` or ``not different`` at the interval's level."""
        if self.lower > 0:
            return "better"
        return "worse" if self.upper < 0 else "not different"

    def as_dict(self) -> dict[str, float | int | str]:
        """Return fields and verdict for a JSON file."""
        return asdict(self) | {"verdict": self.verdict}


def paired_bootstrap(
    age: np.ndarray,
    reference: np.ndarray,
    candidate: np.ndarray,
    *,
    groups: np.ndarray | None = None,
    draws: int = DRAWS,
    level: float = 0.95,
    seed: int = 0,
) -> PairedDifference:
    """Resample people and compare absolute errors of two models (Efron & Tibshirani, 1993).

    Parameters
    ----------
    age
        Chronological ages in years; shape (n,).
    reference, candidate
        Predicted ages in years of the two models for the same people; shape (n,). People with a
        NaN anywhere are left out.
    groups
        Site of each person; whole sites are resampled then, not people.
    draws
        Number of bootstrap samples.
    level
        Level of the confidence interval.
    seed
        Seed of the resampling.
    """
    stacked = np.column_stack([age, reference, candidate]).astype(float)
    known = ~np.isnan(stacked).any(axis=1)
    stacked = stacked[known]
    n = len(stacked)
    if n == 0:
        nan = float("nan")
        return PairedDifference(nan, nan, nan, nan, 0)
    gain = np.abs(stacked[:, 1] - stacked[:, 0]) - np.abs(stacked[:, 2] - stacked[:, 0])
    generator = np.random.default_rng(seed)
    # A person is a group of one unless groups are given.
    _, group = np.unique(np.arange(n) if groups is None else groups[known], return_inverse=True)
    count = np.bincount(group).astype(float)
    total = np.bincount(group, weights=gain)
    k = len(count)
    means = np.concatenate([
        total[drawn].sum(axis=1) / count[drawn].sum(axis=1)
        for drawn in (generator.integers(0, k, (size, k)) for size in parts(draws, k))
    ])  # fmt: skip
    tail = 100 * (1 - level) / 2
    lower, upper = np.percentile(means, [tail, 100 - tail])
    return PairedDifference(
        float(gain.mean()), float(lower), float(upper), float((means <= 0).mean()), n
    )
