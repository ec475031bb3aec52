"""Reference models that every network is compared with, on the same people and folds."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR

from bids_brainage.training.tables import TrainingTable

MAX_CORRELATION = 0.999
TREES = 200
RIDGE_PENALTIES = np.logspace(1, 6, 11)
LOGISTIC_C = 0.001


@dataclass(frozen=True)
class Family:
    """One kind of reference model.

    Parameters
    ----------
    label
        Name in the table.
    regressor, classifier
        Make a fresh model of log age, and of sex.
    scaled
        Standardise the features first.
    """

    label: str
    regressor: Callable[[int], BaseEstimator]
    classifier: Callable[[int], BaseEstimator]
    scaled: bool = True


FAMILIES = {
    "forest": Family(
        "random forest",
        lambda seed: RandomForestRegressor(
            TREES, max_features=0.1, min_samples_leaf=3, random_state=seed
        ),
        lambda seed: RandomForestClassifier(
            TREES, max_features="sqrt", min_samples_leaf=3, random_state=seed
        ),
        scaled=False,
    ),
    "svr": Family(
        "support vector regression",
        lambda seed: SVR(C=1.0, epsilon=0.05),
        lambda seed: SVC(C=1.0, random_state=seed),
    ),
    "ridge": Family(
        "ridge",
        lambda seed: RidgeCV(RIDGE_PENALTIES),
        lambda seed: LogisticRegression(C=LOGISTIC_C, max_iter=500),
    ),
    "boosting": Family(
        "gradient boosting",
        lambda seed: HistGradientBoostingRegressor(
            max_iter=150, learning_rate=0.06, max_leaf_nodes=15, max_features=0.05,
            random_state=seed,
        ),
        lambda seed: HistGradientBoostingClassifier(
            max_iter=100, learning_rate=0.06, max_leaf_nodes=15, max_features=0.05,
            random_state=seed,
        ),
        scaled=False,
    ),
}  # fmt: skip


def feature_matrix(table: TrainingTable, inputs: str) -> np.ndarray:
    """Return raw morphometry, Fisher z of the connectivity, or both side by side.

    Parameters
    ----------
    inputs
        ``morphometry``, ``connectivity`` or ``both``.
    """
    morphometry = table.measures["morphometry"]
    connectivity = table.measures["connectivity"]
    if table.kind == "bids":
        connectivity = np.arctanh(np.clip(connectivity, -MAX_CORRELATION, MAX_CORRELATION))
    if inputs == "morphometry":
        return morphometry
    if inputs == "connectivity":
        return connectivity
    return np.hstack([morphometry, connectivity])


def fit_predict(
    family: str,
    features: np.ndarray,
    table: TrainingTable,
    train: np.ndarray,
    test: np.ndarray,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Train on some people, predict others.

    Parameters
    ----------
    family
        Key of `FAMILIES`.
    features
        People x features, NaN for missing (filled with the training median).
    train, test
        Indices of people.

    Returns
    -------
    tuple[np.ndarray, np.ndarray]
        Log age and a female score on the logit scale (only its order and sign matter).
    """
    kind = FAMILIES[family]
    log_age = pipeline(kind.regressor(seed), kind.scaled).fit(
        features[train], np.log(table.age[train])
    ).predict(features[test])  # fmt: skip
    known = train[~np.isnan(table.female[train])]
    if len(np.unique(table.female[known])) < 2:
        return log_age, np.full(len(test), np.nan)
    model = pipeline(kind.classifier(seed), kind.scaled)
    model.fit(features[known], table.female[known])
    return log_age, female_score(model, features[test])


def pipeline(model: BaseEstimator, scaled: bool) -> BaseEstimator:
    """Fill missing values with the median, standardise if asked, then the model."""
    steps = [SimpleImputer(strategy="median", keep_empty_features=True)]
    if scaled:
        steps.append(StandardScaler())
    return make_pipeline(*steps, model)


def female_score(model: BaseEstimator, features: np.ndarray) -> np.ndarray:
    """Return the decision function, or the logit of the probability of being female."""
    if hasattr(model, "decision_function"):
        return model.decision_function(features)
    chance = np.clip(model.predict_proba(features)[:, 1], 1e-3, 1 - 1e-3)
    return np.log(chance / (1 - chance))
