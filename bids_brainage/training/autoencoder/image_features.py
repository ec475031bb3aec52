"""What simple models tell age and sex from in brains: voxels, components, codes, head size."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from bids_brainage.training.autoencoder.brains import Brains
from bids_brainage.training.autoencoder.classify import Labels, MakeFeatures
from bids_brainage.training.autoencoder.image_components import Components
from bids_brainage.training.autoencoder.image_folds import FoldResult, known_of
from bids_brainage.training.autoencoder.image_heads import told_head_out
from bids_brainage.training.autoencoder.labels import age_bins, ordered_bins, text_codes

BLOCK = 2  # voxels a side
HEAD = "head size"
WITHOUT = "without head size"
PLAIN = VOXELS, COMPONENTS, CODES = "voxels", "components", "codes"
Pair = tuple[np.ndarray, np.ndarray]


def labels_of(brains: Brains, folds: Sequence[FoldResult], bins: Sequence[str]) -> Labels:
    """What is to be told of the people, and in which fold each is left out.

    Inner folds keep people together; sexes are compared within the folders that people are from.
    """
    test_fold = np.zeros(len(brains), int)
    for number, fold in enumerate(folds):
        test_fold[fold.test] = number
    return Labels(
        age=brains.age,
        female=brains.female,
        codes=bins_of(brains, bins),
        bins=ordered_bins(bins),
        folds=test_fold,
        groups=np.array(brains.labels),
        samples=np.array([label.rpartition("/")[0] for label in brains.labels]),
    )


def bins_of(brains: Brains, bins: Sequence[str]) -> np.ndarray:
    """Code the bin of each person's age by its order in years; -1 for none; (n,)."""
    told = np.array([bool(name) for name in brains.bins])
    codes = age_bins(brains.age, bins)
    if told.any():
        codes[told] = text_codes([str(name) for name in brains.bins[told]], bins, Path("bins"))
    return codes


def makers(brains: Brains, folds: Sequence[FoldResult], bottleneck: int) -> dict[str, MakeFeatures]:
    """Kinds of features by name; each is fitted on the training people of a fold.

    Where sizes of heads are known, each kind is there without what tells the size, too, and the
    size alone.
    """
    fold_of = {int(fold.test[0]): fold for fold in folds}
    known = known_of(brains)
    blocks = coarse(brains)
    kept: dict[int, Components] = {}

    def voxels(train: np.ndarray, test: np.ndarray) -> Pair:
        # A block that is background in nearly all hardly differs between people.
        seen = (blocks[train] != 0).all(axis=0)
        return blocks[train][:, seen], blocks[test][:, seen]

    def components(train: np.ndarray, test: np.ndarray) -> Pair:
        first = int(test[0])
        if first not in kept:
            kept.clear()
            kept[first] = Components(brains, train, bottleneck)
        found = kept[first]
        return found.scores(brains.block(train)), found.scores(brains.block(test))

    def codes(train: np.ndarray, test: np.ndarray) -> Pair:
        fold = fold_of[int(test[0])]
        return fold.codes[train], fold.codes[test]

    plain: dict[str, MakeFeatures] = {VOXELS: voxels, COMPONENTS: components, CODES: codes}
    if not np.isfinite(known.head).all():
        return plain

    def corrected(make: MakeFeatures) -> MakeFeatures:
        def found(train: np.ndarray, test: np.ndarray) -> Pair:
            return told_head_out(*make(train, test), known.head[train])

        return found

    head: Callable[[np.ndarray, np.ndarray], Pair] = lambda train, test: (  # noqa: E731
        known.head[train][:, None], known.head[test][:, None]
    )  # fmt: skip
    both = plain | {f"{name} {WITHOUT}": corrected(make) for name, make in plain.items()}
    return both | {HEAD: head}


def coarse(brains: Brains) -> np.ndarray:
    """Means of blocks of voxels; (n, blocks)."""
    rows = [
        F.avg_pool3d(torch.from_numpy(brains.block([i]))[:, None], BLOCK, ceil_mode=True).flatten()
        for i in range(len(brains))
    ]
    return torch.stack(rows).numpy()
