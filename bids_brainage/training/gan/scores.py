"""How good generated people are, in numbers: variety, likeness, copies and what readers say."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from bids_brainage.models.brain_readers import SexClassifier
from bids_brainage.models.cubes import unit_range
from bids_brainage.training.gan.classify import NAMES, features_of, female_logits
from bids_brainage.training.gan.distances import (
    Score,
    bootstrap,
    kernel_distance,
    mean_of,
    mean_of_pairs,
    memorised,
)
from bids_brainage.training.gan.gaussian import Components
from bids_brainage.training.gan.similarity import ms_ssim_matrix

COMPARED = 16  # cubes whose similarity is computed, of all pairs
KEPT = 10  # components of voxels
NOTHING = np.empty(0)


@dataclass(frozen=True)
class Judges:
    """What generated cubes are judged with; all of it was fitted on the training people.

    Parameters
    ----------
    classifiers
        Classifiers of sex by name.
    components
        Of the voxels.
    training, held
        Cubes of the training people and of people kept apart.
    quantile
        See `bids_brainage.models.cubes.unit_range`.
    """

    classifiers: Mapping[str, SexClassifier]
    components: Components
    training: np.ndarray
    held: np.ndarray
    quantile: float = 1.0

    def features(self, cubes: np.ndarray) -> dict[str, np.ndarray]:
        """Features of cubes that likeness is judged by."""
        return {
            "classifier": features_of(self.classifiers[NAMES[0]], cubes),
            "voxels": self.components.scores(cubes)[:, :KEPT],
        }


def one_scale(cubes: np.ndarray, quantile: float = 1.0) -> np.ndarray:
    """Bring cubes, real or generated, to the range from 0 to 1 as the readers do."""
    found = unit_range(torch.from_numpy(np.asarray(cubes, np.float32)), quantile)
    return found.numpy()


def judge(made: np.ndarray, judges: Judges) -> dict[str, Score]:
    """Scores of generated cubes beside those of people kept apart.

    Parameters
    ----------
    made
        Generated cubes of any scale; (n, side, side, side).

    Returns
    -------
        ``ms_ssim``: mean similarity of pairs, low for variety, beside ``ms_ssim_held`` of real
        people; ``kid_classifier`` and ``kid_voxels``: kernel distance to the people kept apart on
        features of the plain classifier and on the first ten components of voxels; what
        `memorised` and `agreement` give.
    """
    made, held, training = (
        one_scale(x, judges.quantile) for x in (made, judges.held, judges.training)
    )
    found = diversity(made, held)
    found |= likeness(made, held, training, judges)
    found |= memorised(made, held, training)
    return found | agreement(made, judges)


def floor(judges: Judges) -> dict[str, Score]:
    """The scores of training people in the place of generated ones: how good is best.

    What the classifiers say is of the people kept apart, whom they had not learnt.
    """
    held, training = (one_scale(x, judges.quantile) for x in (judges.held, judges.training))
    found = diversity(training, held)
    found |= likeness(training, held, training, judges)
    return found | agreement(held, judges)


def diversity(made: np.ndarray, held: np.ndarray) -> dict[str, Score]:
    """Mean multi-scale structural similarity of pairs of cubes."""
    found = {}
    for name, cubes in (("ms_ssim", made), ("ms_ssim_held", held)):
        some = np.asarray(cubes[:COMPARED], np.float32)
        found[name] = _of_pairs(ms_ssim_matrix(torch.from_numpy(some)))
    return found


def likeness(
    made: np.ndarray, held: np.ndarray, training: np.ndarray, judges: Judges
) -> dict[str, Score]:
    """Kernel distances of generated cubes to those of people kept apart."""
    found = {}
    of_made, of_held, of_training = (judges.features(x) for x in (made, held, training))
    for name, features in of_made.items():
        seen = of_training[name]
        # A feature that is never on says nothing.
        used = seen.std(axis=0) > 1e-6
        if not used.any():
            found[f"kid_{name}"] = Score(float("nan"), NOTHING)
            continue
        scale = seen[:, used].mean(axis=0), seen[:, used].std(axis=0)
        found[f"kid_{name}"] = kernel_distance(features[:, used], of_held[name][:, used], scale)
    return found


def agreement(cubes: np.ndarray, judges: Judges) -> dict[str, Score]:
    """What both classifiers say of cubes whose sex nobody knows.

    Returns
    -------
        ``female_plain`` and ``female_noisy``: share called women; ``agree``: share of which both
        say the same; ``agree_chance``: share of which they would if each called as many women
        without looking.
    """
    called = {name: female_logits(judges.classifiers[name], cubes) > 0 for name in NAMES}
    first, second = (called[name].astype(float) for name in NAMES)
    a, b = first.mean(), second.mean()
    return {
        "female_plain": mean_of(first),
        "female_noisy": mean_of(second),
        "agree": mean_of((first == second).astype(float)),
        "agree_chance": Score(float(a * b + (1 - a) * (1 - b)), NOTHING),
    }


def _of_pairs(matrix: np.ndarray) -> Score:
    return bootstrap(lambda weight, _: mean_of_pairs(matrix, weight), (len(matrix), 1))
