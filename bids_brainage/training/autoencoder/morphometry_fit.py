"""Training an autoencoder of measures: denoising, stopped by people of sites left out."""

import copy
import logging
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bids_brainage.errors import InputError
from bids_brainage.models.morphometry_autoencoder import (
    MODALITY,
    AutoencoderConfig,
    Coder,
    MorphometryAutoencoder,
)
from bids_brainage.models.scaling import InputConfig, principal_axes
from bids_brainage.training.autoencoder.heads import fit_heads
from bids_brainage.training.autoencoder.morphometry_people import People
from bids_brainage.training.autoencoder.recipe import MorphometryRecipe
from bids_brainage.training.checkpoints import fingerprint, load_checkpoint, save_checkpoint
from bids_brainage.training.folds import member_masks
from bids_brainage.training.prepare import THICKNESS
from bids_brainage.training.tables import HEAD_SIZE

logger = logging.getLogger(__name__)
COLUMNS = ("part", "epoch", "learning_rate", "denoising_loss", "training_loss", "validation_loss")
HCP_HEAD, HCP_VOLUME = "FS_IntraCranial_Vol", "_Vol"
CLIP = 5.0
MIN_PEOPLE = 4
Rows = list[list[object]]


def input_config(people: People, *, derived: bool) -> InputConfig:
    """Return how measures become features: volumes also relative to head size, where named."""
    names = people.names
    volumes: tuple[int, ...] = ()
    reference: tuple[int, ...] = ()
    if derived and people.table.kind == "bids" and set(HEAD_SIZE) <= set(names):
        volumes = tuple(i for i, name in enumerate(names) if not name.endswith(THICKNESS))
        reference = tuple(names.index(name) for name in HEAD_SIZE)
    elif derived and HCP_HEAD in names:
        reference = (names.index(HCP_HEAD),)
        volumes = tuple(
            i for i, n in enumerate(names) if n.endswith(HCP_VOLUME) and i not in reference
        )
    kind = "morphometry" if volumes else "plain"
    shape = InputConfig(kind, len(names), 1, volumes=volumes, reference=reference)
    return InputConfig(kind, len(names), shape.n_features, volumes=volumes, reference=reference)


def train_autoencoder(
    people: People,
    training: np.ndarray,
    recipe: MorphometryRecipe,
    folder: Path,
    *,
    part: str = "autoencoder",
    rates: Sequence[float] = (),
    resume: bool = False,
    device: torch.device | None = None,
    progress: Callable[[str], None] = logger.info,
) -> tuple[MorphometryAutoencoder, Rows]:
    """Train on some people, everything fitted on them alone.

    Some of their sites are left out to tell when to stop; the scaling, and age and sex from the
    code, are fitted on all of them.

    Parameters
    ----------
    training
        Mask of the training people; shape (n,).
    folder
        Where the checkpoint is written after every epoch.
    part
        Name of this training in its course.
    rates
        Learning rate of each epoch of a training that leaves nobody out, see `best_rates`; none
        to leave people out and stop by them.

    Returns
    -------
    tuple[MorphometryAutoencoder, list]
        The model in evaluation mode and double precision, and its course by `COLUMNS`.

    Raises
    ------
    InputError
        If there are too few people or the loss is not finite.
    """
    if training.sum() < MIN_PEOPLE:
        raise InputError(f"{training.sum()} people to train on", hint=f"give {MIN_PEOPLE} or more")
    fitting = training
    if not rates:
        parts = min(recipe.parts, int(training.sum()))
        fitting = member_masks(people.table, training, 1, parts, recipe.seed)[0]
    torch.manual_seed(recipe.seed)
    config = AutoencoderConfig(
        input_config(people, derived=recipe.derived),
        recipe.hidden, recipe.bottleneck, recipe.shortcut,
    )  # fmt: skip
    module = MorphometryAutoencoder(config)
    raw = torch.from_numpy(people.raw)
    transform = module.transform.double()
    transform.fit(raw[torch.from_numpy(training)])
    transform.fit_limits(raw[torch.from_numpy(training)])
    with torch.no_grad():
        features = transform(raw)
        known = (~transform.derive(raw).isnan()).float()
        axes = principal_axes(features[torch.from_numpy(fitting)], recipe.bottleneck)
    module.core.start_at(axes.float())
    data = _Data(features.float(), known, fitting, training & ~fitting)
    key = fingerprint(recipe.as_dict(), list(rates), part, config.as_dict(), people.raw, training,
                      people.table.sites.astype(str))  # fmt: skip
    course = _fit(module.core, data, recipe, rates, folder, key, part, resume, device, progress)
    # As it is stored, so that what is fitted on the codes fits.
    module.core.half().double()
    module.double().eval()
    fit_heads(module, people, training, recipe.seed)
    return module, course


class _Data:
    """Scaled features of everybody, which of them are known, and who stands where."""

    def __init__(
        self, features: Tensor, known: Tensor, fitting: np.ndarray, validation: np.ndarray
    ) -> None:
        self.features, self.known = features, known
        self.fitting = torch.from_numpy(np.flatnonzero(fitting))
        self.validation = torch.from_numpy(np.flatnonzero(validation))


def _fit(
    core: Coder,
    data: _Data,
    recipe: MorphometryRecipe,
    rates: Sequence[float],
    folder: Path,
    key: str,
    part: str,
    resume: bool,
    device: torch.device | None,
    progress: Callable[[str], None],
) -> Rows:
    device = device or torch.device("cpu")
    core.to(device)
    data.features, data.known = data.features.to(device), data.known.to(device)
    best = copy.deepcopy(core)
    optimiser = torch.optim.AdamW(
        core.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay
    )
    state = None
    if resume:
        state = load_checkpoint(folder, key, {"core": core, "best": best}, {"adam": optimiser})
    course: dict[str, Any] = state or {"step": 0, "rows": [], "least": math.nan, "since": 0}
    if not state:
        # Before the first epoch it is as good as its start.
        losses = [loss_of(core, data, rows) for rows in (data.fitting, data.validation)]
        course["rows"].append([part, 0, 0, math.nan, *(f"{loss:.5f}" for loss in losses)])
        course["least"] = losses[1]
    for epoch in range(course["step"], len(rates) or recipe.epochs):
        if course["since"] >= recipe.patience:
            break
        if rates:
            optimiser.param_groups[0]["lr"] = rates[epoch]
        denoising = _epoch(core, optimiser, data, recipe, epoch)
        if not math.isfinite(denoising):
            raise InputError(f"the loss of {part} is {denoising} in epoch {epoch + 1}",
                             hint="give a smaller learning_rate")  # fmt: skip
        seen, unseen = (loss_of(core, data, rows) for rows in (data.fitting, data.validation))
        rate = optimiser.param_groups[0]["lr"]
        course["rows"].append(
            [part, epoch + 1, f"{rate:.6g}", *(f"{v:.5f}" for v in (denoising, seen, unseen))]
        )
        if unseen < course["least"] or not len(data.validation):
            best.load_state_dict(core.state_dict())
            course["least"], course["since"] = unseen, 0
        else:
            course["since"] += 1
            if course["since"] % recipe.plateau == 0:
                optimiser.param_groups[0]["lr"] *= recipe.factor
        extra = {name: course[name] for name in ("rows", "least", "since")}
        save_checkpoint(folder, key, epoch + 1, {"core": core, "best": best},
                        {"adam": optimiser}, extra)  # fmt: skip
    core.cpu().load_state_dict(best.state_dict())
    told = f", validation loss {course['least']:.4f}" if len(data.validation) else ""
    progress(f"{part}: {len(course['rows']) - 1} epochs{told}")
    return course["rows"]


def _epoch(
    core: Coder,
    optimiser: torch.optim.Optimizer,
    data: _Data,
    recipe: MorphometryRecipe,
    epoch: int,
) -> float:
    # A generator of its own for every epoch: a resumed training draws the same.
    generator = torch.Generator().manual_seed(recipe.seed * 1_000_003 + epoch)
    core.train()
    order = data.fitting[torch.randperm(len(data.fitting), generator=generator)]
    total = 0.0
    for rows in order.split(recipe.batch_size):
        target, known = data.features[rows], data.known[rows]
        noise = torch.randn(target.shape, generator=generator).to(target.device)
        hidden = torch.rand(target.shape, generator=generator).to(target.device) < recipe.masked
        noisy = torch.where(hidden, 0.0, (target + recipe.noise * noise) * known)
        loss = reconstruction_loss(core.decode(core.encode(noisy)), target, known)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(core.parameters(), CLIP)
        optimiser.step()
        total += loss.item() * len(rows)
    return total / len(order)


def reconstruction_loss(found: Tensor, target: Tensor, known: Tensor) -> Tensor:
    """Mean squared error of the features that are known."""
    return ((found - target).square() * known).sum() / known.sum().clamp_min(1)


@torch.no_grad()
def loss_of(core: Coder, data: _Data, rows: Tensor) -> float:
    """Return the loss on some people without noise; NaN without people."""
    if not len(rows):
        return math.nan
    core.eval()
    target = data.features[rows]
    return float(reconstruction_loss(core.decode(core.encode(target)), target, data.known[rows]))


def best_rates(course: Rows) -> tuple[float, ...]:
    """Return the learning rates up to the epoch with the least validation loss.

    Of several trainings, those of the one that stopped at the median; at least one epoch's.
    """
    found: list[tuple[float, ...]] = []
    for part in dict.fromkeys(row[0] for row in course):
        rows = [row for row in course if row[0] == part]
        best = int(np.nanargmin([float(str(row[-1])) for row in rows]))
        found.append(tuple(float(str(row[2])) for row in rows[1 : max(best, 1) + 1]))
    return sorted(found, key=len)[len(found) // 2]


def modality(people: People, rows: np.ndarray) -> dict[str, Tensor]:
    """Return raw measures of some people as the model takes them."""
    return {MODALITY: torch.from_numpy(people.raw[rows])}
