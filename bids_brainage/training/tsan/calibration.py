"""The straight line that the ages of a cascade go through, fitted on validation people."""

from typing import Any, cast

import numpy as np
from scipy.stats import linregress
from torch import nn

from bids_brainage.models.tsan import Tsan
from bids_brainage.training.images.predictions import predict_people
from bids_brainage.training.images.sample import Sample

FEWEST = 30
CHANCE = 0.05


def calibrate(cascade: Tsan, sample: Sample, validation: np.ndarray) -> None:
    """Fit the line of age on predicted age, in place; see `fit_line`."""
    if len(validation) < FEWEST:
        return
    predicted = predict_people(cascade, sample, validation)["predicted_age"]
    slope, intercept = fit_line(sample.age[validation].numpy(), predicted)
    cascade.slope.fill_(slope)
    cascade.intercept.fill_(intercept)


def fit_line(age: np.ndarray, predicted: np.ndarray) -> tuple[float, float]:
    """Slope and intercept in years of age on predicted age.

    They are 1 and 0 where there are fewer than `FEWEST` people, or age does not clearly rise with
    predicted age: a network that tells everyone nearly the same would have its noise enlarged.
    """
    if len(age) < FEWEST or np.ptp(predicted) == 0:
        return 1.0, 0.0
    line = linregress(predicted.astype(float), age.astype(float))
    if not (line.slope > 0 and line.pvalue < CHANCE):
        return 1.0, 0.0
    return float(line.slope), float(line.intercept)


def describe_line(module: nn.Module, n: int) -> dict[str, Any]:
    """Tell of a cascade and its number of validation people which line there is, or why none."""
    cascade = cast(Tsan, module)
    slope, intercept = cascade.slope.item(), cascade.intercept.item()
    if (slope, intercept) != (1.0, 0.0):
        note = f"ages times {slope:.3f} plus {intercept:.2f} years, from {n} validation people"
    elif n < FEWEST:
        note = f"none: {n} validation people, {FEWEST} are needed"
    else:
        note = f"none: age does not clearly rise with predicted age in {n} validation people"
    return {"n": n, "slope": slope, "intercept": intercept, "note": note}
