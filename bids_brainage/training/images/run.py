"""Train a network of images on people and write it with its card."""

import logging
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from bids_brainage import __version__
from bids_brainage.errors import InputError
from bids_brainage.evaluation.bias import fit_bias
from bids_brainage.evaluation.intervals import fit_intervals
from bids_brainage.models.cards import InputSpec, ModelCard, TrainingSample, names_hash
from bids_brainage.models.store import save_model
from bids_brainage.models.tsan import MODALITY
from bids_brainage.training.images.family import ImageFamily
from bids_brainage.training.images.fit import EPOCH_COLUMNS
from bids_brainage.training.images.people import Person
from bids_brainage.training.images.predictions import predict_people, scores
from bids_brainage.training.images.recipe import ImageRecipe
from bids_brainage.training.images.sample import Sample, load_sample, split_people
from bids_brainage.training.segmentation.train import write_log
from bids_brainage.training.versions import versions

logger = logging.getLogger(__name__)
FEWEST = 10
CHECKPOINTS = "checkpoints"


@dataclass(frozen=True)
class ImageTraining:
    """What a training needs.

    Parameters
    ----------
    family, recipe
        What is trained, and how.
    people
        From `bids_brainage.training.images.people.load_people`.
    output
        Folder of the new model; kept images and checkpoints lie in it too.
    validation_people
        People that choose the epoch; a share of the others by default.
    name
        Of the model; that of the folder by default.
    source
        Name of the data, for the card.
    resume
        Go on from checkpoints.
    command
        For the card.
    """

    family: ImageFamily
    people: Sequence[Person]
    output: Path
    recipe: ImageRecipe
    validation_people: Sequence[Person] = ()
    name: str = ""
    source: str = ""
    resume: bool = False
    device: torch.device = torch.device("cpu")  # noqa: RUF009
    command: str = ""


def run_image_training(
    options: ImageTraining, progress: Callable[[str], None] = logger.info
) -> Path:
    """Train and write ``model.safetensors``, ``card.json`` and ``training.csv``.

    Returns
    -------
        The model's folder.

    Raises
    ------
    InputError
        If there are too few people, or images cannot be used.
    """
    recipe = options.recipe
    people = [*options.people, *options.validation_people]
    if len(options.people) < FEWEST:
        raise InputError(f"{len(options.people)} people", hint=f"give {FEWEST} or more")
    own = {person.image.resolve() for person in options.people}
    if both := [p for p in options.validation_people if p.image.resolve() in own]:
        raise InputError(f"{len(both)} images are both to train on and to choose the epoch",
                         place=both[0].image, hint="leave them out of one")  # fmt: skip
    sample = load_sample(people, recipe, options.output / "images")
    if options.validation_people:
        training = np.arange(len(options.people))
        validation = np.arange(len(options.people), len(people))
    else:
        training, validation = split_people(people, recipe.validation, recipe.seed)
    checkpoints = options.output / CHECKPOINTS
    module, course = options.family.train(
        sample, training, validation, recipe, checkpoints,
        device=options.device, resume=options.resume, progress=progress,
    )  # fmt: skip
    card = make_card(options, module.to(options.device), sample, training, validation)
    save_model(module.cpu(), card, options.output)
    write_log(options.output / "training.csv", course, EPOCH_COLUMNS)
    shutil.rmtree(checkpoints, ignore_errors=True)
    return options.output


def make_card(
    options: ImageTraining,
    module: nn.Module,
    sample: Sample,
    training: np.ndarray,
    validation: np.ndarray,
) -> ModelCard:
    """Collect the card; scores are of the people that chose epoch and line, and so too good."""
    recipe, family = options.recipe, options.family
    config = recipe.model_config
    metrics: dict[str, Any] = {}
    bias, intervals = {}, {}
    if len(validation):
        found = predict_people(module, sample, validation)["predicted_age"]
        age = sample.age[validation].numpy()
        rounded = {k: round(float(v), 4) for k, v in scores(age, found).items()}
        metrics = {"validation": rounded, "note": "people that chose the epoch: too good"}
        line = fit_bias(age, found)
        bias = {MODALITY: {"slope": line.slope, "intercept": line.intercept}}
        if (limits := fit_intervals(age, found)) is not None:
            intervals = {MODALITY: limits.as_dict()}
    if family.calibration is not None:
        metrics["calibration"] = family.calibration(module, len(validation))
    ages = sample.age[training].numpy()
    female = sample.sex[training, 0].numpy()
    spec = InputSpec(
        names=(), sha256=names_hash(()), unit="standard scores of the brain's voxels",
        shape=config.shape, zooms=config.zooms, scaling=config.scaling,
    )  # fmt: skip
    who = TrainingSample(
        dataset=options.source, n=len(ages), n_female=int((female == 1).sum()),
        n_male=int((female == 0).sum()), age_min=float(ages.min()),
        age_median=float(np.median(ages)), age_max=float(ages.max()),
        sites={options.source: len(ages)},
    )  # fmt: skip
    return ModelCard(
        name=options.name or options.output.name,
        version=__version__,
        family=family.name,
        description=family.description,
        inputs={MODALITY: spec},
        training=(who,),
        metrics=metrics,
        bias_correction=bias,
        intervals=intervals,
        age_range={MODALITY: (float(ages.min()), float(ages.max()))},
        sha256="",
        config=config.as_dict(),
        recipe=recipe.as_dict(),
        seed=recipe.seed,
        command=options.command,
        versions=versions(("numpy", "scipy", "torch")),
        references=family.references,
        experimental=True,
    )
