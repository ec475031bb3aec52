"""Kinds of features of measures that simple models are tried on, made within each fold."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from sklearn.decomposition import PCA
from sklearn.metrics import roc_auc_score

from bids_brainage.models.morphometry_autoencoder import MorphometryAutoencoder
from bids_brainage.training.autoencoder.classify import AGE, SEX, TARGETS, MakeFeatures
from bids_brainage.training.autoencoder.importance import shuffled_losses
from bids_brainage.training.autoencoder.morphometry_people import People

INITIAL, LATENT, COMPONENTS = "initial", "latent", "principal components"
MEAN, AUTOENCODER = "mean of the training people", "autoencoder"
RELATIVE, HEAD = "relative to head size", "head size alone"
KINDS = (INITIAL, LATENT, COMPONENTS, RELATIVE, HEAD)
TARGETS_OF = {RELATIVE: (SEX,), HEAD: (SEX,)} | dict.fromkeys(KINDS[:3], TARGETS)


@dataclass(frozen=True)
class Fold:
    """A trained autoencoder with the features of everybody as its training people scale them.

    Parameters
    ----------
    module
        In double precision.
    people
        Everybody.
    training
        Mask of the people that it was trained on; shape (n,).
    """

    module: MorphometryAutoencoder
    people: People
    training: np.ndarray

    @cached_property
    def initial(self) -> np.ndarray:
        """Scaled features, zero where missing; (n, f)."""
        with torch.no_grad():
            return self.module.transform(torch.from_numpy(self.people.raw)).numpy()

    @cached_property
    def known(self) -> np.ndarray:
        """Which features are known; (n, f)."""
        with torch.no_grad():
            return (
                ~self.module.transform.derive(torch.from_numpy(self.people.raw)).isnan()
            ).numpy()

    @cached_property
    def latent(self) -> np.ndarray:
        """Codes; (n, b)."""
        with torch.no_grad():
            return self.module.core.encode(torch.from_numpy(self.initial)).numpy()

    @cached_property
    def pca(self) -> PCA:
        """As many principal components as the code is wide, of the training people."""
        width = min(self.module.config.bottleneck, self.initial.shape[1], int(self.training.sum()))
        return PCA(width, svd_solver="full").fit(self.initial[self.training])

    def of_kind(self, kind: str) -> np.ndarray:
        """Return features of everybody of one of `KINDS`; (n, k)."""
        shape = self.module.config.measures
        if kind == INITIAL:
            return self.initial
        if kind == LATENT:
            return self.latent
        if kind == COMPONENTS:
            return np.asarray(self.pca.transform(self.initial))
        if kind == RELATIVE:
            absolute = {*shape.volumes, *shape.reference}
            return self.initial[:, [i for i in range(shape.n_features) if i not in absolute]]
        head = np.log(self.people.raw[:, list(shape.reference)].sum(axis=1, keepdims=True))
        middle = np.nanmedian(head[self.training])
        return np.where(np.isfinite(head), head, middle)

    def errors_of_code(self) -> np.ndarray:
        """Mean squared error of each person's known features as decoded from the code; (n,)."""
        with torch.no_grad():
            return self._errors(self.module.core.decode(torch.from_numpy(self.latent)).numpy())

    def squared_errors(self) -> dict[str, np.ndarray]:
        """Mean squared error of each person's known features by what rebuilds them; (n,)."""
        return {
            MEAN: self._errors(self.pca.mean_[None]),
            COMPONENTS: self._errors(self.pca.inverse_transform(self.pca.transform(self.initial))),
            AUTOENCODER: self.errors_of_code(),
        }

    def _errors(self, found: np.ndarray) -> np.ndarray:
        squares = np.square(self.initial - found) * self.known
        return np.asarray(squares.sum(axis=1) / self.known.sum(axis=1))

    def importance(self, clusters: list[np.ndarray], seed: int) -> dict[str, np.ndarray]:
        """Return how much worse unseen people's age and sex are told without each cluster."""
        rows = np.flatnonzero(~self.training)
        shape = self.module.config.measures
        # A volume relative to head size goes with the volume.
        place = {measure: shape.n_measures + i for i, measure in enumerate(shape.volumes)}
        columns = [
            np.array([*group, *(place[i] for i in group if i in place)], int) for group in clusters
        ]
        return shuffled_losses(self.initial[rows], columns, self._loss(rows), seed)

    def _loss(self, rows: np.ndarray) -> Callable[[np.ndarray], Mapping[str, float]]:
        age, female = self.people.table.age[rows], self.people.table.female[rows]
        years, sexes = np.isfinite(age), np.isfinite(female)

        def loss(features: np.ndarray) -> dict[str, float]:
            with torch.no_grad():
                told, logit = self.module.heads(self.module.core.encode(torch.from_numpy(features)))
            found = {}
            if years.any() and bool(torch.isfinite(told).all()):
                found[AGE] = float(np.abs(told.numpy() - age)[years].mean())
            if len(np.unique(female[sexes])) > 1 and bool(torch.isfinite(logit).all()):
                found[SEX] = 1 - float(roc_auc_score(female[sexes], logit.numpy()[sexes]))
            return found

        return loss


def makers(folds: Mapping[int, Fold], kinds: tuple[str, ...]) -> dict[str, MakeFeatures]:
    """Return for each kind of features what makes them of a fold's people.

    Parameters
    ----------
    folds
        Fold to its trained autoencoder; told apart by their training people.
    """

    def maker(kind: str) -> MakeFeatures:
        def make(train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            fold = next(
                f for f in folds.values() if np.array_equal(np.flatnonzero(f.training), train)
            )
            values = fold.of_kind(kind)
            return values[train], values[test]

        return make

    return {kind: maker(kind) for kind in kinds}
