"""Simple regressions of age on the same people and folds, beside which networks stand."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy import ndimage
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from bids_brainage.errors import BrainAgeError
from bids_brainage.features.tissue_volumes import volume_names
from bids_brainage.training.images.people import Person, measured_volumes
from bids_brainage.training.images.sample import Sample

logger = logging.getLogger(__name__)
TISSUES = ("GM", "WM", "CSF")
PENALTIES = np.logspace(-2, 6, 17)
SMOOTHING = 1.0  # voxels
Baseline = Callable[[np.ndarray, np.ndarray], np.ndarray]


def guess_median(sample: Sample) -> Baseline:
    """The median age of the training people for everyone."""
    age = sample.age.numpy()
    return lambda training, test: np.full(len(test), np.median(age[training]))


def tissue_fractions(sample: Sample, people: Sequence[Person]) -> Baseline | None:
    """Polynomial of degree 3 of tissue fractions, with a penalty; None where they are not known.

    A regression like the shipped model ``volumes``, fitted on the training people alone.
    """
    if (volumes := _measured(people)) is None:
        return None
    places = [volume_names().index(name) - 1 for name in TISSUES]
    table = np.exp(volumes[:, places])
    return _regression(PolynomialFeatures(3, include_bias=False), table, sample.age.numpy())


def regional_volumes(sample: Sample, people: Sequence[Person]) -> Baseline | None:
    """Ridge regression on logarithms of relative volumes; None where they are not known."""
    if (volumes := _measured(people)) is None:
        return None
    return _regression("passthrough", volumes, sample.age.numpy())


def smoothed_voxels(sample: Sample) -> Baseline:
    """Ridge regression on smoothed voxels; the penalty is chosen among the training people."""
    smooth = [
        ndimage.gaussian_filter(np.asarray(image, np.float32), SMOOTHING)[::2, ::2, ::2].ravel()
        for image in sample.images
    ]
    table, age = np.array(smooth), sample.age.numpy()

    def predict(training: np.ndarray, test: np.ndarray) -> np.ndarray:
        centre = table[training].mean(axis=0)
        model = RidgeCV(PENALTIES * table.shape[1] / 1e3)
        return model.fit(table[training] - centre, age[training]).predict(table[test] - centre)

    return predict


def _measured(people: Sequence[Person]) -> np.ndarray | None:
    try:
        return measured_volumes(people)
    except BrainAgeError as error:
        logger.info("no rows of volumes: %s", error)
        return None


def _regression(terms: Any, table: np.ndarray, age: np.ndarray) -> Baseline:
    def predict(training: np.ndarray, test: np.ndarray) -> np.ndarray:
        model = make_pipeline(StandardScaler(), terms, RidgeCV(PENALTIES))
        return model.fit(table[training], age[training]).predict(table[test])

    return predict
