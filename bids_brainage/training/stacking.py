"""The strongest reference: a log-age support vector regression per modality, stacked by ridge."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics.pairwise import euclidean_distances
from sklearn.model_selection import GroupKFold, KFold
from sklearn.svm import SVC, SVR

from bids_brainage.models.mavae_core import MODALITIES
from bids_brainage.models.scaling import InputConfig, InputTransform
from bids_brainage.training.baselines import feature_matrix, fit_predict
from bids_brainage.training.prepare import model_config
from bids_brainage.training.recipe import MAX_SELECTED, Recipe
from bids_brainage.training.tables import TrainingTable

INNER_FOLDS = 5
CENTRE = 2.75
GRID_C = (1.0, 4.0)
GRID_GAMMA = (0.05, 0.1, 0.2, 0.4)
EPSILON = 0.05
Predict = Callable[[str, np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


def stack(
    table: TrainingTable,
    train: np.ndarray,
    test: np.ndarray,
    *,
    single: np.ndarray | None = None,
    tuned: bool = False,
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Train the stack on some people and predict others.

    Parameters
    ----------
    train
        Indices of training people with both modalities or connectivity.
    test
        Indices of people to predict.
    single
        Indices of further training people with morphometry only.
    tuned
        Give it the features that the M-AVAE has (robust scaling, relative volumes, person-wise
        standardised connectivity) and choose C and gamma on inner site-grouped folds.

    Returns
    -------
    dict[str, tuple[np.ndarray, np.ndarray]]
        For ``morphometry``, ``connectivity`` and ``both``: predicted log age and female score;
        NaN where a person lacks an input.
    """
    everyone = train if single is None else np.concatenate([train, single])
    predict = _tuned(table, everyone) if tuned else _plain(table)
    has = {name: table.has(name) for name in MODALITIES}
    both = train[has[MODALITIES[0]][train] & has[MODALITIES[1]][train]]
    inner = np.full((len(table), 2, 2), np.nan)
    outer = np.full((len(table), 2, 2), np.nan)
    for column, modality in enumerate(MODALITIES):
        people = everyone[has[modality][everyone]]
        targets = test[has[modality][test]]
        outer[targets, :, column] = np.stack(predict(modality, people, targets), axis=1)
        for held_out in inner_splits(table, both):
            away = np.isin(table.sites, table.sites[held_out])
            if away[people].all():
                away = np.isin(np.arange(len(table)), held_out)
            inner[held_out, :, column] = np.stack(
                predict(modality, people[~away[people]], held_out), axis=1
            )
    result = {name: (outer[test, 0, i], outer[test, 1, i]) for i, name in enumerate(MODALITIES)}
    ridge = Ridge(1.0).fit(inner[both, 0] - CENTRE, np.log(table.age[both]) - CENTRE)
    known = ~np.isnan(outer[test]).any(axis=(1, 2))
    age, sex = np.full(len(test), np.nan), np.full(len(test), np.nan)
    age[known] = ridge.predict(outer[test[known], 0] - CENTRE) + CENTRE
    counted = both[~np.isnan(table.female[both])]
    if len(np.unique(table.female[counted])) == 2:
        logistic = LogisticRegression().fit(inner[counted, 1], table.female[counted])
        sex[known] = logistic.decision_function(outer[test[known], 1])
    return result | {"both": (age, sex)}


def inner_splits(table: TrainingTable, rows: np.ndarray) -> list[np.ndarray]:
    """Split people into held-out parts that keep sites together where there are enough sites."""
    groups = table.sites[rows]
    if len(np.unique(groups)) >= INNER_FOLDS:
        parts = GroupKFold(INNER_FOLDS).split(rows, groups=groups)
    else:
        parts = KFold(INNER_FOLDS, shuffle=True, random_state=0).split(rows)
    return [rows[test] for _, test in parts]


def _plain(table: TrainingTable) -> Predict:
    features = {name: feature_matrix(table, name) for name in MODALITIES}

    def predict(
        modality: str, train: np.ndarray, test: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        return fit_predict("svr", features[modality], table, train, test)

    return predict


def _tuned(table: TrainingTable, everyone: np.ndarray) -> Predict:
    """Support vector machines on precomputed kernels of the M-AVAE's features."""
    recipe = Recipe(selected_connectivity=MAX_SELECTED, components=0)
    config = model_config(table, recipe, len(everyone))
    distances, chosen = {}, {}
    for modality in MODALITIES:
        transform = InputTransform(_all_features(getattr(config, modality))).double()
        raw = torch.from_numpy(table.measures[modality])
        fit_on = everyone[table.has(MODALITIES[1])[everyone] & table.has(modality)[everyone]]
        transform.fit(raw[fit_on if fit_on.size else everyone])
        x = transform(raw).numpy()
        distances[modality] = euclidean_distances(x, squared=True) / x[everyone].var(axis=0).sum()
    has = {name: table.has(name) for name in MODALITIES}
    for modality in MODALITIES:
        people = everyone[has[modality][everyone]]
        chosen[modality] = _choose(table, distances[modality], people)

    def predict(
        modality: str, train: np.ndarray, test: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        c, gamma = chosen[modality]
        kernel = np.exp(-gamma * distances[modality])
        inside, across = kernel[np.ix_(train, train)], kernel[np.ix_(test, train)]
        machine = SVR(kernel="precomputed", C=c, epsilon=EPSILON)
        log_age = machine.fit(inside, np.log(table.age[train])).predict(across)
        known = ~np.isnan(table.female[train])
        if len(np.unique(table.female[train][known])) < 2:
            return log_age, np.full(len(test), np.nan)
        classifier = SVC(kernel="precomputed", C=c)
        classifier.fit(inside[np.ix_(known, known)], table.female[train][known])
        return log_age, classifier.decision_function(across[:, known])

    return predict


def _all_features(config: InputConfig) -> InputConfig:
    return replace(config, n_selected=config.n_features, n_components=0)


def _choose(table: TrainingTable, distance: np.ndarray, people: np.ndarray) -> tuple[float, float]:
    """Choose C and gamma by mean absolute error in years on inner site-grouped folds."""
    best, choice = np.inf, (GRID_C[0], GRID_GAMMA[0])
    counted = table.has(MODALITIES[1])
    for gamma in GRID_GAMMA:
        kernel = np.exp(-gamma * distance)
        for c in GRID_C:
            errors = []
            for held_out in inner_splits(table, people):
                rest = people[~np.isin(people, held_out)]
                machine = SVR(kernel="precomputed", C=c, epsilon=EPSILON)
                machine.fit(kernel[np.ix_(rest, rest)], np.log(table.age[rest]))
                target = held_out[counted[held_out]] if counted.any() else held_out
                guess = np.exp(machine.predict(kernel[np.ix_(target, rest)]))
                errors.append(np.abs(guess - table.age[target]))
            error = float(np.concatenate(errors).mean())
            if error < best:
                best, choice = error, (c, gamma)
    return choice
