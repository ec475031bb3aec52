"""Train the members of a conditional variational autoencoder side by side."""

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from bids_brainage.errors import InputError
from bids_brainage.models.cvae import MODALITY, Cvae
from bids_brainage.models.cvae_core import CvaeConfig, CvaeCore, Measured
from bids_brainage.models.splines import OLDEST, YOUNGEST
from bids_brainage.training.checkpoints import (
    fingerprint,
    load_checkpoint,
    remove_checkpoint,
    save_checkpoint,
)
from bids_brainage.training.cvae.losses import CvaeBatch, cvae_loss
from bids_brainage.training.cvae.recipe import CvaeRecipe
from bids_brainage.training.fit import one_cycle
from bids_brainage.training.prepare import THICKNESS
from bids_brainage.training.tables import TrainingTable

logger = logging.getLogger(__name__)
FEWEST = 20
CLIP = 50.0
BEYOND = 1.05  # ages are told to this much beyond the oldest, and as much below the youngest
EPOCH_COLUMNS = ("part", "epoch", "training_loss", "contrast_loss", "validation_loss")


@dataclass(frozen=True)
class Course:
    """A trained model and the losses of each epoch, by `EPOCH_COLUMNS`."""

    model: Cvae
    rows: list[list[object]]


def model_config(table: TrainingTable, recipe: CvaeRecipe) -> CvaeConfig:
    """Return the shape of a model for a table."""
    names = table.names[MODALITY]
    volumes = [i for i, name in enumerate(names) if not name.endswith(THICKNESS)]
    age = table.age
    return CvaeConfig(
        n_measures=len(names),
        volumes=tuple(volumes) if table.kind == "bids" else (),
        members=recipe.members,
        n_latent=recipe.n_latent,
        hidden=recipe.hidden,
        youngest=round(max(YOUNGEST, float(age.min()) / BEYOND), 2),
        oldest=round(min(OLDEST, float(age.max()) * BEYOND), 2),
        dropout=recipe.dropout,
    )


def train_cvae(
    table: TrainingTable,
    training: np.ndarray,
    recipe: CvaeRecipe,
    *,
    part: str = "all",
    watched: np.ndarray | None = None,
    folder: Path | None = None,
    resume: bool = False,
    progress: Callable[[str], None] = logger.info,
) -> Course:
    """Train on some people.

    Parameters
    ----------
    training
        Numbers of people with morphometry and a known sex.
    part
        Name of this training in its course.
    watched
        Numbers of people whose loss is told beside; nothing is chosen by it.
    folder
        Where the checkpoint goes after every tenth of the training; none by default.
    resume
        Go on from a checkpoint of the same training.

    Raises
    ------
    InputError
        If there are too few people, or the loss is not finite.
    """
    if len(training) < FEWEST:
        raise InputError(f"{len(training)} people with morphometry, age and sex",
                         hint=f"give {FEWEST} or more")  # fmt: skip
    model = Cvae(model_config(table, recipe), recipe.seed)
    raw = torch.from_numpy(table.measures[MODALITY])
    with torch.no_grad():
        model.double()
        logs = model.logarithms(raw)
        model.transform.fit(logs[training])
        model.transform.fit_limits(logs[training])
        scaled = model.scaled(raw)
        measured = Measured(scaled.x.float(), scaled.known.float())
        model.float()
    age, female = (torch.from_numpy(a).float() for a in (table.age, table.female))
    people = CvaeBatch(measured, age, female)
    trainer = _Trainer(model.core, people, training, recipe)
    watch = training[:0] if watched is None else watched
    key = fingerprint(recipe.as_dict(), table.measures[MODALITY], table.age, table.female,
                      training, watch, part)  # fmt: skip
    rows: list[list[object]] = []
    epoch = 0
    if folder is not None and resume:
        epoch, rows = trainer.restore(folder, key)
    every = max(1, recipe.epochs // 10)
    with torch.random.fork_rng(devices=[]):
        while epoch < recipe.epochs:
            losses = trainer.epoch(epoch)
            epoch += 1
            if not all(map(math.isfinite, losses)):
                raise InputError(f"the loss is {losses[0]} in epoch {epoch}",
                                 hint="give a smaller learning_rate")  # fmt: skip
            if epoch % every == 0 or epoch == recipe.epochs:
                beside = trainer.watched(watch)
                rows.append([part, epoch, *(f"{loss:.3f}" for loss in (*losses, beside))])
                progress(f"{part}, epoch {epoch}/{recipe.epochs}: loss {losses[0]:.2f}, "
                         f"of ages and sexes {losses[1]:.3f}")  # fmt: skip
                if folder is not None and epoch < recipe.epochs:
                    trainer.save(folder, key, epoch, rows)
    trainer.use_average()
    if folder is not None:
        remove_checkpoint(folder)
    model.eval()
    fill_curves(model, recipe)
    return Course(model, rows)


class _Trainer:
    """State of a training: networks, their running average, and the optimiser."""

    def __init__(
        self, core: CvaeCore, people: CvaeBatch, training: np.ndarray, recipe: CvaeRecipe
    ) -> None:
        self.core, self.people, self.recipe = core, people, recipe
        self.rows = torch.from_numpy(training)
        self.batches = max(1, len(training) // recipe.batch_size)
        self.steps = recipe.epochs * self.batches
        named = dict(core.named_parameters())
        decayed = [p for n, p in named.items() if n.endswith("weight")]
        free = [p for n, p in named.items() if not n.endswith("weight")]
        self.optimiser = torch.optim.AdamW(
            [{"params": decayed, "weight_decay": recipe.weight_decay},
             {"params": free, "weight_decay": 0.0}], lr=recipe.learning_rate,
        )  # fmt: skip
        self.average = {n: p.detach().clone() for n, p in named.items()}

    def epoch(self, epoch: int) -> tuple[float, float]:
        """Train one epoch; mean losses."""
        recipe, members = self.recipe, self.recipe.members
        # A seed of its own for every epoch: a resumed training draws the same.
        torch.manual_seed(recipe.seed * 1_000_003 + epoch)
        self.core.train()
        orders = torch.stack([self.rows[torch.randperm(len(self.rows))] for _ in range(members)])
        total = torch.zeros(2)
        for number, rows in enumerate(orders.tensor_split(self.batches, dim=1)):
            step = epoch * self.batches + number
            for group in self.optimiser.param_groups:
                group["lr"] = recipe.learning_rate * one_cycle(step / self.steps)
            warm = min(1.0, (step + 1) / max(recipe.warm_up * self.steps, 1e-9))
            losses = cvae_loss(self.core, self.batch(rows), recipe, warm, (YOUNGEST, OLDEST))
            loss = losses[0] + recipe.contrast * losses[1]
            self.optimiser.zero_grad()
            loss.sum().backward()
            nn.utils.clip_grad_norm_(self.core.parameters(), CLIP * members)
            self.optimiser.step()
            self._follow(step)
            total += torch.stack([part.detach().mean() for part in losses])
        first, second = (total / self.batches).tolist()
        return first, second

    def batch(self, rows: Tensor) -> CvaeBatch:
        """People by their numbers; (members, n)."""
        x, known = self.people.measured
        return CvaeBatch(Measured(x[rows], known[rows]), self.people.age[rows],
                         self.people.female[rows])  # fmt: skip

    @torch.no_grad()
    def watched(self, people: np.ndarray) -> float:
        """Loss of people who are not trained on, by the running average."""
        if not len(people):
            return math.nan
        now = {n: p.detach().clone() for n, p in self.core.named_parameters()}
        self.use_average()
        self.core.eval()
        rows = torch.from_numpy(people).expand(self.recipe.members, -1)
        quiet = self.recipe.changed(contrast=0.0, withheld=0.0)
        loss, _ = cvae_loss(self.core, self.batch(rows), quiet, 1.0, (YOUNGEST, OLDEST))
        self._put(now)
        return float(loss.mean())

    @torch.no_grad()
    def _follow(self, step: int) -> None:
        decay = min(self.recipe.ema, (1 + step) / (10 + step))
        for name, parameter in self.core.named_parameters():
            self.average[name].lerp_(parameter, 1 - decay)

    def use_average(self) -> None:
        """Put the running average into the networks."""
        self._put(self.average)

    @torch.no_grad()
    def _put(self, values: dict[str, Tensor]) -> None:
        for name, parameter in self.core.named_parameters():
            parameter.copy_(values[name])

    def save(self, folder: Path, key: str, epoch: int, rows: list[list[object]]) -> None:
        """Write a checkpoint."""
        modules: dict[str, nn.Module | dict[str, Tensor]] = {
            "core": self.core, "average": self.average
        }  # fmt: skip
        save_checkpoint(folder, key, epoch, modules, {"optimiser": self.optimiser}, {"rows": rows})

    def restore(self, folder: Path, key: str) -> tuple[int, list[list[object]]]:
        """Epoch and course of a checkpoint of this training; 0 and none without."""
        modules: dict[str, nn.Module | dict[str, Tensor]] = {
            "core": self.core, "average": self.average
        }  # fmt: skip
        found = load_checkpoint(folder, key, modules, {"optimiser": self.optimiser})
        return (found["step"], found["rows"]) if found else (0, [])


@torch.no_grad()
def fill_curves(model: Cvae, recipe: CvaeRecipe) -> None:
    """Fill mean and spread of each measure at each age and sex, over all codes, scaled."""
    config = model.config
    generator = torch.Generator().manual_seed(recipe.seed)
    codes = torch.randn(config.members, recipe.draws, config.n_latent, generator=generator)
    for sex in (0, 1):
        for i, age in enumerate(model.ages):
            told = model.core.conditions(age, torch.tensor(float(sex)))
            told = told.expand(config.members, recipe.draws, -1)
            mean, noise = model.core.decode(codes, told)
            flat = mean.flatten(0, 1)
            model.expected[sex, i] = flat.mean(dim=0)
            variance = flat.var(dim=0) + noise.exp().square().mean(dim=(0, 1))
            model.spread[sex, i] = variance.sqrt()
