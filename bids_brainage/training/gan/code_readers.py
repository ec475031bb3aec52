"""Age and sex from the latent codes of real people, by straight lines."""

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression, RidgeCV

from bids_brainage.models.gan import Gan

PENALTIES = np.logspace(-2, 5, 15)
FEWEST = 10  # people of known age
STRENGTH = 0.1  # inverse penalty of the logistic regression
MIN_SPREAD = 1e-6


def set_age_line(model: Gan, codes: np.ndarray, age: np.ndarray) -> None:
    """Fit the line from codes to age, and the range of ages, into a model.

    Parameters
    ----------
    codes
        Of real training people; (n, 100).
    age
        Years, NaN for unknown; with fewer than ten ages the model tells none.
    """
    known = np.isfinite(age)
    if known.sum() < FEWEST:
        model.intercept.fill_(torch.nan)
        return
    centre, spread = _scaling(codes[known])
    line = RidgeCV(PENALTIES).fit((codes[known] - centre) / spread, age[known])
    weight = line.coef_ / spread
    model.weight.copy_(torch.from_numpy(np.asarray(weight, np.float32)))
    model.intercept.fill_(float(line.intercept_ - weight @ centre))
    model.youngest.fill_(float(age[known].min()))
    model.oldest.fill_(float(age[known].max()))


def sex_line(codes: np.ndarray, female: np.ndarray) -> tuple[np.ndarray, float]:
    """Weights and intercept of the female logit of codes; sex is known of all, and both are there.

    Parameters
    ----------
    codes, female
        (n, 100) and (n,), 1 or 0.
    """
    centre, spread = _scaling(codes)
    fitted = LogisticRegression(C=STRENGTH, max_iter=2000).fit((codes - centre) / spread, female)
    weight = fitted.coef_[0] / spread
    return weight, float(fitted.intercept_[0] - weight @ centre)


def _scaling(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    spread = codes.std(axis=0)
    return codes.mean(axis=0), np.where(spread > MIN_SPREAD, spread, 1.0)
