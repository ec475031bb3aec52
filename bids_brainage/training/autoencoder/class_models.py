"""Simple models that tell classes and ages from features: linear, forest, neighbours, tree."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

TREES = 100
LEAF = 3
TREE_LEAF = 5
WIDE = 1000
# Ridge's penalty that is as strong as a C of 1 of the logistic regression.
RIDGE_OF_C = 1.0


@dataclass(frozen=True)
class SimpleModel:
    """One kind of simple model.

    Parameters
    ----------
    label
        Name in the table.
    classifier, regressor
        Make a fresh model from the chosen value, the number of features and a seed.
    values
        What the value is chosen from.
    """

    label: str
    classifier: Callable[[float, int, int], BaseEstimator]
    regressor: Callable[[float, int, int], BaseEstimator]
    values: tuple[float, ...]


def _logistic(c: float, width: int, seed: int) -> BaseEstimator:
    # Exact and fast for few features, too large for many.
    solver = "newton-cholesky" if width <= WIDE else "lbfgs"
    return _scaled(LogisticRegression(C=c, solver=solver, max_iter=1000, random_state=seed))


def _ridge(c: float, width: int, seed: int) -> BaseEstimator:
    return _scaled(Ridge(RIDGE_OF_C / c))


class _Classes(KNeighborsClassifier):
    """Nearest neighbours, at most everybody."""

    def fit(self, x: np.ndarray, y: np.ndarray) -> "_Classes":
        """Take over the people."""
        self.n_neighbors: int = min(self.n_neighbors, len(x))
        return super().fit(x, y)


class _Values(KNeighborsRegressor):
    """Nearest neighbours, at most everybody."""

    def fit(self, x: np.ndarray, y: np.ndarray) -> "_Values":
        """Take over the people."""
        self.n_neighbors: int = min(self.n_neighbors, len(x))
        return super().fit(x, y)


def _scaled(model: BaseEstimator) -> BaseEstimator:
    return make_pipeline(StandardScaler(), model)


MODELS = {
    "linear": SimpleModel(
        "logistic regression / ridge", _logistic, _ridge, (0.0003, 0.001, 0.003, 0.01, 0.1),
    ),
    "forest": SimpleModel(
        "random forest",
        lambda _, width, seed: RandomForestClassifier(
            TREES, max_features="sqrt", min_samples_leaf=LEAF, random_state=seed
        ),
        lambda _, width, seed: RandomForestRegressor(
            TREES, max_features="sqrt", min_samples_leaf=LEAF, random_state=seed
        ),
        (0,),
    ),
    "neighbours": SimpleModel(
        "nearest neighbours",
        lambda k, width, seed: _scaled(_Classes(int(k), weights="distance")),
        lambda k, width, seed: _scaled(_Values(int(k), weights="distance")),
        (3, 7, 15),
    ),
    "tree": SimpleModel(
        "decision tree",
        lambda depth, width, seed: DecisionTreeClassifier(
            max_depth=int(depth), min_samples_leaf=TREE_LEAF, random_state=seed
        ),
        lambda depth, width, seed: DecisionTreeRegressor(
            max_depth=int(depth), min_samples_leaf=TREE_LEAF, random_state=seed
        ),
        (2, 4, 6, 8),
    ),
}  # fmt: skip
