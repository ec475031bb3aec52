"""Networks of every fold of a cross-validation of the autoencoder of brains, and what they gave."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bids_brainage.errors import OutputError
from bids_brainage.models.image_autoencoder import MODALITY, ImageAutoencoder
from bids_brainage.training.array_files import BROKEN
from bids_brainage.training.autoencoder.brains import Brains
from bids_brainage.training.autoencoder.image_components import Components
from bids_brainage.training.autoencoder.image_fit import codes_of, fit_network
from bids_brainage.training.autoencoder.image_heads import Known, fit_heads, middles
from bids_brainage.training.autoencoder.image_recipe import ImageAutoencoderRecipe
from bids_brainage.training.checkpoints import fingerprint, remove_checkpoint
from bids_brainage.training.images.sample import split_labels

logger = logging.getLogger(__name__)
RESULT = "fold.npz"
BLOCK = 4  # voxels a side


@dataclass(frozen=True)
class FoldResult:
    """What the network of one fold gave.

    Parameters
    ----------
    training, test
        Numbers of people.
    codes
        Of everybody; (n, k).
    age, logit
        What the model with its heads tells of the test people.
    errors
        Rebuilding the test people: ``autoencoder``, ``components`` (as many as the code has
        numbers, or as there can be) and ``mean`` (the mean brain), by voxels and by blocks; each
        the mean squared error over the field, in units of the squared median of a brain.
    n_components
        How many principal components.
    course
        Of the training.
    """

    training: np.ndarray
    test: np.ndarray
    codes: np.ndarray
    age: np.ndarray
    logit: np.ndarray
    errors: dict[str, np.ndarray]
    n_components: int
    course: list[list[object]]


def known_of(brains: Brains) -> Known:
    """What is known of the people; where the bin of the age alone is, its middle stands for it."""
    age = np.where(np.isfinite(brains.age), brains.age, middles(brains.bins))
    return Known(age, brains.female, brains.head, np.array(brains.labels))


def run_folds(
    brains: Brains,
    n_folds: int,
    recipe: ImageAutoencoderRecipe,
    folder: Path,
    *,
    device: torch.device,
    resume: bool,
    progress: Callable[[str], None] = logger.info,
) -> list[FoldResult]:
    """Train a network on the training people of every fold; finished folds are kept.

    Raises
    ------
    InputError, OutputError
        If there are too few people, or the folder cannot be written.
    """
    results = []
    for number, (training, test) in enumerate(brains.folds(n_folds), start=1):

        def say(text: str, number: int = number) -> None:
            progress(f"fold {number} of {n_folds}: {text}")

        place = folder / f"fold-{number}"
        known = known_of(brains)
        key = fingerprint(recipe.as_dict(), training, known.age, known.female, known.head,
                          brains.marks())  # fmt: skip
        found = _finished(place / RESULT, key, training, test) if resume else None
        if found is None:
            network, course = train_network(
                brains, training, recipe, place, device=device, resume=resume, progress=say
            )
            found = _result(network, brains, training, test, recipe, course)
            _keep(place / RESULT, key, found)
            remove_checkpoint(place)
        results.append(found)
    return results


def train_network(
    brains: Brains,
    rows: np.ndarray,
    recipe: ImageAutoencoderRecipe,
    folder: Path,
    *,
    device: torch.device,
    resume: bool,
    progress: Callable[[str], None],
) -> tuple[ImageAutoencoder, list[list[object]]]:
    """Train on some people, a share of whom chooses the epoch; heads are fitted on all of them."""
    labels = [brains.labels[row] for row in rows]
    inner, choosing = split_labels(labels, recipe.validation, recipe.seed)
    network, course = fit_network(
        brains, rows[inner], rows[choosing], recipe, folder,
        device=device, resume=resume, progress=progress,
    )  # fmt: skip
    codes = codes_of(network, brains, rows)
    fit_heads(network, codes, known_of(brains).of(rows), recipe.head_size, recipe.seed)
    return network, course


@torch.no_grad()
def _result(
    network: ImageAutoencoder,
    brains: Brains,
    training: np.ndarray,
    test: np.ndarray,
    recipe: ImageAutoencoderRecipe,
    course: list[list[object]],
) -> FoldResult:
    everybody = np.arange(len(brains))
    codes = codes_of(network, brains, everybody)
    images = torch.from_numpy(brains.block(test))
    age, logit = network({MODALITY: images})
    components = Components(brains, training, recipe.bottleneck)
    errors: dict[str, np.ndarray] = {}
    field = network.field.numpy() > 0
    for name, rebuilt in (
        ("autoencoder", network.decode(network.encode(images)).numpy()),
        ("components", components.rebuilt(images.numpy())),
        ("mean", np.broadcast_to(network.centre.numpy(), images.shape)),
    ):
        rest = (rebuilt - images.numpy()) * field
        errors[name] = np.square(rest).sum(axis=(1, 2, 3)) / field.sum()
        coarse = torch.nn.functional.avg_pool3d(
            torch.from_numpy(rest)[:, None], BLOCK, ceil_mode=True
        )
        squares = coarse.square().sum(dim=(1, 2, 3, 4)).numpy()
        errors[f"{name} by blocks"] = squares * BLOCK**3 / field.sum()
    return FoldResult(
        training, test, codes, age.numpy(), logit.numpy(), errors, len(components), course
    )


def _keep(path: Path, key: str, found: FoldResult) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        arrays: dict[str, Any] = {f"error {name}": v for name, v in found.errors.items()}
        arrays |= {"key": np.array(key), "codes": found.codes, "age": found.age,
                   "logit": found.logit, "n_components": np.array(found.n_components),
                   "course": np.array([[str(c) for c in row] for row in found.course])}  # fmt: skip
        part = path.with_name(f".{path.name}")
        np.savez(part, **arrays)
        part.replace(path)
    except OSError as error:
        raise OutputError(f"cannot keep a fold: {error.strerror}", place=path) from error


def _finished(path: Path, key: str, training: np.ndarray, test: np.ndarray) -> FoldResult | None:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            if str(kept["key"]) != key:
                return None
            errors = {
                name.removeprefix("error "): kept[name]
                for name in kept.files
                if name.startswith("error ")
            }
            return FoldResult(
                training, test, kept["codes"], kept["age"], kept["logit"], errors,
                int(kept["n_components"]), [list(row) for row in kept["course"]],
            )  # fmt: skip
    except (*BROKEN, KeyError):
        return None
