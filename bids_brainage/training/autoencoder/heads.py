"""Age and sex read linearly from the code of an autoencoder."""

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression, Ridge

from bids_brainage.models.morphometry_autoencoder import YEARS_BEYOND, MorphometryAutoencoder
from bids_brainage.training.autoencoder.class_models import MODELS
from bids_brainage.training.autoencoder.classify import AGE, SEX, choose_value
from bids_brainage.training.autoencoder.morphometry_people import People

MIN_SPREAD = 1e-6
MIN_PEOPLE = 10


@torch.no_grad()
def fit_heads(
    module: MorphometryAutoencoder, people: People, training: np.ndarray, seed: int
) -> None:
    """Fit a ridge of log age and a logistic regression of sex on codes of the training people.

    Penalties are chosen on folds that keep sites together. Where ages or sexes are unknown the
    model tells none.

    Parameters
    ----------
    module
        In double precision; changed in place.
    training
        Mask of the training people; shape (n,).
    """
    rows = np.flatnonzero(training)
    code = module.encode(torch.from_numpy(people.raw[rows]))
    module.code_centre.copy_(code.mean(dim=0))
    module.code_scale.copy_(code.std(dim=0).clamp_min(MIN_SPREAD))
    x = module.standard(code).numpy()
    table = people.table
    age, female, groups = table.age[rows], table.female[rows], table.sites[rows]
    known = np.isfinite(age)
    linear = MODELS["linear"]
    if known.sum() >= MIN_PEOPLE:
        y = np.log(age[known])
        c = choose_value(linear.regressor, linear.values, x[known], y, groups[known], AGE, seed)
        ridge = Ridge(1 / c).fit(x[known], y)
        module.age_weight.copy_(torch.from_numpy(ridge.coef_))
        module.age_intercept.fill_(float(ridge.intercept_))
        module.youngest.fill_(max(float(age[known].min()) - YEARS_BEYOND, 0.0))
        module.oldest.fill_(float(age[known].max()) + YEARS_BEYOND)
    known = np.isfinite(female)
    if known.sum() >= MIN_PEOPLE and len(np.unique(female[known])) > 1:
        sex = female[known].astype(int)
        c = choose_value(linear.classifier, linear.values, x[known], sex, groups[known], SEX, seed)
        logistic = LogisticRegression(C=c, max_iter=1000).fit(x[known], sex)
        module.sex_weight.copy_(torch.from_numpy(logistic.coef_[0]))
        module.sex_intercept.fill_(float(logistic.intercept_[0]))
