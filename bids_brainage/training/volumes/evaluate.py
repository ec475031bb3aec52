"""Out-of-fold predictions of every candidate, and an honest choice among them."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from bids_brainage.training.volumes.candidates import Candidate
from bids_brainage.training.volumes.fitting import fit, predict
from bids_brainage.training.volumes.folds import (
    Fit,
    fit_median,
    group_folds,
    out_of_fold,
    person_folds,
)
from bids_brainage.training.volumes.table import FREESURFER, IMAGES, MUSE, VolumeTable

logger = logging.getLogger(__name__)
N_FOLDS = 10
INNER_FOLDS = 5
REPEATS = 5
INNER_SEED = 1000


@dataclass(frozen=True)
class Scheme:
    """People who are tested, and how they are left out.

    Parameters
    ----------
    slug, label
        Short name, and words for the table.
    method
        Whose people are tested, see `VolumeTable`.
    folds
        Fold of each person per repeat, -1 for those who always stay in training; (r, n).
    """

    slug: str
    label: str
    method: str
    folds: np.ndarray


@dataclass
class Result:
    """Predictions of the tested people of a scheme.

    Parameters
    ----------
    predicted
        Slug of the candidate to ages in years; (r, n), NaN for people who are not tested.
    chosen
        Slugs that `choose` took, fold by fold; for the nested row.
    """

    scheme: Scheme
    predicted: dict[str, np.ndarray] = field(default_factory=dict)
    chosen: list[str] = field(default_factory=list)


def schemes(table: VolumeTable, repeats: int = REPEATS) -> list[Scheme]:
    """List the ways of testing that a table allows."""
    found = []
    for method, words in ((IMAGES, "raw T1w"), (MUSE, "ixi_muse"), (FREESURFER, "FreeSurfer")):
        rows = table.methods == method
        n_repeats = repeats if method == IMAGES else 1
        if rows.sum() < 2 * N_FOLDS:
            continue
        if method != FREESURFER:
            folds = np.stack(
                [person_folds(table, method, N_FOLDS, seed) for seed in range(n_repeats)]
            )
            found.append(Scheme(f"{method}-people", f"{words}, people unseen", method, folds))
        if len(np.unique(table.sites[rows])) > 1:
            folds = group_folds(table, method, table.sites)[None]
            what = "dataset" if method == IMAGES else "site"
            found.append(Scheme(f"{method}-sites", f"{words}, {what} unseen", method, folds))
    return found


def candidate_fit(candidate: Candidate, home: str) -> Fit:
    """Bind a candidate and the level that ages are given at, for `out_of_fold`."""

    def run(training: VolumeTable) -> Callable[[VolumeTable], np.ndarray]:
        module = fit(candidate, training, home)
        return lambda table: predict(module, table)

    return run


def evaluate(table: VolumeTable, scheme: Scheme, candidates: Iterable[Candidate]) -> Result:
    """Predict the tested people by every candidate, and by the median of those like them."""
    result = Result(scheme)
    for slug, run in (
        ("median", fit_median(scheme.method)),
        *((c.slug, candidate_fit(c, scheme.method)) for c in candidates),
    ):
        found = [out_of_fold(table, folds, run) for folds in scheme.folds]
        result.predicted[slug] = np.stack(found)
        logger.info("%s, %s done", scheme.label, slug)
    return result


def nested(table: VolumeTable, scheme: Scheme, candidates: Sequence[Candidate]) -> Result:
    """Predict by the candidate that is best on inner folds of the training people.

    The choice never sees the people it is tested on, so that the error is not too good by having
    chosen among many (Varma and Simon, 2006, doi:10.1186/1471-2105-7-91).
    """
    result = Result(scheme)

    def run(training: VolumeTable) -> Callable[[VolumeTable], np.ndarray]:
        candidate = choose(training, scheme.method, candidates)
        result.chosen.append(candidate.slug)
        return candidate_fit(candidate, scheme.method)(training)

    found = [out_of_fold(table, folds, run) for folds in scheme.folds]
    result.predicted["nested"] = np.stack(found)
    return result


def choose(table: VolumeTable, method: str, candidates: Sequence[Candidate]) -> Candidate:
    """Choose the candidate of least mean absolute error on folds of a method's people."""
    folds = person_folds(table, method, INNER_FOLDS, INNER_SEED)
    tested = table.methods == method

    def error(candidate: Candidate) -> float:
        found = out_of_fold(table, folds, candidate_fit(candidate, method))
        return float(np.abs(found - table.age)[tested].mean())

    return min(candidates, key=error)
