"""Training of one M-AVAE per training set, all networks side by side."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bids_brainage.models.mavae import Mavae
from bids_brainage.models.mavae_core import MavaeCore
from bids_brainage.training.assemble import Group, assemble
from bids_brainage.training.checkpoints import fingerprint
from bids_brainage.training.fit import Trainer
from bids_brainage.training.folds import member_masks
from bids_brainage.training.job import Job
from bids_brainage.training.prepare import features_of, fit_transforms, model_config
from bids_brainage.training.recipe import Recipe
from bids_brainage.training.tables import TrainingTable

logger = logging.getLogger(__name__)
JOINT, LIFESPAN = "joint", "lifespan"
MIN_AGE_SCALE = 1e-3


def train_models(
    table: TrainingTable,
    trainings: Sequence[np.ndarray],
    recipe: Recipe,
    *,
    folder: Path | None = None,
    resume: bool = False,
    start: Mavae | None = None,
) -> list[Mavae]:
    """Train a model on each training set.

    Selection, scaling and fusion are fitted on each training set by itself; only the arithmetic
    is shared. Early stopping would look at people whom another set leaves out, so it is for a
    single training set only.

    Parameters
    ----------
    table
        People of all training sets.
    trainings
        Mask of the training people of each model; shape (n,).
    recipe
        Options.
    folder
        Where checkpoints go; none by default.
    resume
        Go on from a checkpoint of the same run.
    start
        Model to fine-tune: its inputs, scaling and networks are the start. Only with one
        training set.
    """
    if recipe.single_modality:
        missing = "connectivity" if recipe.single_modality == "morphometry" else "morphometry"
        measures = dict(table.measures)
        measures[missing] = np.full_like(measures[missing], np.nan)
        table = table.with_measures(measures)
    if len(trainings) > 1:
        recipe = recipe.changed(patience=0)
    counts = [int((t & table.has("connectivity")).sum()) for t in trainings]
    config = start.config if start else model_config(table, recipe, min(counts))
    if start is not None:
        transforms = [start.input_transforms()]
    else:
        transforms = [fit_transforms(table, t, config, recipe) for t in trainings]
    features = [features_of(table, fitted) for fitted in transforms]
    groups = []
    for name, options in _groups(recipe, start):
        job = make_job(table, trainings, options, features, lifespan=name == LIFESPAN)
        core = None if start is None else _members_of(start, name, job)
        trainer = Trainer(job, config, options, core)
        key = fingerprint(options.as_dict(), config.as_dict(), job.masks, table.age)
        place = None if folder is None else folder / name
        groups.append(Group(trainer.run(place, resume=resume, key=key), job))
    models = [
        assemble(groups, k, training, transforms[k], config, recipe)
        for k, training in enumerate(trainings)
    ]
    if start is not None:
        models[0].fusion.load_state_dict(start.fusion.state_dict())
    return models


def _groups(recipe: Recipe, start: Mavae | None) -> list[tuple[str, Recipe]]:
    """List the groups of members to train, and their options."""
    joint, lifespan = recipe.members, recipe.lifespan_members
    if start is not None:
        joint = int((start.joint_weight > 0).sum())
        lifespan = start.config.members - joint
        recipe = recipe.changed(members=joint, lifespan_members=lifespan, lifespan={})
    groups = [(JOINT, recipe)]
    if lifespan:
        options = recipe.for_lifespan()
        groups.append((LIFESPAN, options.changed(seed=recipe.seed + 1)))
    return groups


def _members_of(start: Mavae, name: str, job: Job) -> MavaeCore:
    """Take one group of members out of a model."""
    weight = start.joint_weight if name == JOINT else start.lifespan_weight
    chosen = torch.nonzero(weight > 0)[:, 0]
    core = start.core.float().take(chosen)
    job.age_mean[:] = start.age_mean[chosen].double().numpy()
    job.age_scale[:] = start.age_scale[chosen].double().numpy()
    return core


def make_job(
    table: TrainingTable,
    trainings: Sequence[np.ndarray],
    recipe: Recipe,
    features: Sequence[dict[str, Tensor]],
    *,
    lifespan: bool = False,
) -> Job:
    """Collect the data of a joint training.

    Parameters
    ----------
    features
        Per training set, modality to scaled features.
    lifespan
        Centre ages on everybody instead of on the people with connectivity.
    """
    connected = table.has("connectivity")
    masks, outs, means, scales = [], [], [], []
    for k, training in enumerate(trainings):
        mine = member_masks(
            table, training, recipe.members, recipe.parts, 1000 * recipe.seed + 10 * k,
            single=not lifespan,
        )  # fmt: skip
        some = (training & connected).any() and not lifespan
        log_age = np.log(table.age[training & connected if some else training])
        masks.append(mine)
        outs.append(training & ~mine)
        means += [log_age.mean()] * recipe.members
        scales += [max(log_age.std(), MIN_AGE_SCALE)] * recipe.members
    return Job(
        features=features,
        fold=np.repeat(np.arange(len(trainings)), recipe.members),
        masks=np.concatenate(masks),
        left_out=np.concatenate(outs),
        age=table.age,
        female=table.female,
        has={name: table.has(name) for name in table.measures},
        site=np.unique(table.sites, return_inverse=True)[1],
        age_mean=np.array(means),
        age_scale=np.array(scales),
    )
