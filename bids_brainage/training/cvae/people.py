"""People that a conditional autoencoder is trained and judged on, and what it says of them."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from bids_brainage.errors import InputError
from bids_brainage.models.cvae import MODALITY, Cvae
from bids_brainage.models.cvae_person import curves
from bids_brainage.training.folds import site_folds
from bids_brainage.training.sources import load_table
from bids_brainage.training.tables import TrainingTable


class Told(NamedTuple):
    """What a model tells of some people: log ages and female logits; each (n,).

    ``likeliest`` is the logarithm of the age at which the density of the measures is highest.
    """

    log_age: np.ndarray
    logit: np.ndarray
    likeliest: np.ndarray


def load_people(
    data: Path, n_folds: int, *, split_single: bool = False
) -> tuple[TrainingTable, np.ndarray]:
    """People with morphometry and their folds, the same as those of the family ``mavae``.

    Parameters
    ----------
    split_single
        See `bids_brainage.training.folds.site_folds`.

    Raises
    ------
    InputError
        If nobody has morphometry and a known sex.
    """
    table = load_table(data)
    folds = np.zeros(len(table))
    if n_folds > 1:
        folds = site_folds(table, n_folds, split_single=split_single)
    rows = table.has(MODALITY)
    if not (rows & np.isfinite(table.female)).any():
        raise InputError("nobody with morphometry, age and sex", place=data,
                         hint="sex comes from participants.tsv or labels_Gender.npy")  # fmt: skip
    return table.subset(rows), folds[rows]


def trainable(table: TrainingTable, rows: np.ndarray) -> np.ndarray:
    """Numbers of the people whose sex is known, among those of a mask."""
    return np.flatnonzero(rows & np.isfinite(table.female))


@torch.no_grad()
def told_ages(model: Cvae, table: TrainingTable, rows: np.ndarray) -> Told:
    """Tell ages and sexes of some people."""
    model = model.double()
    measured = model.scaled(torch.from_numpy(table.measures[MODALITY][rows]))
    evidence = model.evidence(measured, model.ages)
    age, logit = model.posterior(evidence)
    likeliest = model.ages[evidence.logsumexp(dim=1).argmax(dim=1)]
    return Told(age.log().numpy(), logit.numpy(), likeliest.log().numpy())


@torch.no_grad()
def deviations(model: Cvae, table: TrainingTable, rows: np.ndarray) -> np.ndarray:
    """How many standard deviations each measure lies from people of the age and sex; (n, p).

    NaN for missing measures and for people of unknown sex.
    """
    model = model.double()
    measured = model.scaled(torch.from_numpy(table.measures[MODALITY][rows]))
    age = torch.from_numpy(table.age[rows])
    found = torch.full_like(measured.x, torch.nan)
    for sex in (0, 1):
        mine = torch.from_numpy(table.female[rows] == sex)
        mean, spread = curves(model, sex, age[mine])
        found[mine] = (measured.x[mine] - mean) / spread
    return torch.where(measured.known > 0, found, torch.nan).numpy()
