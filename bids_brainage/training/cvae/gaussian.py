"""The plainest generative model of measures: a Gaussian around curves over age and sex."""

import numpy as np
import torch
from sklearn.covariance import ledoit_wolf

from bids_brainage.models.cvae import MODALITY, Cvae, posterior
from bids_brainage.training.cvae.fit import model_config
from bids_brainage.training.cvae.recipe import CvaeRecipe
from bids_brainage.training.tables import TrainingTable

PENALTY = 1.0


def invert_gaussian(
    table: TrainingTable, training: np.ndarray, test: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Tell age and sex by inversion of a Gaussian with one covariance for all ages and sexes.

    Its mean is linear in the splines of age and in sex; the covariance is that of the residuals,
    shrunk (Ledoit & Wolf, 2004, doi:10.1016/S0047-259X(03)00096-4). Scaling, splines and ages are
    those of the conditional autoencoder, which so shows what its networks add.

    Parameters
    ----------
    training
        Numbers of people of known sex.
    test
        Numbers of the people to tell age and sex of.

    Returns
    -------
    tuple[np.ndarray, np.ndarray]
        Log ages and female logits.
    """
    model = Cvae(model_config(table, CvaeRecipe(members=1, n_latent=1, hidden=1))).double()
    with torch.no_grad():
        raw = torch.from_numpy(table.measures[MODALITY])
        model.transform.fit(model.logarithms(raw)[training])
        x = model.scaled(raw).x.numpy()
        told = model.core.conditions(
            torch.from_numpy(table.age), torch.nan_to_num(torch.from_numpy(table.female))
        ).numpy()
    design = told[training]
    weights = np.linalg.solve(
        design.T @ design + PENALTY * np.eye(design.shape[1]), design.T @ x[training]
    )
    covariance, _ = ledoit_wolf(x[training] - design @ weights, assume_centered=True)
    precision = np.linalg.inv(covariance)
    evidence = []
    for sex in (0.0, 1.0):
        sexes = torch.full_like(model.ages, sex)
        mean = model.core.conditions(model.ages, sexes).numpy() @ weights
        inner = x[test] @ precision @ mean.T
        evidence.append(inner - 0.5 * np.einsum("gi,ij,gj->g", mean, precision, mean))
    age, logit = posterior(torch.from_numpy(np.stack(evidence, axis=1)), model.ages)
    return np.log(age.numpy()), logit.numpy()
