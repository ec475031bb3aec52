"""Simple regressions of age on the same people and folds, beside which networks stand."""

from collections.abc import Callable, Sequence

import numpy as np
from scipy import ndimage
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from bids_brainage.bids.outputs import read_tsv
from bids_brainage.errors import BrainAgeError
from bids_brainage.training.tsan.fit import Sample
from bids_brainage.training.tsan.people import Person

TISSUES = ("GM", "WM", "CSF")
PENALTIES = np.logspace(-2, 6, 17)
SMOOTHING = 1.0  # voxels
# From a T1w in template space to the volumes of the same session.
IMAGE, VOLUMES = "space-MNI152NLin6Asym_res-2_desc-preproc_T1w.nii.gz", "desc-volumes_morph.tsv"
Baseline = Callable[[np.ndarray, np.ndarray], np.ndarray]


def guess_median(sample: Sample) -> Baseline:
    """The median age of the training people for everyone."""
    age = sample.age.numpy()
    return lambda training, test: np.full(len(test), np.median(age[training]))


def tissue_fractions(sample: Sample, people: Sequence[Person]) -> Baseline | None:
    """Polynomial of degree 3 of tissue fractions, with a penalty; None where they are not known.

    The regression of the fourth system, from the volumes that the participant level wrote.
    """
    try:
        table = np.array([_fractions(person) for person in people])
    except (BrainAgeError, KeyError, ValueError):
        return None
    age = sample.age.numpy()

    def predict(training: np.ndarray, test: np.ndarray) -> np.ndarray:
        model = make_pipeline(
            StandardScaler(), PolynomialFeatures(3, include_bias=False), RidgeCV(PENALTIES)
        )
        return model.fit(table[training], age[training]).predict(table[test])

    return predict


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


def _fractions(person: Person) -> list[float]:
    path = person.image.with_name(person.image.name.replace(IMAGE, VOLUMES))
    values = {row["measure"]: float(row["value"]) for row in read_tsv(path)}
    total = sum(values[tissue] for tissue in TISSUES)
    return [values[tissue] / total for tissue in TISSUES]
