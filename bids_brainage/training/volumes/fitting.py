"""Fit a candidate regression on people of one or several samples."""

import numpy as np
import torch
from sklearn.linear_model import BayesianRidge, LinearRegression

from bids_brainage.models.volumes import MIN_SPREAD, Volumes
from bids_brainage.training.volumes.candidates import Candidate
from bids_brainage.training.volumes.table import IMAGES, VolumeTable

PENALTIES = np.logspace(-1, 5, 31)


def fit(candidate: Candidate, table: VolumeTable, home: str = IMAGES) -> Volumes:
    """Fit a candidate on the people of a table whose method it is trained on.

    Parameters
    ----------
    home
        Method at whose level ages are given, for a candidate that keeps levels apart.

    Returns
    -------
    Volumes
        In double precision, in evaluation mode.
    """
    rows = np.isin(table.methods, candidate.methods)
    methods, age = table.methods[rows], table.age[rows]
    target = np.log(age) if candidate.log_age else age
    raw = torch.from_numpy(table.measures[rows])
    module = Volumes(candidate.config(table.names)).double().eval()
    module.fit_scaling(raw, torch.from_numpy(age))
    level = 0.0
    if candidate.apart:
        home = home if home in methods else str(methods[0])
        terms, target, level = _apart(module, raw, methods, target, home)
    else:
        terms = module.terms(raw).numpy()
    weights = np.ones(len(target))
    if candidate.balanced:
        for method in np.unique(methods):
            weights[methods == method] = 1 / (methods == method).mean()
    weight, constant = _solve(candidate, terms, target, weights / weights.mean())
    module.weight.copy_(torch.from_numpy(weight))
    module.intercept.fill_(constant + level)
    return module


def predict(module: Volumes, table: VolumeTable) -> np.ndarray:
    """Predict the ages of all people of a table, in years; shape (n,)."""
    with torch.inference_mode():
        return module({"volumes": torch.from_numpy(table.measures)})[0].numpy()


def ridge(
    terms: np.ndarray, target: np.ndarray, weights: np.ndarray, *, constant: bool
) -> tuple[np.ndarray, float]:
    """Ridge with the penalty of least leave-one-out error.

    Golub, Heath and Wahba (1979), doi:10.1080/00401706.1979.10489751, by the exact leave-one-out
    residuals.

    Parameters
    ----------
    terms
        People x terms, on one scale.
    weights
        Weight of each person; mean 1.
    constant
        Fit a constant, which is not penalised.

    Returns
    -------
    tuple[np.ndarray, float]
        Weights of the terms, and the constant.
    """
    share = weights / weights.sum()
    middle = share @ terms if constant else np.zeros(terms.shape[1])
    mean = float(share @ target) if constant else 0.0
    root = np.sqrt(weights)
    x, y = (terms - middle) * root[:, None], (target - mean) * root
    variance, axes = np.linalg.eigh(x.T @ x)
    along = x @ axes
    shrunk = 1 / (np.maximum(variance, 0) + PENALTIES[:, None])
    fitted = (shrunk * (along.T @ y)) @ along.T
    leverage = shrunk @ np.square(along).T + (share if constant else 0)
    left_out = (y - fitted) / np.maximum(1 - leverage, 1e-6)
    best = int(np.argmin(np.square(left_out).sum(axis=1)))
    found = axes @ (shrunk[best] * (along.T @ y))
    return found, mean - float(middle @ found)


def _solve(
    candidate: Candidate, terms: np.ndarray, target: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, float]:
    constant = not candidate.apart
    if candidate.estimator == "ridge":
        return ridge(terms, target, weights, constant=constant)
    kind = BayesianRidge if candidate.estimator == "bayesian" else LinearRegression
    model = kind(fit_intercept=constant).fit(terms, target, sample_weight=weights)
    return np.asarray(model.coef_), float(model.intercept_)


def _apart(
    module: Volumes, raw: torch.Tensor, methods: np.ndarray, target: np.ndarray, home: str
) -> tuple[np.ndarray, np.ndarray, float]:
    """Centre features and ages within each method; leave the module at the level of `home`."""
    relative = module.relative(raw)
    gaps = torch.empty_like(relative)
    centred = np.empty_like(target)
    for method in np.unique(methods):
        rows = torch.from_numpy(methods == method)
        middle = torch.nan_to_num(relative[rows].nanmean(dim=0))
        gaps[rows] = relative[rows] - middle
        centred[methods == method] = target[methods == method] - target[methods == method].mean()
        if method == home:
            module.centre.copy_(middle)
    module.scale.copy_(gaps.square().nanmean(dim=0).sqrt().clamp_min(MIN_SPREAD))
    limit = module.config.clip
    terms = torch.nan_to_num((gaps / module.scale).clamp(-limit, limit))
    return terms.numpy(), centred, float(target[methods == home].mean())
