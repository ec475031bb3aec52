"""Age and sex read linearly from codes of brains, and the size of the head taken out of them."""

from dataclasses import dataclass

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression, RidgeCV

from bids_brainage.models.image_autoencoder import YEARS_BEYOND, ImageAutoencoder
from bids_brainage.training.autoencoder.class_models import MODELS
from bids_brainage.training.autoencoder.classify import SEX, choose_value
from bids_brainage.training.autoencoder.labels import bin_limits

PENALTIES = np.logspace(-1, 5, 19)
FEWEST = 10
SMALLEST = 1e-6


@dataclass(frozen=True)
class Known:
    """What is known of some people, in the order of their codes.

    Parameters
    ----------
    age
        Years, NaN where unknown.
    female
        1, or 0 for male; NaN where unknown.
    head
        Size of the head, NaN where unknown.
    labels
        Whom each image shows.
    """

    age: np.ndarray
    female: np.ndarray
    head: np.ndarray
    labels: np.ndarray

    def of(self, rows: np.ndarray) -> "Known":
        """Some of them."""
        return Known(self.age[rows], self.female[rows], self.head[rows], self.labels[rows])


def middles(bins: np.ndarray) -> np.ndarray:
    """Middle of each bin in years, a year above the beginning of an open one; NaN for none."""
    found = np.full(len(bins), np.nan)
    for name in {name for name in bins if name}:
        low, high = bin_limits(name)
        found[bins == name] = low + 1 if np.isinf(high) else (low + high) / 2
    return found


def without_head(
    seen: np.ndarray, unseen: np.ndarray, head_seen: np.ndarray, head_unseen: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Take the measured size of the head out of features by a straight line for each.

    Good for means of groups. A learner must not get such features: a number that hardly differs
    between people is then little else than the measured size (confound leakage, Hamdan et al.
    2023, doi:10.1093/gigascience/giad071); it gets those of `told_head_out`.

    Parameters
    ----------
    seen, unseen
        Features of the people that the lines are fitted on, and of others.
    head_seen, head_unseen
        Their sizes; whose is unknown keeps the features as they are.
    """
    known = np.isfinite(head_seen)
    if known.sum() < 3:
        return seen, unseen
    centre = head_seen[known].mean()
    away = head_seen[known] - centre
    slope = away @ (seen[known] - seen[known].mean(axis=0)) / max(away @ away, SMALLEST)
    return tuple(
        values - np.outer(np.where(np.isfinite(head), head - centre, 0.0), slope)
        for values, head in ((seen, head_seen), (unseen, head_unseen))
    )  # type: ignore[return-value]


def told_head_out(
    seen: np.ndarray, unseen: np.ndarray, head_seen: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Take out of features what they tell of the size of the head by a straight line.

    A ridge tells the size from the standard scores of the features, and each score loses its line
    through what is told; so nothing comes in that the features do not hold.

    Parameters
    ----------
    seen, unseen
        Features of the people that the lines are fitted on, and of others.
    head_seen
        Measured sizes of the first.

    Returns
    -------
        Standard scores of both.
    """
    spread = np.maximum(seen.std(axis=0), SMALLEST)
    first, second = ((values - seen.mean(axis=0)) / spread for values in (seen, unseen))
    weight, loading = _head_lines(first, head_seen)
    return (
        first - np.outer(first @ weight, loading),
        second - np.outer(second @ weight, loading),
    )


def fit_heads(
    network: ImageAutoencoder, codes: np.ndarray, people: Known, head_size: str, seed: int
) -> None:
    """Fit how codes tell age (ridge) and sex (logistic regression), in place.

    Where the size of the head is ``removed``, a ridge tells it from the code and its straight line
    is taken out of each number first, as a new image comes without a measured size. Penalties are
    chosen within the people. Where ages or sexes of fewer than `FEWEST` people are known, the
    model tells none.

    Parameters
    ----------
    codes
        Of the training people; (n, k).
    """

    def put(name: str, value: np.ndarray | float) -> None:
        buffer = getattr(network, name)
        buffer.copy_(torch.as_tensor(value, dtype=buffer.dtype))

    spread = np.maximum(codes.std(axis=0), SMALLEST)
    put("code_centre", codes.mean(axis=0))
    put("code_spread", spread)
    low, first, third, high = np.percentile(codes, [0, 25, 75, 100], axis=0)
    put("lower", low - (third - first))
    put("upper", high + (third - first))
    scores = (codes - codes.mean(axis=0)) / spread
    weight = loading = np.zeros(codes.shape[1])
    known = np.isfinite(people.head)
    if head_size == "removed" and known.sum() >= FEWEST:
        weight, loading = _head_lines(scores[known], people.head[known])
    put("head_weight", weight)
    put("head_loading", loading)
    scores = scores - np.outer(scores @ weight, loading)
    known = np.isfinite(people.age)
    put("age_intercept", np.nan)
    if known.sum() >= FEWEST:
        age = people.age[known]
        ridge = RidgeCV(PENALTIES).fit(scores[known], age)
        put("age_weight", ridge.coef_)
        put("age_intercept", ridge.intercept_)
        put("youngest", max(age.min() - YEARS_BEYOND, 0.0))
        put("oldest", age.max() + YEARS_BEYOND)
    known = np.isfinite(people.female)
    put("sex_intercept", np.nan)
    if known.sum() >= FEWEST and len(np.unique(people.female[known])) == 2:
        x, sex = scores[known], people.female[known].astype(int)
        linear = MODELS["linear"]
        c = choose_value(linear.classifier, linear.values, x, sex, people.labels[known], SEX, seed)
        logistic = LogisticRegression(C=c, max_iter=1000).fit(x, sex)
        put("sex_weight", logistic.coef_[0])
        put("sex_intercept", logistic.intercept_[0])


def _head_lines(scores: np.ndarray, head: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How codes tell the size of the head, and what each number changes with what is told."""
    size = (head - head.mean()) / max(float(head.std()), SMALLEST)
    weight = RidgeCV(PENALTIES).fit(scores, size).coef_
    told = scores @ weight
    # With this line no number of the corrected code goes along with the measured size.
    along = float(told @ size)
    if abs(along) < SMALLEST:
        return np.zeros(len(weight)), np.zeros(len(weight))
    return weight, size @ scores / along
