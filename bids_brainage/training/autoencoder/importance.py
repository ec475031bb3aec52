"""Which measures age and sex are told from: permutation of groups of correlated measures.

Breiman, 2001, doi:10.1023/A:1010933404324. A measure whose neighbours tell the same loses nothing
when it alone is shuffled, so that measures which go together are shuffled together.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform
from scipy.stats import rankdata

from bids_brainage.bids.outputs import write_tsv

COLUMNS = (
    "target", "rank", "measures", "n_measures", "importance", "importance_sd", "unit",
)  # fmt: skip
UNITS = {"age": "years of error", "sex": "AUC"}
SAME = 0.5
REPEATS = 10
DECIMALS = 5
Loss = Callable[[np.ndarray], Mapping[str, float]]


def rank_correlation(values: np.ndarray) -> np.ndarray:
    """Return Spearman's correlations between measures, missing ones as the median; (p, p)."""
    middle = np.nan_to_num(np.nanmedian(np.where(np.isfinite(values), values, np.nan), axis=0))
    filled = np.where(np.isfinite(values), values, middle)
    ranks = rankdata(filled, axis=0)
    ranks -= ranks.mean(axis=0)
    spread = np.sqrt(np.square(ranks).sum(axis=0))
    ranks = ranks / np.where(spread > 0, spread, 1.0)
    return ranks.T @ ranks


def clusters_of(correlation: np.ndarray, same: float = SAME) -> list[np.ndarray]:
    """Group measures by average linkage of one minus their absolute rank correlation.

    Parameters
    ----------
    correlation
        Shape (p, p).
    same
        Mean absolute correlation above which groups are one.

    Returns
    -------
    list[np.ndarray]
        Indices of the measures of each group.
    """
    if len(correlation) < 2:
        return [np.arange(len(correlation))]
    distance = np.clip(1 - np.abs(correlation), 0, None)
    np.fill_diagonal(distance, 0)
    tree = linkage(squareform((distance + distance.T) / 2, checks=False), "average")
    group = fcluster(tree, 1 - same, "distance")
    return [np.flatnonzero(group == k) for k in np.unique(group)]


def shuffled_losses(
    features: np.ndarray,
    columns: Sequence[np.ndarray],
    loss: Loss,
    seed: int,
    repeats: int = REPEATS,
) -> dict[str, np.ndarray]:
    """Return how much worse unseen people are told when groups of their features are shuffled.

    Parameters
    ----------
    features
        Features of unseen people; (n, f).
    columns
        Columns of the features of each group.
    loss
        From features to target and loss.

    Returns
    -------
        Target to the mean increase of the loss over `repeats` shuffles; (groups,).
    """
    whole = loss(features)
    added = {target: np.zeros(len(columns)) for target in whole}
    generator = np.random.default_rng(seed)
    for _ in range(repeats):
        order = generator.permutation(len(features))
        for k, group in enumerate(columns):
            changed = features.copy()
            changed[:, group] = features[order][:, group]
            for target, value in loss(changed).items():
                added[target][k] += (value - whole[target]) / repeats
    return added


def write_importance(
    path: Path,
    names: Sequence[str],
    clusters: Sequence[np.ndarray],
    folds: Sequence[tuple[Mapping[str, np.ndarray], int]],
) -> None:
    """Write groups by importance: mean over folds, weighed by people, and deviation over folds.

    Parameters
    ----------
    names
        Names of the measures.
    folds
        For each fold, target to the increase of the loss per group, and the number of people.
    """
    rows: list[dict[str, object]] = []
    weights = np.array([n for _, n in folds], float)
    for target, unit in UNITS.items():
        if not folds or target not in folds[0][0]:
            continue
        each = np.array([found[target] for found, _ in folds])
        known = np.isfinite(each).all(axis=1)
        if not known.any():
            continue
        mean = np.average(each[known], axis=0, weights=weights[known])
        sd = each[known].std(axis=0, ddof=1) if known.sum() > 1 else np.full(len(mean), np.nan)
        for rank, k in enumerate(np.argsort(-mean, kind="stable"), start=1):
            rows.append({
                "target": target,
                "rank": rank,
                "measures": "; ".join(names[i] for i in clusters[k]),
                "n_measures": len(clusters[k]),
                "importance": round(float(mean[k]), DECIMALS),
                "importance_sd": round(float(sd[k]), DECIMALS) if np.isfinite(sd[k]) else None,
                "unit": unit,
            })  # fmt: skip
    write_tsv(path, rows, COLUMNS)
