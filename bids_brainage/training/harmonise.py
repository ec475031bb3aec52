"""Site differences taken out of training measures, estimated on training people alone."""

import numpy as np

from bids_brainage.evaluation.combat import MIN_PEOPLE, check_sites, fit_combat, sites_apart
from bids_brainage.training.tables import TrainingTable


def harmonised(table: TrainingTable, training: np.ndarray) -> TrainingTable:
    """Take the mean differences between sites of the training people out of everyone's measures.

    ComBat for means alone, effects of age, age squared and sex preserved: spreads would have to be
    taken out around what a person's age lets expect, and the age is what is to be predicted.
    People of sites with fewer than ten training people, of sites whose ages do not overlap with
    those of the others, and of sites that no training person is of, keep their measures: nothing
    tells a difference of site there from one of age.

    Parameters
    ----------
    training
        Mask of the training people; shape (n,).

    Raises
    ------
    UsageError
        If training sites and age are confounded, or only one site is large enough.
    """
    age = table.age / 10
    covariates = np.column_stack([age, age**2, table.female])
    known = training & np.isfinite(table.female)
    measures = {}
    for modality, values in table.measures.items():
        measures[modality] = values
        there = table.has(modality)
        if not there.any():
            continue
        fitted = known & there
        names, counts = np.unique(table.sites[fitted], return_counts=True)
        fitted &= np.isin(table.sites, names[counts >= MIN_PEOPLE])
        while apart := sites_apart(table.sites[fitted], table.age[fitted]):
            fitted &= ~np.isin(table.sites, list(apart))
        check_sites(
            table.sites[fitted], table.age[fitted], covariates[fitted], f"harmonising {modality}"
        )
        model = fit_combat(
            values[fitted], table.sites[fitted], covariates[fitted], mean_only=True
        )  # fmt: skip
        rows = there & np.isin(table.sites, model.sites)
        measures[modality] = values.copy()
        measures[modality][rows] = model.transform(values[rows], table.sites[rows])
    return table.with_measures(measures)
