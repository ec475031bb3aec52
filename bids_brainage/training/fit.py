"""Training of all ensemble members of all folds at once."""

import logging
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from bids_brainage.errors import InputError
from bids_brainage.models.mavae_core import MavaeConfig, MavaeCore
from bids_brainage.training import checkpoints
from bids_brainage.training.job import Job, Sampler, head_outputs
from bids_brainage.training.losses import Batch, discriminator_loss, encode, model_loss
from bids_brainage.training.recipe import Recipe

logger = logging.getLogger(__name__)
DISCRIMINATOR_RATE = 1e-3
CHECKPOINT_EVERY = 100


class Trainer:
    """Trains the members of a job side by side.

    Parameters
    ----------
    job
        Data.
    config
        Shape of the model.
    recipe
        Options.
    start
        Networks to start from (fine-tuning); fresh ones by default.
    """

    def __init__(
        self, job: Job, config: MavaeConfig, recipe: Recipe, start: MavaeCore | None = None
    ) -> None:
        self.job, self.recipe = job, recipe
        members = len(job.fold)
        shape = replace(
            config, dropout=recipe.dropout, dropout_head=recipe.dropout_head, members=members
        )
        self.core = start or MavaeCore(shape, recipe.seed)
        self._stacked = {
            name: torch.stack([f[name] for f in job.features]) for name in job.features[0]
        }
        connected = job.has["connectivity"]
        self._connected = Sampler(
            [np.flatnonzero(m & connected) for m in job.masks], recipe.batch_size, recipe.seed, 0
        )
        alone = recipe.batch_single if self._connected.size else recipe.batch_size
        self._single = Sampler(
            [np.flatnonzero(m & ~connected) for m in job.masks], alone, recipe.seed, 1
        )
        counted = connected if self._connected.size else ~connected
        size = self._connected.size or self._single.size
        if size == 0:
            raise InputError(
                f"{len(job.age)} people are too few to train on",
                hint="give at least one person per left-out part",
            )
        self.steps = recipe.epochs * math.ceil((job.masks & counted).sum(1).mean() / size)
        self.offsets = (
            nn.Parameter(torch.zeros(members, 3, int(job.site.max()) + 1))
            if recipe.lambda_site else None
        )  # fmt: skip
        self._prepare_optimisers()
        self._ema = {n: p.detach().clone() for n, p in self._trained.items()}
        self._best: dict[str, Tensor] = {}
        self._score, self._waited = math.inf, 0

    def _prepare_optimisers(self) -> None:
        named = dict(self.core.named_parameters())
        self._trained = {n: p for n, p in named.items() if not n.startswith("discriminator")}
        decayed = [p for n, p in self._trained.items() if n.endswith("weight")]
        free = [p for n, p in self._trained.items() if n.endswith("bias")]
        if self.offsets is not None:
            free.append(self.offsets)
        recipe = self.recipe
        self._optimiser = torch.optim.AdamW(
            [{"params": decayed, "weight_decay": recipe.weight_decay},
             {"params": free, "weight_decay": 0.0}],
            lr=recipe.learning_rate, betas=(0.9, 0.99),
        )  # fmt: skip
        self._opponent = torch.optim.Adam(
            self.core.discriminator.parameters(), lr=DISCRIMINATOR_RATE, betas=(0.5, 0.99)
        )

    def run(self, folder: Path | None = None, *, resume: bool = False, key: str = "") -> MavaeCore:
        """Train to the end and return the averaged networks in evaluation mode.

        Parameters
        ----------
        folder
            Where checkpoints go; none by default.
        resume
            Go on from a checkpoint of the same run.
        key
            Fingerprint of the run.
        """
        step = 0
        if folder is not None and resume:
            step = self._restore(folder, key)
        with torch.random.fork_rng(devices=[]):
            while step < self.steps:
                self._step(step)
                step += 1
                if step % self.recipe.check_every == 0 and self._should_stop(step):
                    break
                if folder is not None and step % CHECKPOINT_EVERY == 0 and step < self.steps:
                    self._save(folder, key, step)
        stopped = step < self.steps
        self._use(self._best if stopped and self._best else self._ema)
        logger.info("trained %d steps%s", step, ", stopped early" if stopped else "")
        if folder is not None:
            checkpoints.remove_checkpoint(folder)
        return self.core.eval()

    def _step(self, step: int) -> None:
        recipe = self.recipe
        torch.manual_seed(recipe.seed * 1_000_003 + step)
        self.core.train()
        for group in self._optimiser.param_groups:
            group["lr"] = recipe.learning_rate * one_cycle(step / self.steps)
        warm = min(1.0, step / max(recipe.warm_up * self.steps, 1e-9))
        batch = self._batch(step)
        codes = encode(self.core, batch, recipe)
        if recipe.adversarial:
            self._opponent.zero_grad()
            discriminator_loss(self.core, codes, batch).backward()
            self._opponent.step()
        loss = model_loss(self.core, codes, batch, recipe, warm, self.offsets)
        self._optimiser.zero_grad()
        loss.backward()
        self._optimiser.step()
        decay = min(recipe.ema, (1 + step) / (10 + step))
        with torch.no_grad():
            for name, parameter in self._trained.items():
                self._ema[name].lerp_(parameter, 1 - decay)
        if step % CHECKPOINT_EVERY == 0:
            logger.info(
                "step %d of %d, loss %.4f", step, self.steps, float(loss.detach()) / len(batch.age)
            )

    def _batch(self, step: int) -> Batch:
        job = self.job
        first = self._connected.draw(step)
        rows = np.concatenate([first, self._single.draw(step)], axis=1)
        fold = torch.from_numpy(np.asarray(job.fold))[:, None]
        age = (np.log(job.age[rows]) - job.age_mean[:, None]) / job.age_scale[:, None]
        weight = np.exp(self.recipe.age_weight * age * job.age_scale[:, None])
        return Batch(
            self._stacked["morphometry"][fold, torch.from_numpy(rows)],
            self._stacked["connectivity"][fold, torch.from_numpy(first)],
            torch.from_numpy(age).float(),
            torch.from_numpy(job.female[rows]).float(),
            torch.from_numpy(job.has["morphometry"][rows]).float(),
            torch.full((len(rows), 1), self.recipe.weight_single),
            torch.from_numpy(weight).float(),
            torch.from_numpy(job.site[rows]).long(),
        )

    def _should_stop(self, step: int) -> bool:
        if not self.recipe.patience or not self.job.left_out.any():
            return False
        kept = {n: p.detach().clone() for n, p in self._trained.items()}
        self._use(self._ema)
        score = self._left_out_error()
        self._use(kept)
        if score < self._score:
            self._score, self._waited = score, 0
            self._best = {n: v.clone() for n, v in self._ema.items()}
        else:
            self._waited += 1
        logger.info("step %d: error on left-out people %.4f", step, score)
        return self._waited >= self.recipe.patience

    def _left_out_error(self) -> float:
        """Mean absolute error, in standard deviations of log age, over left-out people."""
        job = self.job
        outputs = head_outputs(self.core, job)[0]
        age = (np.log(job.age)[None] - job.age_mean[:, None]) / job.age_scale[:, None]
        errors = [
            np.abs(outputs[:, :, c] - age)[job.left_out & ~np.isnan(outputs[:, :, c])]
            for c in range(outputs.shape[2])
        ]
        return float(np.mean([e.mean() for e in errors if e.size]))

    @torch.no_grad()
    def _use(self, values: dict[str, Tensor]) -> None:
        for name, parameter in self._trained.items():
            parameter.copy_(values[name])

    def _save(self, folder: Path, key: str, step: int) -> None:
        modules: dict[str, nn.Module | dict[str, Tensor]] = {
            "core": self.core, "ema": self._ema, "best": self._best
        }  # fmt: skip
        if self.offsets is not None:
            modules["offsets"] = {"offsets": self.offsets.detach()}
        extra = {"score": self._score if math.isfinite(self._score) else None,
                 "waited": self._waited}  # fmt: skip
        optimisers = {"main": self._optimiser, "opponent": self._opponent}
        checkpoints.save_checkpoint(folder, key, step, modules, optimisers, extra)

    def _restore(self, folder: Path, key: str) -> int:
        offsets: dict[str, Tensor] = {}
        modules: dict[str, nn.Module | dict[str, Tensor]] = {
            "core": self.core, "ema": self._ema, "best": self._best, "offsets": offsets
        }  # fmt: skip
        optimisers = {"main": self._optimiser, "opponent": self._opponent}
        found = checkpoints.load_checkpoint(folder, key, modules, optimisers)
        if found is None:
            return 0
        if self.offsets is not None:
            with torch.no_grad():
                self.offsets.copy_(offsets["offsets"])
        self._score = math.inf if found["score"] is None else float(found["score"])
        self._waited = int(found["waited"])
        logger.info("goes on at step %d", found["step"])
        return int(found["step"])


def one_cycle(share: float, rise: float = 0.15, start: float = 0.04) -> float:
    """Return the learning rate's factor: cosine up to 1, then cosine down to almost 0."""
    if share < rise:
        return start + (1 - start) * 0.5 * (1 - math.cos(math.pi * share / rise))
    return 0.5 * (1 + math.cos(math.pi * (share - rise) / (1 - rise))) + 1e-6
