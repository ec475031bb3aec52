"""The brain age gap against a column of the dataset, beside age, sex, site and motion."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy import stats

from bids_brainage.evaluation.contrasts import Comparison, Contrast, LevelMean
from bids_brainage.evaluation.covariates import Covariate, is_continuous, is_missing, numbers

MIN_LEVEL = 5
MAX_LEVELS = 10
MIN_FREEDOM = 10
MAX_LEVERAGE = 0.999
EXACT = 1e-8  # share of the gap's variance that is left; tables round
LEVEL = 0.95
CONTROL = ("control", "healthy", "typical", "normal")
CONTROL_WORDS = frozenset({"hc", "con", "ctrl", "ctl", "cn", "nc", "td", "tdc", "norm", "hv", "no"})


def compare_gap(
    model: str,
    column: str,
    gap: np.ndarray,
    age: np.ndarray,
    cells: Sequence[str],
    covariates: Sequence[Covariate],
) -> Comparison:
    """Compare the gap between groups, or along a number, by least squares.

    Standard errors are robust to unequal variances (HC3; MacKinnon & White 1985,
    doi:10.1016/0304-4076(85)90158-7; Long & Ervin 2000, doi:10.1080/00031305.2000.10474549).

    Parameters
    ----------
    gap, age
        Years, one person each; NaN for missing.
    cells
        The column of the same people.
    covariates
        Of the same people; people without one are left out.
    """
    continuous = is_continuous(cells)
    empty = Comparison(model, column, "slope" if continuous else "groups")
    predicted = np.isfinite(gap)
    rows = predicted & np.array([not is_missing(cell) for cell in cells])
    notes = []
    if lacking := int((predicted & ~rows).sum()):
        notes.append(f"{lacking} without {column}")
    for covariate in covariates:
        known = covariate.known()
        if lacking := int((rows & ~known).sum()):
            notes.append(f"{lacking} without {covariate.name}")
        rows &= known
    texts = np.array([cell.strip() for cell in cells])
    if not continuous:
        rows, told, problem = _usable_levels(texts, rows)
        notes += told
        if problem:
            return replace(empty, problem=problem, notes=tuple(notes))
    for covariate in covariates:
        if (alone := covariate.lonely(rows)).any():
            notes.append(f"{int(alone.sum())} alone in their {covariate.name}")
            rows &= ~alone
    if not continuous:  # Who was alone may have left a group too small.
        rows, told, problem = _usable_levels(texts, rows)
        notes += told
        if problem:
            return replace(empty, problem=problem, notes=tuple(notes))
    parts, used = [], []
    for covariate in covariates:
        found = covariate.columns(rows) if rows.any() else np.empty((0, 0))
        if found.shape[1]:
            parts.append(found)
            used.append(covariate.name)
        else:
            notes.append(f"{covariate.name} is the same for everyone and not in the model")
    outcome = replace(
        empty, n=int(rows.sum()), n_left_out=int((predicted & ~rows).sum()),
        covariates=tuple(used), notes=tuple(notes),
    )  # fmt: skip
    own, names = _own_columns(column, cells, texts, rows, continuous=continuous)
    if own.shape[1] == 0 or not np.ptp(own, axis=0).all():
        return replace(outcome, problem=f"{column} is the same for everyone")
    return _fit(outcome, gap[rows], age[rows], texts[rows], own, names, parts)


def reference_level(levels: Sequence[str], counts: Sequence[int]) -> str:
    """Name the group others are compared with: controls by their name, else the largest."""
    for level in levels:
        words = level.lower().replace("_", " ").replace("-", " ").split()
        if CONTROL_WORDS & set(words) or any(w.startswith(CONTROL) for w in words):
            return level
    return max(zip(levels, counts, strict=True), key=lambda pair: pair[1])[0]


def _usable_levels(texts: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, list[str], str]:
    """Leave out groups that are too small; tell which, and why nothing can be compared."""
    names, counts = np.unique(texts[rows], return_counts=True)
    small = names[counts < MIN_LEVEL]
    told = [f"{name} ({count})" for name, count in zip(names, counts, strict=True)
            if count < MIN_LEVEL]  # fmt: skip
    if len(names) - len(small) > MAX_LEVELS:
        return rows, [], f"{len(names) - len(small)} groups; at most {MAX_LEVELS} are compared"
    notes = []
    if told:
        shown = ", ".join(told[:MAX_LEVELS]) + (", …" if len(told) > MAX_LEVELS else "")
        notes.append(f"groups of fewer than {MIN_LEVEL} people: {shown}")
    if len(names) == 1:
        return rows, [], f"everyone has {names[0]}"
    if len(names) - len(small) < 2:
        return rows, notes, f"fewer than two groups of at least {MIN_LEVEL} people"
    return rows & ~np.isin(texts, small), notes, ""


def _own_columns(
    column: str, cells: Sequence[str], texts: np.ndarray, rows: np.ndarray, *, continuous: bool
) -> tuple[np.ndarray, list[str]]:
    """Columns of the tested variable, and the groups they stand for (the reference first)."""
    if continuous:
        values = numbers(cells)
        assert values is not None
        return values[rows, None], []
    found, counts = np.unique(texts[rows], return_counts=True)
    reference = reference_level(found.tolist(), counts.tolist())
    names = [reference, *(name for name in found.tolist() if name != reference)]
    return (texts[rows, None] == np.array(names[1:])[None]).astype(float), names


def _fit(
    told: Comparison,
    gap: np.ndarray,
    age: np.ndarray,
    texts: np.ndarray,
    own: np.ndarray,
    names: list[str],
    parts: list[np.ndarray],
) -> Comparison:
    from statsmodels.regression.linear_model import OLS

    others = np.hstack([np.ones((len(gap), 1)), *(part - part.mean(axis=0) for part in parts)])
    # Without units the numbers of a column cannot spoil the arithmetic.
    unit = 1.0 if names else float(own.std())
    design = np.hstack([(own if names else own - own.mean()) / unit, others])
    freedom = len(gap) - design.shape[1]
    if freedom < MIN_FREEDOM:
        return replace(told, problem=f"{len(gap)} people are too few for {design.shape[1]} terms")
    if np.linalg.matrix_rank(design) < design.shape[1]:
        return replace(told, problem=f"{told.column} cannot be told apart from the covariates")
    basis = np.linalg.qr(design)[0]
    if (basis**2).sum(axis=1).max() > MAX_LEVERAGE:
        return replace(told, problem="the result would hang on one person")
    result = OLS(gap, design).fit(cov_type="HC3", use_t=True)
    if result.ssr <= EXACT * float(((gap - gap.mean()) ** 2).sum()):
        return replace(told, problem=f"{told.column} and the covariates tell the gap exactly")
    k = own.shape[1]
    weights, cover = np.asarray(result.params), np.asarray(result.cov_params())
    spread = float(np.sqrt(result.ssr / freedom))
    quantile = float(stats.t.ppf(0.5 + LEVEL / 2, freedom))
    adjusted = gap - others[:, 1:] @ weights[k + 1 :]
    told = replace(told, values=adjusted, labels=own[:, 0] if not names else texts)
    errors = np.sqrt(np.diag(cover))
    p = np.asarray(result.pvalues)
    if not names:
        return replace(told, contrasts=(
            _slope(len(gap), float(weights[0]), float(errors[0]), unit, float(p[0]),
                   freedom, quantile),
        ))  # fmt: skip
    count = {name: int((texts == name).sum()) for name in names}
    contrasts = tuple(
        _difference(name, names[0], count, float(weights[i]), float(errors[i]), float(p[i]),
                    spread, freedom, quantile)
        for i, name in enumerate(names[1:])
    )  # fmt: skip
    levels = []
    for i, name in enumerate(names):
        at = np.zeros(len(weights))
        at[k] = 1.0
        if i:
            at[i - 1] = 1.0
        middle, reach = float(at @ weights), quantile * float(np.sqrt(at @ cover @ at))
        ages = age[texts == name]
        levels.append(
            LevelMean(
                name, count[name], float(ages.mean()), float(ages.min()), float(ages.max()),
                middle, middle - reach, middle + reach,
            )
        )  # fmt: skip
    joint = float(result.f_test(np.eye(len(weights))[:k]).pvalue) if k > 1 else float("nan")
    return replace(told, contrasts=contrasts, levels=tuple(levels), joint_p=joint)


def _difference(
    name: str,
    reference: str,
    count: dict[str, int],
    estimate: float,
    error: float,
    p: float,
    spread: float,
    freedom: int,
    quantile: float,
) -> Contrast:
    effect = estimate / spread
    # By the delta method: errors of the difference and of the standard deviation.
    reach = quantile * float(np.sqrt((error / spread) ** 2 + effect**2 / (2 * freedom)))
    return Contrast(
        name, reference, count[name], count[reference], estimate, estimate - quantile * error,
        estimate + quantile * error, effect, effect - reach, effect + reach, p,
    )  # fmt: skip


def _slope(
    n: int, estimate: float, error: float, unit: float, p: float, freedom: int, quantile: float
) -> Contrast:
    t = estimate / error
    r = t / np.sqrt(t**2 + freedom)
    reach = stats.norm.ppf(0.5 + LEVEL / 2) / np.sqrt(max(freedom - 2, 1))
    low, high = np.tanh(np.arctanh(r) - reach), np.tanh(np.arctanh(r) + reach)
    return Contrast(
        "", "", n, 0, estimate / unit, (estimate - quantile * error) / unit,
        (estimate + quantile * error) / unit, float(r), float(low), float(high), p,
    )  # fmt: skip
