"""Train the cascade on people and write it with its card."""

import logging
import platform
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from importlib import metadata
from pathlib import Path

import numpy as np
import torch
from sklearn.model_selection import GroupShuffleSplit

from bids_brainage import __version__
from bids_brainage.errors import InputError
from bids_brainage.evaluation.bias import fit_bias
from bids_brainage.models.cards import InputSpec, ModelCard, TrainingSample, names_hash
from bids_brainage.models.scaledense import ScaleDense
from bids_brainage.models.store import load_kind, save_model
from bids_brainage.models.tsan import MODALITY, Tsan
from bids_brainage.training.segmentation.train import write_log
from bids_brainage.training.tsan.fit import EPOCH_COLUMNS, Sample, fit_stage, predict_stage
from bids_brainage.training.tsan.people import Person
from bids_brainage.training.tsan.predictions import predict_people, scores
from bids_brainage.training.tsan.recipe import TsanRecipe
from bids_brainage.training.tsan.volumes import load_volumes

logger = logging.getLogger(__name__)
FEWEST = 10
CPU = torch.device("cpu")
DESCRIPTION = (
    "Two-stage convolutional network with ranking losses for age from a brain in MNI152 space."
)
REFERENCES = (
    "Cheng et al., 2021, TSAN, 10.1109/TMI.2021.3085948",
    "Ding et al., 2019, ACNet, 10.1109/ICCV.2019.00200",
)


@dataclass(frozen=True)
class TsanTraining:
    """What a training needs.

    Parameters
    ----------
    people
        From `bids_brainage.training.tsan.people.load_people`.
    validation_people
        People that choose the epoch; a share of the others by default.
    output
        Folder of the new model; kept images and checkpoints lie in it too.
    recipe
        Options of the training.
    source
        Name of the data, for the card.
    second_only
        Keep the first stage of the model in the output folder, and train the second.
    """

    people: Sequence[Person]
    output: Path
    recipe: TsanRecipe = field(default_factory=TsanRecipe)
    validation_people: Sequence[Person] = ()
    name: str = ""
    source: str = ""
    second_only: bool = False
    resume: bool = False
    device: torch.device = CPU
    command: str = ""


def make_sample(people: Sequence[Person], images: np.ndarray) -> Sample:
    """People and their images as tensors, without ages of a first stage."""
    codes = {"F": (1.0, 0.0), "M": (0.0, 1.0)}
    sex = [codes.get(p.sex or "", (np.nan, np.nan)) for p in people]
    age = torch.tensor([p.age for p in people], dtype=torch.float32)
    return Sample(images, age, torch.tensor(sex), torch.full_like(age, torch.nan))


def split_people(people: Sequence[Person], share: float, seed: int) -> tuple[np.ndarray, ...]:
    """Numbers of people to train on and to choose the epoch with; a person is in one of them."""
    everyone = np.arange(len(people))
    if share == 0:
        return everyone, everyone[:0]
    splitter = GroupShuffleSplit(1, test_size=share, random_state=seed)
    return next(splitter.split(everyone, groups=[p.label for p in people]))


def new_cascade(recipe: TsanRecipe) -> Tsan:
    """Build the cascade with start values drawn from the recipe's seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        return Tsan(recipe.model_config)


def train_cascade(
    sample: Sample,
    training: np.ndarray,
    validation: np.ndarray,
    recipe: TsanRecipe,
    folder: Path,
    *,
    device: torch.device,
    first: ScaleDense | None = None,
    resume: bool = False,
    progress: Callable[[str], None] = logger.info,
) -> tuple[Tsan, list[list[object]]]:
    """Train the first stage, then the second on the rounded ages of the first.

    Parameters
    ----------
    first
        A trained first stage; the second alone is trained then.

    Returns
    -------
    cascade, rows
        In evaluation mode, and the course of both stages.
    """
    cascade = new_cascade(recipe)
    if first is not None:
        cascade.first.load_state_dict(first.state_dict())
    centre, spread = sample.age[training].mean(), sample.age[training].std()
    course: list[list[object]] = []
    for stage in range(1 if first is None else 2, recipe.stages + 1):
        network: ScaleDense = cascade.first if stage == 1 else cascade.second
        network.centre.copy_(centre)
        network.scale.copy_(spread)
        if stage == 2:
            found, _ = predict_stage(
                cascade.first, sample, np.arange(len(sample.age)), device, recipe.batch_size
            )
            sample = replace(sample, first=found)
        trained, rows = fit_stage(
            network, sample, training, validation, recipe, folder / f"stage-{stage}",
            device=device, resume=resume, progress=progress,
        )  # fmt: skip
        network.load_state_dict(trained.state_dict())
        network.cpu()
        course += rows
    return cascade.eval(), course


def run_tsan_training(options: TsanTraining, progress: Callable[[str], None] = logger.info) -> Path:
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
    folder = options.output / "images"
    sample = make_sample(people, load_volumes(people, recipe.zooms, recipe.scaling, folder))
    if options.validation_people:
        training = np.arange(len(options.people))
        validation = np.arange(len(options.people), len(people))
    else:
        training, validation = split_people(people, recipe.validation, recipe.seed)
    first = None
    if options.second_only:
        earlier, _ = load_kind(options.output, Tsan)
        network = recipe.model_config.network
        if earlier.config.network != network or earlier.config.shape != recipe.model_config.shape:
            raise InputError("the first stage there has another shape", place=options.output,
                             hint="train both stages with one recipe")  # fmt: skip
        first = earlier.first
    cascade, course = train_cascade(
        sample, training, validation, recipe, options.output, first=first,
        device=options.device, resume=options.resume, progress=progress,
    )  # fmt: skip
    card = make_card(options, cascade, sample, training, validation)
    save_model(cascade, card, options.output)
    write_log(options.output / "training.csv", course, EPOCH_COLUMNS)
    for stage in range(1, recipe.stages + 1):
        shutil.rmtree(options.output / f"stage-{stage}", ignore_errors=True)
    return options.output


def make_card(
    options: TsanTraining,
    cascade: Tsan,
    sample: Sample,
    training: np.ndarray,
    validation: np.ndarray,
) -> ModelCard:
    """Collect the card; scores are of the people that chose the epoch, and so too good."""
    recipe, config = options.recipe, cascade.config
    metrics, bias = {}, {}
    if len(validation):
        found = predict_people(cascade, sample, validation)["predicted_age"]
        age = sample.age[validation].numpy()
        rounded = {k: round(float(v), 4) for k, v in scores(age, found).items()}
        metrics = {"validation": rounded, "note": "people that chose the epoch: too good"}
        line = fit_bias(age, found)
        bias = {MODALITY: {"slope": line.slope, "intercept": line.intercept}}
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
        family="tsan",
        description=DESCRIPTION,
        inputs={MODALITY: spec},
        training=(who,),
        metrics=metrics,
        bias_correction=bias,
        age_range={MODALITY: (float(ages.min()), float(ages.max()))},
        sha256="",
        config=config.as_dict(),
        recipe=recipe.as_dict(),
        seed=recipe.seed,
        command=options.command,
        versions={"bids_brainage": __version__, "python": platform.python_version()}
        | {name: metadata.version(name) for name in ("numpy", "scipy", "torch")},
        references=REFERENCES,
        experimental=True,
    )
