"""Data of a joint training of ensemble members, drawing of batches, and outputs of all heads."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bids_brainage.models.mavae_core import MavaeCore


@dataclass(frozen=True)
class Job:
    """Data of a joint training of members that may belong to different folds.

    Parameters
    ----------
    features
        Per fold, modality to scaled features (n, p).
    fold
        Fold of each member.
    masks
        Training people of each member; (members, n).
    left_out
        People who look like new ones to each member; (members, n).
    age
        Ages in years; (n,).
    female
        1, 0 or NaN; (n,).
    has
        Modality to mask of people who have it; (n,).
    site
        Number of each person's site; (n,).
    age_mean, age_scale
        Standardisation of log age, per member.
    """

    features: Sequence[dict[str, Tensor]]
    fold: np.ndarray
    masks: np.ndarray
    left_out: np.ndarray
    age: np.ndarray
    female: np.ndarray
    has: dict[str, np.ndarray]
    site: np.ndarray
    age_mean: np.ndarray
    age_scale: np.ndarray


class Sampler:
    """Draws people without replacement; the draw depends on seed, member and step only.

    Parameters
    ----------
    rows
        People to draw from, per member.
    size
        People per draw.
    seed
        Seed.
    group
        Number that keeps samplers of one seed apart.
    """

    def __init__(self, rows: list[np.ndarray], size: int, seed: int, group: int) -> None:
        self.size = min([size, *(len(r) for r in rows)])
        self._rows, self._seed, self._group = rows, seed, group
        self._order: dict[int, tuple[int, np.ndarray]] = {}

    def draw(self, step: int) -> np.ndarray:
        """Return the people of a step; (members, size)."""
        if self.size == 0:
            return np.zeros((len(self._rows), 0), int)
        return np.stack([self._one(member, step) for member in range(len(self._rows))])

    def _one(self, member: int, step: int) -> np.ndarray:
        rows = self._rows[member]
        per_epoch = max(len(rows) // self.size, 1)
        epoch, place = divmod(step, per_epoch)
        known = self._order.get(member)
        if known is None or known[0] != epoch:
            generator = np.random.default_rng([self._seed, self._group, member, epoch])
            known = (epoch, generator.permutation(rows))
            self._order[member] = known
        return known[1][place * self.size : (place + 1) * self.size]


@torch.no_grad()
def head_outputs(
    core: MavaeCore, job: Job, members: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Predict everybody with every member from morphometry, connectivity and both.

    Parameters
    ----------
    members
        Indices of the members to use; all by default.

    Returns
    -------
    tuple[np.ndarray, np.ndarray]
        Standardised log ages and female logits; (members, n, 3), NaN without the modality.
    """
    chosen = np.arange(len(job.fold)) if members is None else members
    first, second = (job.has[name] for name in ("morphometry", "connectivity"))
    shape = (len(chosen), len(job.age), 3)
    ages, logits = np.full(shape, np.nan), np.full(shape, np.nan)
    for k in np.unique(job.fold[chosen]):
        mine = np.flatnonzero(job.fold[chosen] == k)
        part = core.take(torch.from_numpy(chosen[mine])).eval()
        codes = []
        for name in ("morphometry", "connectivity"):
            x = job.features[k][name].expand(len(mine), -1, -1)
            codes.append(part.split(part.encode(name, x)[0]))
        for column, (use, a, b) in enumerate((
            (first, codes[0], None), (second, None, codes[1]), (first & second, *codes)
        )):  # fmt: skip
            out = part.heads(a, b)
            ages[mine, :, column] = np.where(use, out.age.numpy(), np.nan)
            logits[mine, :, column] = np.where(use, out.sex.numpy(), np.nan)
    return ages, logits
