"""Everything that is said of models on people of known age: scores, comparisons, agreement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from bids_brainage.evaluation.agreement import bland_altman, icc, repeats
from bids_brainage.evaluation.bootstrap import paired_bootstrap
from bids_brainage.evaluation.reliability import Bin, reliability_curve
from bids_brainage.evaluation.resampling import DRAWS, MIN_CLUSTERS
from bids_brainage.evaluation.scores import EVERYONE, People, Score, model_scores

FEW = 30
FLAT = 1e-6
FLAT_PEOPLE = 10
SAME_AGE = 0.1  # years; tables may round
COMPARISON = ("first", "second", "n", "participants", "mae_first", "mae_second", "gain", "lower",
              "upper", "p_not_better", "verdict")  # fmt: skip
AGREEMENT = ("model", "quantity", "participants", "sessions", "years_between", "icc", "icc_lower",
             "icc_upper", "mean_difference", "mean_lower", "mean_upper", "sd_difference",
             "limit_low", "limit_low_lower", "limit_low_upper", "limit_high",
             "limit_high_lower", "limit_high_upper")  # fmt: skip
_VERDICTS = {"better": "second is better", "worse": "first is better"}
Row = dict[str, Any]


@dataclass(frozen=True)
class ModelEvaluation:
    """What is said of one model.

    Parameters
    ----------
    people
        Those it was scored on.
    scores
        Of everyone and by group.
    reliability
        Curve of the probability of being female; empty without sexes.
    repeats
        Participants x sessions, rows of `people`; no rows without repeats.
    agreement
        Rows of :data:`AGREEMENT`; empty without repeats.
    """

    people: People
    scores: list[Score]
    reliability: list[Bin]
    repeats: np.ndarray
    agreement: list[Row]

    def overall(self) -> dict[str, Score]:
        """Scores of everyone, by name."""
        return {score.metric: score for score in self.scores if score.group == EVERYONE}


def evaluate_model(
    name: str,
    people: People,
    *,
    reference: float | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> ModelEvaluation:
    """Score a model, and the agreement of its predictions where participants have repeats."""
    chosen = people.sexed
    curve = reliability_curve(people.female[chosen], people.probability[chosen])
    scores = model_scores(people, reference=reference, draws=draws, seed=seed)
    sessions = repeats(people.person.tolist(), people.order)
    agreement = agreement_rows(name, people, sessions)
    return ModelEvaluation(people, scores, curve, sessions, agreement)


def compare(models: Mapping[str, People], *, draws: int = DRAWS, seed: int = 0) -> list[Row]:
    """Compare every two models on the people they share (paired bootstrap of absolute errors).

    Rows to which the two give different ages are not of the same session and are left out.

    Returns
    -------
    list[Row]
        Rows of :data:`COMPARISON`; ``gain`` is the error of the first less that of the second.
    """
    rows: list[Row] = []
    for first, second in combinations(models, 2):
        one, two = models[first], models[second]
        _, a, b = np.intersect1d(one.key, two.key, return_indices=True)
        same = np.abs(one.age[a] - two.age[b]) < SAME_AGE
        a, b = a[same], b[same]
        if not len(a):
            continue
        age, predicted, other = one.age[a], one.predicted[a], two.predicted[b]
        found = paired_bootstrap(
            age, predicted, other, groups=one.cluster[a], draws=draws, seed=seed
        )
        rows.append({
            "first": first, "second": second, "n": found.n,
            "participants": len(np.unique(one.person[a])),
            "mae_first": float(np.abs(predicted - age).mean()),
            "mae_second": float(np.abs(other - age).mean()),
            "gain": found.gain, "lower": found.lower, "upper": found.upper,
            "p_not_better": found.p_not_better,
            "verdict": _VERDICTS.get(found.verdict, found.verdict),
        })  # fmt: skip
    return rows


def agreement_rows(name: str, people: People, rows: np.ndarray) -> list[Row]:
    """Agreement of predicted age and of the gap over the sessions of participants with repeats."""
    if rows.size == 0:
        return []
    found: list[Row] = []
    years = float(np.median(people.age[rows[:, 1]] - people.age[rows[:, 0]]))
    quantities = {"predicted_age": people.predicted, "brain_age_gap": people.predicted - people.age}
    for quantity, values in quantities.items():
        limits = bland_altman(values[rows[:, 0]], values[rows[:, 1]])
        numbers = (*icc(values[rows]), *limits.mean, limits.sd, *limits.low, *limits.high)
        heads = (name, quantity, len(rows), rows.shape[1], years)
        found.append(dict(zip(AGREEMENT, (*heads, *numbers), strict=True)))
    return found


def remarks(name: str, people: People, cluster: str) -> list[str]:
    """What a reader of a model's scores should know first."""
    said: list[str] = []
    persons, clusters = len(np.unique(people.person)), len(np.unique(people.cluster))
    if clusters < MIN_CLUSTERS:
        said.append(f"{name}: no intervals, too few {cluster}s to resample ({clusters})")
    elif len(people) < FEW:
        said.append(f"{name}: few rows ({len(people)}); intervals are wide, and truly even wider")
    gap = people.predicted - people.age
    if len(people) >= FLAT_PEOPLE and np.ptp(gap) > 0 and np.ptp(people.age) > 0:
        slope = float(np.corrcoef(gap, people.age)[0, 1])
        if abs(slope) < FLAT:
            said.append(
                f"{name}: the gap does not depend on age at all, as after a correction for age "
                "bias, which uses the ages of these people; the scores are then no accuracy"
            )
    if persons < len(people):
        said.append(f"{name}: {len(people)} rows of {persons} participants")
    return said


def tidy(name: str, scores: Sequence[Score]) -> list[Row]:
    """Scores of a model as rows of a table."""
    return [
        {"model": name, "group": s.group, "level": s.level, "metric": s.metric, "value": s.value,
         "lower": s.lower, "upper": s.upper, "n": s.n}
        for s in scores
    ]  # fmt: skip
