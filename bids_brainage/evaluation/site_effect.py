"""How well the site of a person can be told from the brain age gap, before and after ComBat."""

from dataclasses import dataclass

import numpy as np

from bids_brainage.evaluation.combat import fit_combat

FOLDS = 5
REPEATS = 5
PERMUTATIONS = 200
SMALL = 1e-6


@dataclass(frozen=True)
class SiteEffect:
    """Balanced accuracy with which the site is told from the gap.

    Parameters
    ----------
    before, after
        Mean recall over sites, without and with harmonisation.
    p_before, p_after
        Share of permutations of the sites that reach as much.
    chance_lower, chance_upper
        Middle 95 % of the permutations of the gap as it is.
    shifts
        Site to the mean in years that was taken out.
    counts
        Site to its number of people.
    """

    before: float
    after: float
    p_before: float
    p_after: float
    chance_lower: float
    chance_upper: float
    shifts: dict[str, float]
    counts: dict[str, int]


def harmonised_gap(
    gap: np.ndarray, sites: np.ndarray, covariates: np.ndarray, fitted: np.ndarray
) -> tuple[np.ndarray, dict[str, float]]:
    """Take differences between sites in mean and spread out of the gap, age and sex preserved.

    Parameters
    ----------
    gap
        Years; shape (n,).
    covariates
        Age and sex; shape (n, q).
    fitted
        Rows to estimate the differences on: one per person.

    Returns
    -------
    tuple[np.ndarray, dict[str, float]]
        The gap without them, NaN where anything is missing; and each site's mean difference.
    """
    usable = np.isfinite(gap) & np.isfinite(covariates).all(axis=1) & (sites != "")
    rows = fitted & usable
    model = fit_combat(gap[rows, None], sites[rows], covariates[rows])
    result = np.full(gap.shape, np.nan)
    found = model.transform(gap[usable, None], sites[usable], covariates[usable])
    result[usable] = found[:, 0]
    shifts = (model.scale * model.shift)[:, 0]
    return result, dict(zip(model.sites, shifts.tolist(), strict=True))


def site_effect(
    gap: np.ndarray, sites: np.ndarray, covariates: np.ndarray, *, seed: int = 0
) -> SiteEffect:
    """Tell sites from the gap by a normal distribution per site, cross-validated.

    People of each site are halved five times; the differences estimated on one half are taken
    from the other, and sites are told within that half (five folds, a mean and a standard
    deviation per site, equal priors). So the figure after harmonisation is that of people on whom
    it was not fitted. Effects of age and sex, which harmonisation preserves, are taken out before
    (linear, fitted on the other half).

    Parameters
    ----------
    gap, sites, covariates
        Of one row per person, without missing values.
    """
    generator = np.random.default_rng(seed)
    names, index = np.unique(sites, return_inverse=True)
    halves = [_deal(index, 2, generator) for _ in range(REPEATS)]
    before, after, folds = [], [], []
    for half in halves:
        for own in (half == 0, half == 1):
            model = fit_combat(gap[~own, None], sites[~own], covariates[~own])
            expected = model.mean[0] + covariates[own] @ model.slopes[:, 0]
            clean = model.transform(gap[own, None], sites[own], covariates[own])[:, 0]
            before.append((gap[own] - expected, index[own]))
            after.append((clean - expected, index[own]))
            folds.append(_deal(index[own], FOLDS, generator))

    def score(parts: list[tuple[np.ndarray, np.ndarray]]) -> float:
        told = [
            _balanced_accuracy(x, y, f, len(names))
            for (x, y), f in zip(parts, folds, strict=True)
        ]  # fmt: skip
        return float(np.mean(told))

    def permuted(parts: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
        return np.array([
            score([(x[generator.permutation(len(x))], y) for x, y in parts])
            for _ in range(PERMUTATIONS)
        ])  # fmt: skip

    scores = score(before), score(after)
    chance, chance_after = permuted(before), permuted(after)
    lower, upper = np.percentile(chance, [2.5, 97.5])
    _, shifts = harmonised_gap(gap, sites, covariates, np.ones(len(gap), bool))
    return SiteEffect(
        before=scores[0],
        after=scores[1],
        p_before=float((1 + (chance >= scores[0]).sum()) / (1 + PERMUTATIONS)),
        p_after=float((1 + (chance_after >= scores[1]).sum()) / (1 + PERMUTATIONS)),
        chance_lower=float(lower),
        chance_upper=float(upper),
        shifts=shifts,
        counts=dict(zip(names.tolist(), np.bincount(index).tolist(), strict=True)),
    )


def _deal(index: np.ndarray, n: int, generator: np.random.Generator) -> np.ndarray:
    """Deal people of every site into `n` parts of like size."""
    part = np.empty(len(index), int)
    for k in np.unique(index):
        rows = generator.permutation(np.flatnonzero(index == k))
        part[rows] = np.arange(len(rows)) % n
    return part


def _balanced_accuracy(values: np.ndarray, truth: np.ndarray, fold: np.ndarray, k: int) -> float:
    """Mean recall of sites told by the likeliest normal distribution."""
    member = np.eye(k)[truth]
    right = np.zeros(k)
    for f in np.unique(fold):
        train, test = fold != f, fold == f
        count = member[train].sum(axis=0)
        mean = member[train].T @ values[train] / count
        square = member[train].T @ values[train] ** 2 / count
        spread = np.sqrt(np.maximum(square - mean**2, SMALL * (1 + values.var())))
        score = -0.5 * ((values[test, None] - mean) / spread) ** 2 - np.log(spread)
        told = score.argmax(axis=1) == truth[test]
        right += member[test].T @ told
    return float((right / member.sum(axis=0)).mean())
