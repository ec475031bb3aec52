"""Distances between sets of people: a kernel distance of features, and nearest neighbours."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import cdist
from scipy.stats import mannwhitneyu

DRAWS = 500
Weights = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Score:
    """A number, and what it is in samples drawn anew.

    Parameters
    ----------
    value
        Of all.
    draws
        Of bootstrap samples; empty where there are none.
    """

    value: float
    draws: np.ndarray


def bootstrap(
    statistic: Callable[[np.ndarray, np.ndarray], float], sizes: tuple[int, int], seed: int = 0
) -> Score:
    """A statistic of two sets of which each member counts as often as it is drawn.

    Parameters
    ----------
    statistic
        From weights of the members of both sets to a number.
    sizes
        Members of both sets.
    """
    source = np.random.default_rng(seed)
    draws = [
        statistic(*(source.multinomial(n, np.full(n, 1 / n)).astype(float) for n in sizes))
        for _ in range(DRAWS)
    ]
    return Score(statistic(*(np.ones(n) for n in sizes)), np.array(draws))


def mean_of(values: np.ndarray) -> Score:
    """Mean of one value of each member; (n,)."""
    return bootstrap(lambda w, _: float(np.average(values, weights=w)), (len(values), 1))


def mean_of_pairs(matrix: np.ndarray, weight: np.ndarray) -> float:
    """Mean over pairs of different members; (n, n) and (n,)."""
    both = np.outer(weight, weight)
    np.fill_diagonal(both, 0)
    total = both.sum()
    return float((matrix * both).sum() / total) if total > 0 else float("nan")


def kernel(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Polynomial kernel of degree 3 of features; (n, d) and (m, d) to (n, m)."""
    found: np.ndarray = (first @ second.T / first.shape[1] + 1) ** 3
    return found


def kernel_distance(made: np.ndarray, real: np.ndarray, scale: Weights | None = None) -> Score:
    """Unbiased squared kernel distance of two sets (KID); below 0 by chance where they are alike.

    Parameters
    ----------
    made, real
        Features; (n, d) and (m, d).
    scale
        Mean and standard deviation of the features, which they are brought to 0 and 1 by.

    Notes
    -----
    In a bootstrap sample a member makes no pair with itself, or its copies would look like
    people who are alike.
    """
    if scale is not None:
        made, real = ((x - scale[0]) / scale[1] for x in (made, real))
    within_made, within_real, between = kernel(made, made), kernel(real, real), kernel(made, real)

    def statistic(first: np.ndarray, second: np.ndarray) -> float:
        across = float(first @ between @ second / (first.sum() * second.sum()))
        return mean_of_pairs(within_made, first) + mean_of_pairs(within_real, second) - 2 * across

    return bootstrap(statistic, (len(made), len(real)))


def nearest(cubes: np.ndarray, training: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Root mean squared difference to the nearest training person, and who that is.

    Parameters
    ----------
    cubes, training
        (n, x, y, z) and (m, x, y, z).
    """
    distance = distances(cubes, training)
    return distance.min(axis=1), distance.argmin(axis=1)


def distances(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Root mean squared differences of cubes; (n, m)."""
    flat = [x.reshape(len(x), -1).astype(np.float32) for x in (first, second)]
    found: np.ndarray = cdist(*flat) / np.sqrt(flat[0].shape[1])
    return found


def memorised(made: np.ndarray, held: np.ndarray, training: np.ndarray) -> dict[str, Score]:
    """Whether generated cubes lie nearer to training people than new people do.

    Parameters
    ----------
    made, held, training
        Generated cubes, those of people kept apart, and those of the training people.

    Returns
    -------
        ``nearest`` and ``nearest_held``: mean distance to the nearest training person;
        ``nearest_auc``: chance that a new person lies farther from the training people than a
        generated one (0.5: alike; 1: all generated ones are nearer); ``nearest_p``: of the test
        of Mann and Whitney on it, two-sided; ``closer``: share of generated cubes nearer to a
        training person than the nearest new person is; ``ratio`` and ``ratio_held``: mean of the
        distance to the nearest over that to the second nearest training person, near 0 for
        copies.
    """
    to_made, to_held = (np.sort(distances(x, training), axis=1) for x in (made, held))
    near_made, near_held = to_made[:, 0], to_held[:, 0]
    wins = (near_held[None] > near_made[:, None]) + 0.5 * (near_held[None] == near_made[:, None])
    sizes = (len(made), len(held))
    ratios = [x[:, 0] / np.maximum(x[:, 1], 1e-12) for x in (to_made, to_held)]
    nothing = np.empty(0)

    return {
        "nearest": mean_of(near_made),
        "nearest_held": mean_of(near_held),
        "nearest_auc": bootstrap(lambda a, b: float(a @ wins @ b / (a.sum() * b.sum())), sizes),
        "nearest_p": Score(float(mannwhitneyu(near_made, near_held).pvalue), nothing),
        "closer": mean_of((near_made < near_held.min()).astype(float)),
        "ratio": mean_of(ratios[0]),
        "ratio_held": mean_of(ratios[1]),
    }
