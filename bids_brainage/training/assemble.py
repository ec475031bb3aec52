"""From trained networks to whole models: fusion fitted on left-out people, parts put together."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression, Ridge
from torch import Tensor

from bids_brainage.models.mavae import Mavae
from bids_brainage.models.mavae_core import MavaeConfig, MavaeCore
from bids_brainage.models.scaling import InputTransform
from bids_brainage.training.job import Job, head_outputs
from bids_brainage.training.recipe import Recipe

RIDGE_PER_PERSON = 5e-4
CENTRE = 2.75
MIN_PEOPLE = 20
GATE_PERCENTILE = 99.0
GATE_WIDTH = 3.0
YOUTH_WIDTH = 1.5
SEX_PENALTY = 1.0
MIN_SLOPE, MAX_SLOPE = 0.5, 2.0


@dataclass(frozen=True)
class Group:
    """Trained members of one kind, of all folds, with their data."""

    core: MavaeCore
    job: Job


def assemble(
    groups: Sequence[Group],
    fold: int,
    training: np.ndarray,
    transforms: dict[str, InputTransform],
    config: MavaeConfig,
    recipe: Recipe,
) -> Mavae:
    """Put the members of one fold together with their transforms and fit the fusion.

    Parameters
    ----------
    groups
        The joint members, and optionally the lifespan members.
    fold
        The fold.
    training
        Mask of the fold's training people; (n,).
    """
    chosen = [np.flatnonzero(group.job.fold == fold) for group in groups]
    pairs = list(zip(groups, chosen, strict=True))
    module = Mavae(config, recipe.seed)
    states = [group.core.state_dict() for group in groups]
    module.core.load_state_dict({
        name: torch.cat([state[name][torch.from_numpy(mine)]
                         for state, mine in zip(states, chosen, strict=True)])
        for name in states[0]
    })  # fmt: skip
    for name, transform in transforms.items():
        module.transforms[name].load_state_dict(transform.state_dict())
    joint = np.arange(sum(map(len, chosen))) < len(chosen[0])
    module.joint_weight.copy_(_share(joint))
    module.lifespan_weight.copy_(_share(~joint if len(groups) > 1 else joint))
    for buffer, values in (
        (module.age_mean, [g.job.age_mean[m] for g, m in pairs]),
        (module.age_scale, [g.job.age_scale[m] for g, m in pairs]),
    ):
        buffer.copy_(torch.from_numpy(np.concatenate(values)))
    _calibrate(module, pairs, training, recipe)
    if len(groups) > 1 and recipe.youth_age > 0:
        module.fusion.set_youth(recipe.youth_age, YOUTH_WIDTH)
    job = groups[0].job
    both = training & job.has["morphometry"] & job.has["connectivity"]
    if both.any() and (training & ~job.has["connectivity"]).any():
        module.fusion.set_gate(float(np.percentile(job.age[both], GATE_PERCENTILE)), GATE_WIDTH)
    return module.eval()


def _share(chosen: np.ndarray) -> Tensor:
    return torch.from_numpy(chosen / chosen.sum())


def _calibrate(
    module: Mavae, pairs: Sequence[tuple[Group, np.ndarray]], training: np.ndarray, recipe: Recipe
) -> None:
    """Fit line and fusion on what members say of people whom they had not seen."""
    (joint, members), (lifespan, others) = pairs[0], pairs[-1]
    job = joint.job
    first, second = job.has["morphometry"], job.has["connectivity"]
    if recipe.calibrate:
        people = training & second & job.left_out[members].any(axis=0)
        if people.sum() >= MIN_PEOPLE:
            x = _left_out_mean(joint, members, people)[0][:, 1]
            slope, intercept = np.polyfit(x, np.log(job.age[people]), 1)
            if MIN_SLOPE < slope < MAX_SLOPE:
                module.fusion.set_single(slope, intercept)
    _calibrate_sex(module, lifespan, others, training)
    people = training & first & second & job.left_out[members].any(axis=0)
    people &= lifespan.job.left_out[others].any(axis=0)
    if recipe.fusion == "stacked" and people.sum() >= MIN_PEOPLE:
        alone = _left_out_mean(lifespan, others, people)[0][:, 0]
        rest = _left_out_mean(joint, members, people)[0]
        _fit_fusion(module, np.column_stack([alone, rest]), job.age[people])


def _calibrate_sex(
    module: Mavae, lifespan: Group, members: np.ndarray, training: np.ndarray
) -> None:
    """Take the sex ratio out of the logit from connectivity, and overconfidence out of all."""
    job = lifespan.job
    known = training & ~np.isnan(job.female)
    connected = known & job.has["connectivity"]
    share = float(job.female[connected].mean()) if connected.any() else 0.5
    shift = float(np.log((1 - share) / share)) if 0 < share < 1 else 0.0
    people = known & job.has["morphometry"] & job.left_out[members].any(axis=0)
    scale = 1.0
    if min((job.female[people] == 1).sum(), (job.female[people] == 0).sum()) >= MIN_PEOPLE:
        logits = _left_out_mean(lifespan, members, people)[1][:, :1]
        fit = LogisticRegression(C=SEX_PENALTY, fit_intercept=False, max_iter=1000)
        slope = float(fit.fit(logits, job.female[people]).coef_[0, 0])
        scale = slope if slope > 0 else 1.0
    module.fusion.set_sex(shift, scale)


def _left_out_mean(
    group: Group, members: np.ndarray, people: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Average log ages and logits over the members that had left a person out; (people, 3)."""
    job = group.job
    standardised, logits = head_outputs(group.core, job, members)
    scale, mean = (v[members][:, None, None] for v in (job.age_scale, job.age_mean))
    use = job.left_out[members][:, people, None]
    count = use.sum(axis=0)
    log_ages = ((standardised * scale + mean)[:, people] * use).sum(axis=0) / count
    return log_ages, (logits[:, people] * use).sum(axis=0) / count


def _fit_fusion(module: Mavae, log_ages: np.ndarray, age: np.ndarray) -> None:
    # Lifespan members add nothing to the age of people with connectivity.
    ridge = Ridge(RIDGE_PER_PERSON * len(age)).fit(log_ages[:, 1:] - CENTRE, np.log(age) - CENTRE)
    weight, intercept = module.fusion.weight.clone(), module.fusion.intercept.clone()
    weight[0] = torch.from_numpy(np.concatenate([[0.0], ridge.coef_]))
    intercept[0] = float(ridge.intercept_ + CENTRE * (1 - ridge.coef_.sum()))
    weight[1] = torch.tensor([0.5, 0.0, 0.5, 0.0])
    intercept[1] = 0.5 * float(module.fusion.sex_shift)
    module.fusion.set_joint(weight, intercept)
