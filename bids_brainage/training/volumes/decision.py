"""Which regression ships, and whether the App uses it without being asked."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bids_brainage.training.volumes.candidates import Candidate
from bids_brainage.training.volumes.evaluate import Result, Scheme, evaluate, nested
from bids_brainage.training.volumes.scores import score
from bids_brainage.training.volumes.table import IMAGES, MUSE, VolumeTable


@dataclass(frozen=True)
class Decision:
    """The regression that is best on folds, and how well choosing it works.

    Parameters
    ----------
    candidate
        Chosen on all people of the folds.
    scores
        Of its predictions on these folds: too good by the choice.
    honest
        Of predictions by what was chosen inside each fold.
    chosen
        How often each candidate was chosen inside a fold.
    predicted
        Its predictions, mean over repeats; NaN for people who are not tested; (n,).
    """

    candidate: Candidate
    scores: dict[str, Any]
    honest: dict[str, Any]
    chosen: dict[str, int]
    predicted: np.ndarray

    @property
    def beats_median(self) -> bool:
        """Whether the 95 % interval of the gain over guessing the median lies above 0."""
        return bool(self.honest["gain_lower"] > 0)

    @property
    def words(self) -> str:
        """The decision in one sentence."""
        h = self.honest
        return (
            f"On {h['n']} people not seen in training the mean absolute error is {h['mae']:.2f} "
            f"years, against {h['mae_median']:.2f} for guessing the median age: a gain of "
            f"{h['gain']:.2f} years, 95 % interval {h['gain_lower']:.2f} to {h['gain_upper']:.2f}"
            + ("." if self.beats_median else ", which holds zero.")
        )


def eligible(candidates: Sequence[Candidate], table: VolumeTable) -> list[Candidate]:
    """Keep the candidates trained on both our images and DLMUSE, where a table has both.

    Only together do they span adult ages.
    """
    wanted = {IMAGES, MUSE} & set(table.methods)
    kept = [c for c in candidates if wanted <= set(c.methods)]
    return kept or list(candidates)


def decide(
    table: VolumeTable,
    scheme: Scheme,
    candidates: Sequence[Candidate],
    result: Result | None = None,
) -> Decision:
    """Choose a regression on the folds of a scheme, and judge the choice by nested folds.

    Parameters
    ----------
    result
        Predictions on the folds of the scheme, if they are there already.
    """
    allowed = eligible(candidates, table)
    result = result or evaluate(table, scheme, allowed)
    tested = table.methods == scheme.method

    def error(candidate: Candidate) -> float:
        return float(np.abs(result.predicted[candidate.slug] - table.age)[:, tested].mean())

    best = min(allowed, key=error)
    inner = nested(table, scheme, allowed)
    median = result.predicted["median"]
    return Decision(
        candidate=best,
        scores=score(table, result.predicted[best.slug], median),
        honest=score(table, inner.predicted["nested"], median),
        chosen=dict(Counter(inner.chosen).most_common()),
        predicted=result.predicted[best.slug].mean(axis=0),
    )
