"""Scores of out-of-fold predictions, beside guessing the median of the same training people."""

from typing import Any

import numpy as np

from bids_brainage.evaluation.bootstrap import PairedDifference, paired_bootstrap
from bids_brainage.evaluation.metrics import regression_metrics
from bids_brainage.training.volumes.table import VolumeTable

COLUMNS = ("tested", "model", "trained_on", "n", "mae", "rmse", "pcc", "bias", "mae_median",
           "mae_own_median", "gain", "gain_lower", "gain_upper")  # fmt: skip


def score(
    table: VolumeTable, predicted: np.ndarray, median: np.ndarray, rows: np.ndarray | None = None
) -> dict[str, Any]:
    """Score predictions of repeated folds.

    Parameters
    ----------
    predicted, median
        Ages in years by the model and by the median of the training people; (r, n), NaN for
        people who are not tested.
    rows
        Mask of the people to score; all who were tested by default.

    Returns
    -------
    dict[str, Any]
        ``n`` people; errors as means over repeats; ``mae_median`` of the training people's
        median, ``mae_own_median`` of the tested people's own; ``gain`` in years over the former
        with the 95 % interval of a paired bootstrap over people.
    """
    keep = ~np.isnan(predicted).any(axis=0) & ~np.isnan(median).any(axis=0)
    keep &= True if rows is None else rows
    age = table.age[keep]
    repeats = [regression_metrics(age, p) for p in predicted[:, keep]]
    test = gain(age, median[:, keep], predicted[:, keep])
    return {
        "n": int(keep.sum()),
        **{k: float(np.mean([r[k] for r in repeats])) for k in ("mae", "rmse", "pcc", "bias")},
        "mae_median": float(np.mean([regression_metrics(age, m)["mae"] for m in median[:, keep]])),
        "mae_own_median": repeats[0]["mae_median"],
        "gain": test.gain,
        "gain_lower": test.lower,
        "gain_upper": test.upper,
    }


def gain(age: np.ndarray, reference: np.ndarray, candidate: np.ndarray) -> PairedDifference:
    """Compare two models over resampled people, each with all repeats.

    Parameters
    ----------
    age
        Years; (n,).
    reference, candidate
        Predicted years; (r, n).
    """
    n_repeats, n = candidate.shape
    return paired_bootstrap(
        np.tile(age, n_repeats), reference.ravel(), candidate.ravel(),
        groups=np.tile(np.arange(n), n_repeats),
    )  # fmt: skip
