"""How far predictions can be trusted, from out-of-fold predictions of training people."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, Self, cast

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn

from bids_brainage.bids.outputs import write_tsv
from bids_brainage.evaluation.intervals import LEVEL, Intervals, fit_intervals
from bids_brainage.models.distance import Distance
from bids_brainage.training.rows import Predictions
from bids_brainage.training.tables import TrainingTable

OUT_OF_FOLD = "out_of_fold.tsv"
COLUMNS = (
    "participant_id", "dataset", "site", "fold", "model", "modalities", "age", "sex",
    "predicted_age", "predicted_age_lower", "predicted_age_upper", "probability_female",
)  # fmt: skip
SEX = {1.0: "F", 0.0: "M"}
DECIMALS = 4
MIN_OF_SEX = 20
MIN_SLOPE = 0.05


class Located(Protocol):
    """A network that measures how far a person's features lie from those of the training people."""

    distances: nn.ModuleDict

    def located(self, modality: str, raw: Tensor) -> Tensor:
        """Return the features whose distance is measured; (n, k)."""
        ...

    def checked(self, modality: str, raw: Tensor) -> Tensor:
        """Return the numbers that must lie in a range; (n, k)."""
        ...

    def double(self) -> Self:
        """Compute in double precision."""
        ...


def cross_fitted_limits(
    age: np.ndarray, predicted: np.ndarray, sites: np.ndarray, folds: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Interval of each person, fitted on the people of the other folds.

    Returns
    -------
    tuple[np.ndarray, np.ndarray]
        Lower and upper end in years; NaN where too few people are left.
    """
    lower, upper = np.full(len(age), np.nan), np.full(len(age), np.nan)
    known = np.isfinite(predicted)
    for fold in np.unique(folds[known]):
        mine = known & (folds == fold)
        rest = known & ~mine
        found = fit_intervals(age[rest], predicted[rest], sites[rest])
        if found is not None:
            lower[mine], upper[mine] = found.limits(predicted[mine])
    return lower, upper


def interval_scores(
    age: np.ndarray, limits: tuple[np.ndarray, np.ndarray], datasets: np.ndarray
) -> dict[str, Any]:
    """Share of people inside their interval and mean width: pooled, per sample, per decade.

    Returns
    -------
        Empty where nobody has an interval.
    """
    lower, upper = limits
    known = np.isfinite(lower)
    if not known.any():
        return {}
    inside, width = (age >= lower) & (age <= upper), upper - lower

    def score(rows: np.ndarray) -> dict[str, float]:
        return {
            "n": int(rows.sum()),
            "coverage": round(float(inside[rows].mean()), DECIMALS),
            "width": round(float(width[rows].mean()), DECIMALS),
        }

    decades = (age // 10 * 10).astype(int)
    return {
        "level": LEVEL,
        "out_of_fold": score(known),
        "per_dataset": {str(d): score(known & (datasets == d)) for d in np.unique(datasets[known])},
        "per_decade": {str(d): score(known & (decades == d)) for d in np.unique(decades[known])},
    }


def card_intervals(age: np.ndarray, predicted: np.ndarray, sites: np.ndarray) -> dict[str, Any]:
    """Intervals for a card, fitted on everybody; empty with too few people."""
    found: Intervals | None = fit_intervals(age, predicted, sites)
    return {} if found is None else found.as_dict()


def sex_line(female: np.ndarray, logit: np.ndarray) -> tuple[float, float]:
    """Fit the line that calibrates logits where both sexes are as frequent (Platt, 1999).

    Parameters
    ----------
    female
        1 for women, 0 for men, NaN for unknown; shape (n,).
    logit
        Out-of-fold female logits; NaN is left out.

    Returns
    -------
    tuple[float, float]
        Slope and intercept; 1 and 0 with fewer than 20 women or men.
    """
    known = np.isfinite(female) & np.isfinite(logit)
    truth = female[known].astype(int)
    if min((truth == 1).sum(), (truth == 0).sum()) < MIN_OF_SEX:
        return 1.0, 0.0
    # Weighed so, the sample's share of women is not learnt.
    fit = LogisticRegression(C=1e3, class_weight="balanced", max_iter=1000)
    fit.fit(logit[known][:, None], truth)
    slope, intercept = float(fit.coef_[0, 0]), float(fit.intercept_[0])
    return (slope, intercept) if slope > MIN_SLOPE else (1.0, 0.0)


def cross_fitted_chance(female: np.ndarray, logit: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """Probability of being female, calibrated on the people of the other folds."""
    scaled = np.array(logit, float)
    for fold in np.unique(folds):
        mine = folds == fold
        slope, intercept = sex_line(female[~mine], logit[~mine])
        scaled[mine] = slope * logit[mine] + intercept
    return 1 / (1 + np.exp(-scaled))


def fit_distances(
    model: Located, table: TrainingTable, folds: np.ndarray, fold_models: Sequence[Located]
) -> None:
    """Fit how unusual people are; percentiles are of people whom the fold's model had not seen.

    Parameters
    ----------
    model
        Gets its distances fitted, in place, if it measures them.
    fold_models
        Model of each fold, trained on the people of the others.
    """
    for name, distance in model.distances.items():
        has = table.has(name)
        distances = []
        for fold, trained in enumerate(fold_models):
            seen, unseen = has & (folds != fold), has & (folds == fold)
            if not (seen.any() and unseen.any()):
                continue
            probe = fitted_distance(trained, table, name, seen)
            distances.append(probe.distance(located_features(trained, table, name, unseen)))
        if distances:
            fitted = fitted_distance(model, table, name, has)
            fitted.set_quantiles(torch.cat(distances))
            cast(Distance, distance).load_state_dict(fitted.state_dict())


@torch.no_grad()
def fitted_distance(
    model: Located, table: TrainingTable, modality: str, rows: np.ndarray
) -> Distance:
    """Fit mean, covariance and ranges on some people's features as a model sees them."""
    features = located_features(model, table, modality, rows)
    checked = model.checked(modality, torch.from_numpy(table.measures[modality][rows]))
    distance = Distance(features.shape[1], checked.shape[1]).double()
    distance.fit(features)
    distance.fit_limits(checked)
    return distance


@torch.no_grad()
def located_features(
    model: Located, table: TrainingTable, modality: str, rows: np.ndarray
) -> Tensor:
    """Return the features of some people whose distance a model measures."""
    raw = torch.from_numpy(table.measures[modality][rows])
    return model.double().located(modality, raw)


def write_out_of_fold(
    path: Path,
    table: TrainingTable,
    folds: np.ndarray,
    predictions: Predictions,
    combinations: Mapping[str, str],
    name: str,
) -> None:
    """Write out-of-fold predictions, one row per person and combination of inputs.

    Not part of the model: they are of people, whose data's terms hold.

    Parameters
    ----------
    combinations
        Combination of modalities to the name of its predictions.
    name
        Name of the model.
    """
    write_tsv(path, _rows(table, folds, predictions, combinations, name), COLUMNS)


def _rows(
    table: TrainingTable,
    folds: np.ndarray,
    predictions: Predictions,
    combinations: Mapping[str, str],
    name: str,
) -> Iterator[dict[str, Any]]:
    for combination, key in combinations.items():
        predicted = np.exp(predictions[key][0])
        chance = cross_fitted_chance(table.female, predictions[key][1], folds)
        lower, upper = cross_fitted_limits(table.age, predicted, table.sites, folds)
        for i in np.flatnonzero(np.isfinite(predicted)):
            yield {
                "participant_id": table.participants[i],
                "dataset": table.datasets[i],
                "site": table.sites[i],
                "fold": int(folds[i]),
                "model": f"{name}:{combination}",
                "modalities": combination,
                "age": table.age[i],
                "sex": SEX.get(table.female[i]),
                **{
                    column: round(float(value), DECIMALS) if np.isfinite(value) else None
                    for column, value in (
                        ("predicted_age", predicted[i]),
                        ("predicted_age_lower", lower[i]),
                        ("predicted_age_upper", upper[i]),
                        ("probability_female", chance[i]),
                    )
                },
            }
