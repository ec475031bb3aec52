"""All scores of a model on people of known age, with bootstrap intervals, whole and by group."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace

import numpy as np

from bids_brainage.evaluation.age_scores import AgeScores
from bids_brainage.evaluation.resampling import DRAWS, MIN_CLUSTERS, draws_of, interval
from bids_brainage.evaluation.sex_scores import HeadSizeScores, SexScores

EVERYONE = "all"
DECADE = 10
OF_EVERYONE = ("decade", "sex")  # whose guess is the median age of everyone
Scorer = Callable[[np.ndarray], dict[str, np.ndarray]]


@dataclass(frozen=True)
class People:
    """Predictions of one model for people of known age; all arrays have a value per row.

    Parameters
    ----------
    age, predicted
        Years, without missing values.
    person
        Participant of each row.
    key
        Participant and session, or the row of a table without names: what models share.
    order
        Place of each row among the sessions of its participant.
    cluster
        What is resampled as a whole: the participant, or the site.
    lower, upper
        Prediction interval in years; NaN where missing, as are the following.
    female
        1 for women, 0 for men.
    probability
        Predicted probability of being female.
    head
        Head size.
    groups
        Level of each row by name of the group, such as ``sex`` or ``site``; empty where unknown.
    """

    age: np.ndarray
    predicted: np.ndarray
    person: np.ndarray
    key: np.ndarray
    order: np.ndarray
    cluster: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    female: np.ndarray
    probability: np.ndarray
    head: np.ndarray
    groups: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.age)

    def where(self, chosen: np.ndarray) -> "People":
        """Some of the rows, without groups."""
        arrays = {f.name: getattr(self, f.name)[chosen] for f in fields(self) if f.name != "groups"}
        return replace(self, **arrays, groups={})

    @property
    def sexed(self) -> np.ndarray:
        """Rows with a sex and a predicted probability of it."""
        return np.isfinite(self.female) & np.isfinite(self.probability)


@dataclass(frozen=True)
class Score:
    """One score.

    Parameters
    ----------
    group, level
        ``all`` twice for everyone, else such as ``decade`` and ``20-29``.
    metric
        Name.
    value, lower, upper
        Estimate and 95 % interval; NaN where there is none.
    n
        Rows it rests on.
    """

    group: str
    level: str
    metric: str
    value: float
    lower: float
    upper: float
    n: int


def model_scores(
    people: People, *, reference: float | None = None, draws: int = DRAWS, seed: int = 0
) -> list[Score]:
    """Score everyone, then every level of every group.

    Parameters
    ----------
    reference
        Age in years that guessing gives everyone. By default the median of the people; in a
        site or dataset its own, in a decade or sex that of everyone.
    draws
        Bootstrap samples.
    seed
        Seed of the resampling.
    """
    found = _scores(people, EVERYONE, EVERYONE, reference, draws, seed)
    everyones = float(np.median(people.age)) if reference is None else reference
    for group, levels in people.groups.items():
        guess = everyones if group in OF_EVERYONE else reference
        for level in np.unique(levels):
            if level != "":
                some = people.where(levels == level)
                found += _scores(some, group, str(level), guess, draws, seed)
    return found


def decades(age: np.ndarray) -> np.ndarray:
    """Decade of life of each age, as text that sorts by age: ``00-09``, ``10-19``."""
    first = (age // DECADE * DECADE).astype(int)
    return np.array([f"{low:02d}-{low + DECADE - 1:02d}" for low in first], dtype=object)


def _scores(
    people: People, group: str, level: str, reference: float | None, draws: int, seed: int
) -> list[Score]:
    whole = group == EVERYONE
    clusters = len(np.unique(people.cluster))
    missing = float("nan")
    counted = {"n": len(people), "participants": len(np.unique(people.person)),
               "clusters": clusters, "age_min": people.age.min(),
               "age_max": people.age.max()}  # fmt: skip
    found = [
        Score(group, level, name, float(value), missing, missing, len(people))
        for name, value in counted.items()
    ]
    for chosen, score in _scorers(people, reference, whole):
        n = int(chosen.sum())
        once = score(np.ones((1, n)))
        drawn: dict[str, list[np.ndarray]] = {name: [] for name in once}
        if len(np.unique(people.cluster[chosen])) >= MIN_CLUSTERS:
            for weights in draws_of(people.cluster[chosen], draws, seed):
                for name, values in score(weights).items():
                    drawn[name].append(values)
        for name, value in once.items():
            ends = interval(np.concatenate(drawn[name])) if drawn[name] else (missing, missing)
            rows = _with_limits(people) if name in ("coverage", "interval_width") else n
            found.append(Score(group, level, name, float(value[0]), *ends, rows))
    return found


def _scorers(
    people: People, reference: float | None, whole: bool
) -> Iterator[tuple[np.ndarray, Scorer]]:
    """Rows that count, and their scores."""
    ages = AgeScores(people.age, people.predicted, people.lower, people.upper, reference)
    yield np.ones(len(people), bool), lambda weights: ages(weights, brief=not whole)
    chosen = people.sexed
    if not chosen.any():
        return
    some = people.where(chosen)
    sexes = SexScores(some.female, some.probability)
    yield chosen, lambda weights: _named(sexes(weights, brief=not whole))
    chosen = chosen & np.isfinite(people.head)
    if whole and chosen.any() and np.ptp(people.head[chosen]) > 0:
        measured = people.where(chosen)
        heads = HeadSizeScores(measured.female, measured.probability, measured.head)
        yield chosen, lambda weights: _named(heads(weights))


def _named(scores: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {f"sex_{name}": values for name, values in scores.items()}


def _with_limits(people: People) -> int:
    return int((np.isfinite(people.lower) & np.isfinite(people.upper)).sum())
