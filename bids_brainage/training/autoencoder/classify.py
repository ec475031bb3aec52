"""Sex, age bins and age told from features by simple models, on people and sites unseen."""

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.model_selection import GroupKFold
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier

from bids_brainage.training.autoencoder.class_models import MODELS, TREES, SimpleModel
from bids_brainage.training.autoencoder.class_rows import read_kept, slug, write_kept
from bids_brainage.training.autoencoder.class_scores import (
    Score,
    score_ages,
    score_bins,
    score_sexes,
)
from bids_brainage.training.checkpoints import fingerprint

logger = logging.getLogger(__name__)
SEX, BINS, AGE = "sex", "age bins", "age"
TARGETS = (SEX, BINS, AGE)
SCHEMES: dict[str, Callable[[BaseEstimator], BaseEstimator]] = {
    "multiclass": lambda model: model,
    "one-vs-rest": OneVsRestClassifier,
    "one-vs-one": OneVsOneClassifier,
}
NOTHING = "none"
GUESSED = {"auc": (0.5, 0.0), "auc_within_samples": (0.5, 0.0), "r": (math.nan, math.nan)}
INNER_FOLDS = 3
MIN_PEOPLE = 10
MakeFeatures = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Labels:
    """What is to be told of people, and how they are dealt into folds.

    Parameters
    ----------
    age
        Years, NaN where unknown; shape (n,).
    female
        1 woman, 0 man, NaN unknown; shape (n,).
    codes
        Bin of the age by its order in years, -1 for none; shape (n,).
    bins
        Names of the bins.
    folds
        Test fold of each person; shape (n,).
    groups
        Site or family, which the inner folds keep together as well; shape (n,).
    samples
        Sample of each person; sexes are compared within samples too; shape (n,).
    """

    age: np.ndarray
    female: np.ndarray
    codes: np.ndarray
    bins: tuple[str, ...]
    folds: np.ndarray
    groups: np.ndarray
    samples: np.ndarray

    def known(self, target: str) -> np.ndarray:
        """Tell of whom a target is known; shape (n,)."""
        if target == SEX:
            return np.isfinite(self.female)
        return self.codes >= 0 if target == BINS else np.isfinite(self.age)

    def truth(self, target: str) -> np.ndarray:
        """Return the target as the models learn it: classes, or log years; shape (n,)."""
        if target == SEX:
            return np.where(self.known(SEX), self.female, -1).astype(int)
        return self.codes if target == BINS else np.log(self.age)


@dataclass
class _Told:
    """What one model said of the people out of their folds."""

    values: np.ndarray
    width: list[int] = field(default_factory=list)


def feature_table(
    features: Mapping[str, MakeFeatures],
    labels: Labels,
    *,
    targets: Mapping[str, Sequence[str]] | None = None,
    models: Sequence[str] = tuple(MODELS),
    seed: int = 0,
    folder: Path | None = None,
    resume: bool = False,
    progress: Callable[[str], None] = logger.info,
) -> list[Score]:
    """Score every simple model on every kind of features, for every target that is known.

    Penalties, neighbours and depths are chosen on folds within the training people.

    Parameters
    ----------
    features
        Name to ``make_features(train, test)``, which gets indices of people, fits whatever it
        needs on those of training, and returns the features of both; without NaN.
    targets
        Features' name to the targets that they are tried on; all of `TARGETS` by default.
    models
        Keys of `MODELS`.
    folder
        Where what each model said in each fold is kept, for a run that goes on.
    resume
        Take from there what was said of the same people from the same features.

    Returns
    -------
    list[Score]
        First the majority class and the median of the training people, then row by row.
    """
    told: dict[tuple[str, str, str, str], _Told] = {}
    for fold in np.unique(labels.folds):
        train, test = (np.flatnonzero(labels.folds != fold), np.flatnonzero(labels.folds == fold))
        _guess(told, labels, train, test)
        for name, make in features.items():
            seen, unseen = make(train, test)
            wanted = tuple((targets or {}).get(name, TARGETS))
            here = [_Fold(labels, t, train, test, seen, unseen, seed) for t in wanted]
            key = fingerprint(seen, unseen, labels.age, labels.female, labels.codes, test, wanted,
                              labels.groups.astype(str), seed, TREES)  # fmt: skip
            for model in models:
                path = folder / f"{slug(name)}-{model}-{fold}.npz" if folder else None
                found = read_kept(path, key) if path and resume else None
                if found is None:
                    found = {
                        (one.target, scheme): values
                        for one in here
                        for scheme, values in one.told(MODELS[model]).items()
                    }
                    if path:
                        write_kept(path, key, found)
                for (target, scheme), values in found.items():
                    row = told.setdefault((name, model, target, scheme), _blank(labels))
                    row.values[test] = values
                    row.width.append(seen.shape[1])
            progress(f"fold {int(fold) + 1}: simple models on {name} features")
    return _scores(told, labels)


class _Fold:
    """One target on one fold's features."""

    def __init__(
        self,
        labels: Labels,
        target: str,
        train: np.ndarray,
        test: np.ndarray,
        seen: np.ndarray,
        unseen: np.ndarray,
        seed: int,
    ) -> None:
        known = labels.known(target)[train]
        self.x, self.y = seen[known], labels.truth(target)[train][known]
        self.groups = labels.groups[train][known]
        self.unseen, self.target, self.seed = unseen, target, seed
        self.classes = len(labels.bins) if target == BINS else 2

    def told(self, model: SimpleModel) -> dict[str, np.ndarray]:
        """Scheme to what a model says of the unseen people: a probability, class or age."""
        ages = self.target == AGE
        if len(self.y) < MIN_PEOPLE or (not ages and len(np.unique(self.y)) < 2):
            return {}
        make = model.regressor if ages else model.classifier
        chosen = choose_value(
            make, model.values, self.x, self.y, self.groups, self.target, self.seed
        )
        if ages:
            return {"": np.exp(make(chosen, self.x.shape[1], self.seed)
                               .fit(self.x, self.y).predict(self.unseen))}  # fmt: skip
        if self.target == SEX:
            fitted = make(chosen, self.x.shape[1], self.seed).fit(self.x, self.y)
            return {"": fitted.predict_proba(self.unseen)[:, 1]}
        schemes = SCHEMES if self.classes > 2 else {"multiclass": SCHEMES["multiclass"]}
        return {
            scheme: wrap(make(chosen, self.x.shape[1], self.seed))
            .fit(self.x, self.y)
            .predict(self.unseen)
            for scheme, wrap in schemes.items()
        }


def choose_value(
    make: Callable[[float, int, int], BaseEstimator],
    values: tuple[float, ...],
    x: np.ndarray,
    y: np.ndarray,
    groups: np.ndarray,
    target: str,
    seed: int = 0,
) -> float:
    """Choose a model's value on folds that keep groups together.

    By most right answers; for log ages, by the least error in years.

    Parameters
    ----------
    make
        Makes a fresh model from a value, the number of features and a seed.
    x, y, groups
        Features, classes or log ages, and groups of people; first axis (n,).
    target
        One of `TARGETS`.
    """
    n = min(INNER_FOLDS, len(np.unique(groups)))
    if len(values) == 1 or n < 2:
        return values[len(values) // 2]
    right = np.zeros(len(values))
    for inner, outer in GroupKFold(n).split(x, groups=groups):
        if target != AGE and len(np.unique(y[inner])) < 2:
            continue
        for i, value in enumerate(values):
            found = make(value, x.shape[1], seed).fit(x[inner], y[inner]).predict(x[outer])
            if target == AGE:
                right[i] -= np.abs(np.exp(found) - np.exp(y[outer])).sum()
            else:
                right[i] += (found == y[outer]).sum()
    return values[int(np.argmax(right))]


def _guess(
    told: dict[tuple[str, str, str, str], _Told],
    labels: Labels,
    train: np.ndarray,
    test: np.ndarray,
) -> None:
    """Add what is said without any feature: the majority class, the median age."""
    for target in TARGETS:
        known = labels.known(target)[train]
        if not known.any():
            continue
        truth = labels.truth(target)[train][known]
        name = "guess the median" if target == AGE else "majority class"
        row = told.setdefault((NOTHING, name, target, ""), _blank(labels))
        if target == AGE:
            row.values[test] = np.exp(np.median(truth))
        else:
            row.values[test] = float(np.bincount(truth).argmax())
        row.width.append(0)


def _blank(labels: Labels) -> _Told:
    return _Told(np.full(len(labels.folds), np.nan))


def _scores(told: Mapping[tuple[str, str, str, str], _Told], labels: Labels) -> list[Score]:
    scores: list[Score] = []
    for (name, model, target, scheme), row in told.items():
        use = labels.known(target) & np.isfinite(row.values)
        if not use.any():
            continue
        values, folds = row.values[use], labels.folds[use]
        if target == SEX:
            found = score_sexes(labels.female[use], values, folds, labels.samples[use])
        elif target == BINS:
            found = score_bins(labels.codes[use], values.astype(int), folds)
        else:
            found = score_ages(labels.age[use], values, folds)
        if name == NOTHING:
            # Guesses that differ between folds only put people in no order.
            found = {m: GUESSED.get(m, value) for m, value in found.items()}
        width = round(float(np.mean(row.width)))
        label = MODELS[model].label if model in MODELS else model
        scores += [
            Score(name, width, label, target, scheme, metric, value, sd, int(use.sum()))
            for metric, (value, sd) in found.items()
        ]
    return scores
