"""ComBat: site differences in mean and spread of measures, age and sex preserved.

Johnson et al. 2007 (doi:10.1093/biostatistics/kxj037); for brain measures Fortin et al. 2017
(doi:10.1016/j.neuroimage.2017.08.047) and 2018 (doi:10.1016/j.neuroimage.2017.11.024).
"""

from dataclasses import dataclass

import numpy as np

from bids_brainage.errors import UsageError

MIN_PEOPLE = 10
MAX_CONFOUNDING = 0.8
CONVERGED = 1e-4
MAX_ROUNDS = 1000
SMALL = 1e-12


@dataclass(frozen=True)
class Combat:
    """Differences between sites, estimated on some people and to be taken from them or others.

    Parameters
    ----------
    sites
        Names of the sites.
    mean
        Mean of each measure over the people; shape (p,).
    slopes
        Effect of each covariate on each measure, which is preserved; shape (q, p).
    scale
        Pooled standard deviation of the residuals; shape (p,).
    shift, spread
        Mean of each site and its standard deviation, both in units of `scale`; shape (k, p).
    """

    sites: tuple[str, ...]
    mean: np.ndarray
    slopes: np.ndarray
    scale: np.ndarray
    shift: np.ndarray
    spread: np.ndarray

    def transform(
        self, values: np.ndarray, sites: np.ndarray, covariates: np.ndarray | None = None
    ) -> np.ndarray:
        """Take the differences of the sites out of measures.

        Parameters
        ----------
        values
            People x measures, NaN for missing.
        sites
            Site of each person. People of a site that is not known get NaN: nothing is known of
            its difference.
        covariates
            People x covariates; needed unless the sites' spreads are all one, where they cancel.
        """
        values = np.asarray(values, float)
        where = {name: k for k, name in enumerate(self.sites)}
        index = np.array([where.get(str(site), -1) for site in sites], dtype=int)
        known = index >= 0
        result = np.full(values.shape, np.nan)
        shift, spread = self.shift[index[known]], self.spread[index[known]]
        expected = self.mean
        if covariates is not None:
            expected = expected + np.asarray(covariates, float)[known] @ self.slopes
        elif not np.all(self.spread == 1):
            raise ValueError("spreads are taken out around what the covariates let expect")
        found = (values[known] - expected - self.scale * shift) / spread + expected
        result[known] = found
        return result


def fit_combat(
    values: np.ndarray,
    sites: np.ndarray,
    covariates: np.ndarray | None = None,
    *,
    mean_only: bool = False,
) -> Combat:
    """Estimate the differences between sites.

    Means and spreads are shrunk towards those of all measures of a site (empirical Bayes with
    parametric priors); with a single measure there is nothing to shrink to and they are taken as
    they are.

    Parameters
    ----------
    values
        People x measures, NaN for missing.
    sites
        Site of each person; shape (n,).
    covariates
        People x covariates whose effects are preserved, without missing values.
    mean_only
        Take out means alone. People can then be transformed without their covariates, as must be
        where the age is to be predicted.
    """
    values = np.asarray(values, float)
    names, index = np.unique(np.asarray(sites).astype(str), return_inverse=True)
    member = np.eye(len(names))[index]
    preserved = np.empty((len(values), 0)) if covariates is None else np.asarray(covariates, float)
    seen = ~np.isnan(values)
    weights = _least_squares(np.hstack([member, preserved]), values)
    per_site, slopes = weights[: len(names)], weights[len(names) :]
    count = member.T @ seen
    mean = (count * per_site).sum(axis=0) / np.maximum(count.sum(axis=0), 1)
    residuals = values - np.hstack([member, preserved]) @ weights
    scale = np.sqrt(_mean(residuals**2))
    constant = scale <= SMALL * np.maximum(np.abs(mean), 1)
    scale = np.where(constant, 1.0, scale)
    count[:, constant] = 0
    standard = (values - mean - preserved @ slopes) / scale
    shift = _by_site(standard, index, len(names), _mean)
    spread = _by_site(standard, index, len(names), _variance)
    if mean_only:
        shift, spread = _shrunk_means(shift, count), np.ones_like(shift)
    elif values.shape[1] > 1:
        for k in range(len(names)):
            shift[k], spread[k] = _posterior(standard[index == k], shift[k], spread[k], count[k])
    # A measure that does not vary, or that a site does not have, is left as it is.
    spread = np.where((count > 1) & (spread > SMALL), np.sqrt(np.maximum(spread, 0)), 1.0)
    shift = np.where(count > 0, shift, 0.0)
    return Combat(tuple(names.tolist()), mean, slopes, scale, shift, spread)


def check_sites(sites: np.ndarray, age: np.ndarray, covariates: np.ndarray, place: str) -> None:
    """Refuse sites whose differences cannot be told from those of age and sex.

    That is: a single site, a site of fewer than ten people, a site whose ages (5th to 95th
    percentile) do not overlap with those of the others, ages of which sites explain more than
    80 % of the variance, or covariates that tell the sites exactly.

    Parameters
    ----------
    age
        Years, known for everyone.
    covariates
        People x covariates that are preserved.
    place
        Option or column, for the message.

    Raises
    ------
    UsageError
        If so, with the sites.
    """
    names, index, counts = np.unique(sites, return_inverse=True, return_counts=True)
    if len(names) < 2:
        raise UsageError(
            f"harmonisation needs two sites or more, {len(names)} found", place=place,
            hint="leave --harmonise out",
        )  # fmt: skip
    if counts.min() < MIN_PEOPLE:
        small = ", ".join(
            f"{n} ({c})" for n, c in zip(names, counts, strict=True) if c < MIN_PEOPLE
        )
        raise UsageError(
            f"sites with fewer than {MIN_PEOPLE} people of known age and sex: {small}",
            place=place, hint="name another column, or leave --harmonise out",
        )  # fmt: skip
    hint = "differences of site and of age cannot be told apart: compare within sites"
    for name, (low, high) in sites_apart(sites, age).items():
        raise UsageError(
            f"site and age are confounded: the ages of {name} ({low:.0f} to {high:.0f}) do not "
            "overlap with those of the others", place=place, hint=hint,
        )  # fmt: skip
    means = np.array([age[index == k].mean() for k in range(len(names))])
    explained = float(np.var(means[index]) / max(np.var(age), SMALL))
    if explained > MAX_CONFOUNDING:
        raise UsageError(
            f"site and age are confounded: sites explain {100 * explained:.0f} % of the variance "
            "of age", place=place, hint=hint,
        )  # fmt: skip
    design = np.hstack([np.eye(len(names))[index], covariates])
    if np.linalg.matrix_rank(design) < design.shape[1]:
        raise UsageError(
            "site and sex are confounded: one tells the other", place=place,
            hint="differences of site and of sex cannot be told apart: compare within sites",
        )  # fmt: skip


def sites_apart(sites: np.ndarray, age: np.ndarray) -> dict[str, tuple[float, float]]:
    """Sites whose ages (5th to 95th percentile) do not overlap with the others', and these ages."""
    found = {}
    for name in np.unique(sites):
        own = np.percentile(age[sites == name], [5, 95])
        if (sites == name).all():
            continue
        others = np.percentile(age[sites != name], [5, 95])
        if own[0] > others[1] or own[1] < others[0]:
            found[str(name)] = (float(own[0]), float(own[1]))
    return found


def _least_squares(design: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Solve at once for all measures that the same people have."""
    weights = np.zeros((design.shape[1], values.shape[1]))
    seen = ~np.isnan(values)
    patterns: dict[bytes, list[int]] = {}
    for j in range(values.shape[1]):
        patterns.setdefault(np.packbits(seen[:, j]).tobytes(), []).append(j)
    for columns in patterns.values():
        rows = seen[:, columns[0]]
        if rows.any():
            found = np.linalg.lstsq(design[rows], values[np.ix_(rows, columns)], rcond=None)[0]
            weights[:, columns] = found
    return weights


def _mean(values: np.ndarray) -> np.ndarray:
    count = np.maximum((~np.isnan(values)).sum(axis=0), 1)
    return np.nansum(values, axis=0) / count


def _variance(values: np.ndarray) -> np.ndarray:
    count = (~np.isnan(values)).sum(axis=0)
    squares = np.nansum((values - _mean(values)) ** 2, axis=0)
    return np.where(count > 1, squares / np.maximum(count - 1, 1), 1.0)


def _by_site(values: np.ndarray, index: np.ndarray, n: int, summary) -> np.ndarray:
    return np.stack([summary(values[index == k]) for k in range(n)])


def _shrunk_means(shift: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Shrink a site's means to their own mean, each by the number of its people."""
    if shift.shape[1] < 2:
        return shift
    centre = shift.mean(axis=1, keepdims=True)
    prior = shift.var(axis=1, ddof=1, keepdims=True)
    return (prior * count * shift + centre) / (prior * count + 1)


def _posterior(
    values: np.ndarray, shift: np.ndarray, spread: np.ndarray, count: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Iterate between conditional means of a site's shifts and variances (Johnson et al. 2007)."""
    used = count > 1
    if used.sum() < 2 or spread[used].var() < SMALL:
        return shift, spread
    centre, prior = shift[used].mean(), shift[used].var(ddof=1)
    mean, variance = spread[used].mean(), spread[used].var(ddof=1)
    shape = (2 * variance + mean**2) / variance
    rate = (mean * variance + mean**3) / variance
    old, old_spread = shift[used], spread[used]
    n, rows = count[used], values[:, used]
    for _ in range(MAX_ROUNDS):
        new = (prior * n * shift[used] + old_spread * centre) / (prior * n + old_spread)
        squares = np.nansum((rows - new) ** 2, axis=0)
        new_spread = (0.5 * squares + rate) / (n / 2 + shape - 1)
        change = max(_change(new, old), _change(new_spread, old_spread))
        old, old_spread = new, new_spread
        if change < CONVERGED:
            break
    shift, spread = shift.copy(), spread.copy()
    shift[used], spread[used] = old, old_spread
    return shift, spread


def _change(new: np.ndarray, old: np.ndarray) -> float:
    return float(np.max(np.abs(new - old) / np.maximum(np.abs(old), SMALL)))
