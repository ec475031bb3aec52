"""Bootstrap samples as weights: how often each row is drawn, for many samples at once."""

from collections.abc import Iterator

import numpy as np

DRAWS = 2000
LEVEL = 0.95
# Fewer clusters say nothing about their own spread.
MIN_CLUSTERS = 5
_ELEMENTS = 1_000_000


def draws_of(clusters: np.ndarray, draws: int = DRAWS, seed: int = 0) -> Iterator[np.ndarray]:
    """Draw clusters with replacement, again and again.

    Parameters
    ----------
    clusters
        What is drawn as a whole, such as the participant of each row; (n,).
    draws
        Number of bootstrap samples.
    seed
        Seed of the resampling.

    Yields
    ------
    numpy.ndarray
        How often each row is in each sample; (samples, n), in parts of bounded size.
    """
    labels, index = np.unique(np.asarray(clusters), return_inverse=True)
    n, k = len(index), len(labels)
    generator = np.random.default_rng(seed)
    for size in parts(draws, n):
        drawn = generator.integers(0, k, (size, k))
        drawn += np.arange(size)[:, None] * k
        counts = np.bincount(drawn.ravel(), minlength=size * k).reshape(size, k).astype(float)
        yield counts if n == k else counts[:, index]


def parts(draws: int, n: int) -> list[int]:
    """Split draws of `n` rows so that a part fits into little memory."""
    size = max(1, _ELEMENTS // max(n, 1))
    whole, rest = divmod(draws, size)
    return [size] * whole + ([rest] if rest else [])


def interval(values: np.ndarray, level: float = LEVEL) -> tuple[float, float]:
    """Ends of the percentile interval of bootstrap values; NaN where half of them are missing."""
    known = values[np.isfinite(values)]
    if known.size == 0 or known.size < values.size / 2:
        return float("nan"), float("nan")
    tail = 100 * (1 - level) / 2
    lower, upper = np.percentile(known, [tail, 100 - tail])
    return float(lower), float(upper)
