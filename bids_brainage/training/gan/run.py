"""Train, cross-validate and test the GAN of brains: the part ``gan`` of the family ``aegan``."""

import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from bids_brainage.bids.outputs import write_json
from bids_brainage.errors import OutputError
from bids_brainage.models.gan import MODALITY, Gan
from bids_brainage.models.store import load_kind, save_model
from bids_brainage.training.aegan import AeganOptions
from bids_brainage.training.autoencoder.brains import load_brains
from bids_brainage.training.gan.card import make_card
from bids_brainage.training.gan.crossval import run_crossval
from bids_brainage.training.gan.distances import nearest
from bids_brainage.training.gan.people_scores import (
    age_scores,
    code_agreement,
    median_age,
    sex_scores,
    tell_by_codes,
    tell_sex,
)
from bids_brainage.training.gan.recipe import GanRecipe
from bids_brainage.training.gan.sample import CubeSample, load_cubes
from bids_brainage.training.gan.scores import floor, judge, one_scale
from bids_brainage.training.gan.train import (
    COLUMNS,
    JUDGED_SEED,
    course_rows,
    generate,
    make_judges,
    train_all,
    train_classifiers,
)
from bids_brainage.training.segmentation.train import write_log

__all__ = ["run_crossval", "run_test", "run_training"]
logger = logging.getLogger(__name__)
CHECKPOINTS, PAIRS, SCORES = "checkpoints", "pairs", "scores.json"
SHOWN = 4  # generated cubes that are drawn
BLOCK = 8


def run_training(options: AeganOptions, progress: Callable[[str], None] = logger.info) -> Path:
    """Train on all people but those kept apart, and judge by the latter.

    Writes ``model.safetensors``, ``card.json``, ``training.csv``, ``scores.json``,
    ``generated.npz`` and, in ``pairs``, the latent codes and cubes that the encoder learned on.

    Returns
    -------
        The model's folder.

    Raises
    ------
    UsageError, InputError, MissingInputError, OutputError
        If the people cannot be used, or the folder cannot be written.
    """
    recipe: GanRecipe = options.recipe
    sample = load_cubes(options)
    training, held = sample.split(recipe.held_out, recipe.seed)
    checkpoints = options.output / CHECKPOINTS
    classifiers, course = train_classifiers(
        sample, training, recipe, checkpoints, device=options.device, resume=options.resume,
        progress=progress,
    )  # fmt: skip
    trained = train_all(
        sample, training, recipe, classifiers, checkpoints, options.output / PAIRS,
        device=options.device, resume=options.resume, progress=progress,
    )  # fmt: skip
    model = trained.model
    made = generate(model, recipe.n_judged, recipe.seed + JUDGED_SEED)
    metrics: dict[str, object] = {"encoder": trained.encoder}
    if len(held) > 1:
        progress("judging generated brains")
        judges = make_judges(sample, training, held, classifiers, recipe)
        scores = judge(made, judges) | code_agreement(model, sample, training, made)
        metrics["generated"] = {k: s.value for k, s in scores.items()}
        metrics["training people instead"] = {k: s.value for k, s in floor(judges).items()}
    metrics |= _of_people(model, sample, training, held)
    metrics = _rounded(metrics)
    write_json(options.output / SCORES, metrics)
    write_generated(options.output, sample, training, held, made, recipe.quantile)
    write_log(options.output / "training.csv", course_rows(trained.course + course), COLUMNS)
    save_model(model, make_card(options, sample, training, metrics), options.output)
    shutil.rmtree(checkpoints, ignore_errors=True)
    return options.output


def run_test(
    options: AeganOptions, progress: Callable[[str], None] = logger.info
) -> dict[str, float | str]:
    """Score a trained model on people: the sex that it tells, and the age from latent codes.

    Returns
    -------
        By name; also written to ``scores.json`` in the output folder.

    Raises
    ------
    ModelError, UsageError, InputError, MissingInputError, OutputError
        If the model or the people cannot be used, or the folder cannot be written.
    """
    model, card = load_kind(options.model, Gan)
    brains = load_brains(options)
    ages, logits = [], []
    for start in range(0, len(brains), BLOCK):
        rows = np.arange(start, min(start + BLOCK, len(brains)))
        with torch.no_grad():
            age, logit = model({MODALITY: torch.from_numpy(brains.block(rows))})
        ages.append(age.numpy())
        logits.append(logit.numpy())
        progress(f"{rows[-1] + 1} of {len(brains)} images")
    age, logit = np.concatenate(ages).astype(float), np.concatenate(logits).astype(float)
    who = card.training[0]
    everyone = np.ones(len(brains))
    found: dict[str, float | str] = {"model": card.name}
    told = age_scores(brains.age, age, everyone * who.age_median)
    found |= {f"age_{name}": value for name, value in told.items()}
    common = everyone * (who.n_female >= who.n_male)
    told = sex_scores(brains.female, 1 / (1 + np.exp(-logit)), common)
    found |= {f"sex_{name}": value for name, value in told.items()}
    write_json(options.output / SCORES, found)
    return found


def write_generated(
    folder: Path,
    sample: CubeSample,
    training: np.ndarray,
    held: np.ndarray,
    made: np.ndarray,
    quantile: float,
) -> Path:
    """Write some real cubes, some generated ones, and the nearest training person of the latter.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    made = one_scale(made[:SHOWN], quantile)
    cubes = one_scale(sample.cubes[training], quantile)
    _, who = nearest(made, cubes)
    real = one_scale(sample.cubes[held[:SHOWN]], quantile) if len(held) >= SHOWN else cubes[:SHOWN]
    path = folder / "generated.npz"
    half = np.float16
    try:
        np.savez_compressed(
            path,
            real=real.astype(half),
            generated=made.astype(half),
            nearest=cubes[who].astype(half),
        )
    except OSError as error:
        raise OutputError(f"cannot write: {error.strerror}", place=path) from error
    return path


def _of_people(
    model: Gan, sample: CubeSample, training: np.ndarray, held: np.ndarray
) -> dict[str, object]:
    """Scores of the sex and age told of people kept apart, as plain values."""
    if not len(held):
        return {}
    median = np.full(len(held), median_age(sample.age[training]))
    common = np.full(len(held), float(np.nanmean(sample.female[training]) >= 0.5))
    classifiers = {"plain": model.plain, "noisy": model.noisy}
    told = tell_sex(classifiers, sample, held)
    by_codes = tell_by_codes(model, sample, training, held)
    found: dict[str, object] = {
        f"sex, {name}": sex_scores(sample.female[held], probability, common)
        for name, probability in told.items()
    }
    if "code_female" in by_codes:
        probability = by_codes["code_female"]
        found["sex, code"] = sex_scores(sample.female[held], probability, common)
    found["age, code"] = age_scores(sample.age[held], by_codes["code_age"], median)
    return found


def _rounded(metrics: dict[str, object]) -> dict[str, object]:
    return {
        name: {k: round(float(v), 4) for k, v in values.items()}
        if isinstance(values, dict) else values
        for name, values in metrics.items()
    }  # fmt: skip
