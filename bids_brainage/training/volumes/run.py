"""Train a volume regression and write it with a card of out-of-fold scores."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bids_brainage import __version__
from bids_brainage.errors import InputError, ModelError, UsageError
from bids_brainage.evaluation.bias import fit_bias
from bids_brainage.models.cards import (
    CARD_NAME,
    InputSpec,
    ModelCard,
    TrainingSample,
    names_hash,
    read_card,
)
from bids_brainage.models.find import find_model
from bids_brainage.models.store import save_model
from bids_brainage.models.volumes import MODALITY
from bids_brainage.training.card_words import with_words
from bids_brainage.training.samples import describe_people
from bids_brainage.training.trust import card_intervals
from bids_brainage.training.versions import versions
from bids_brainage.training.volumes.candidates import CANDIDATES, Candidate, usable
from bids_brainage.training.volumes.crossval import MEASURED
from bids_brainage.training.volumes.decision import Decision, decide
from bids_brainage.training.volumes.evaluate import REPEATS, schemes
from bids_brainage.training.volumes.fitting import fit
from bids_brainage.training.volumes.scores import score
from bids_brainage.training.volumes.sources import load_volumes
from bids_brainage.training.volumes.table import VolumeTable

logger = logging.getLogger(__name__)
PACKAGES = ("numpy", "scikit-learn", "torch", "safetensors")
DESCRIPTION = (
    "Age from volumes of tissues and regions of a raw T1w image, relative to the head or brain, "
    "by {label}. Sex is not told."
)
REFERENCES = (
    "Doshi, J. et al. (2016). MUSE: multi-atlas region segmentation, "
    "doi:10.1016/j.neuroimage.2015.11.073",
    "Cole, J. and Franke, K. (2017). Predicting age using neuroimaging, "
    "doi:10.1016/j.tins.2017.10.001",
    "Varma, S. and Simon, R. (2006). Bias in error estimation when using cross-validation for "
    "model selection, doi:10.1186/1471-2105-7-91",
)
NOTE = (
    "Uncorrected predictions of people not in training. nested: by the regression chosen inside "
    "each fold, the error to expect; chosen: by the regression that ships, chosen on these folds. "
    "mae_median: guessing the median age of the training people with images."
)
EXPERIMENTAL = "Experimental: few people with images to test on. "
NOT_DEFAULT = (
    EXPERIMENTAL + "It has not been shown to be better than guessing the median age, so it is not "
    "used unless asked for. "
)


@dataclass(frozen=True)
class TrainOptions:
    """Options of a training run.

    Parameters
    ----------
    data
        See `load_volumes`.
    output
        Folder of the new model.
    name
        Name of the model; the output folder's name by default.
    candidate
        Slug of the regression; that with the least error on folds by default.
    segmentation, device, threads
        See `CrossvalOptions`.
    repeats
        How often people are dealt to folds anew.
    command
        Command line that ran, for the card.
    measured
        Where measures of images are kept; in the output by default.
    """

    data: Path
    output: Path
    name: str = ""
    candidate: str = ""
    segmentation: str = "resunet"
    device: str = "cpu"
    threads: int = 1
    repeats: int = REPEATS
    command: str = ""
    measured: Path | None = None


def run_training(options: TrainOptions) -> Path:
    """Choose a regression on folds, fit it on everybody, and write weights and card.

    Returns
    -------
    Path
        The model's folder.

    Raises
    ------
    UsageError
        If the regression asked for does not exist or lacks its samples.
    InputError
        If there are too few people.
    """
    table = load_volumes(
        options.data, options.measured or options.output / MEASURED,
        segmentation=options.segmentation, device=options.device, threads=options.threads,
    )  # fmt: skip
    candidates = wanted(options.candidate, table)
    testable = schemes(table, options.repeats)
    if not testable:
        raise InputError(
            f"{len(table)} people are too few to train on", place=options.data, hint="20 or more"
        )
    decision = decide(table, testable[0], candidates)
    logger.info("%s: %s", decision.candidate.label, decision.words)
    module = fit(decision.candidate, table, testable[0].method)
    card = make_card(table, decision, testable[0].method, options)
    save_model(module, card, options.output)
    return options.output


def wanted(slug: str, table: VolumeTable) -> list[Candidate]:
    """List the regressions to choose among: one if its name is given.

    Raises
    ------
    UsageError
        If there is no such regression, or the table lacks its samples.
    """
    found = [c for c in usable(table.methods) if slug in ("", c.slug)]
    if not found:
        known = ", ".join(c.slug for c in usable(table.methods))
        exists = slug in {c.slug for c in CANDIDATES}
        raise UsageError(
            f"--regression {slug}: " + ("its samples are not there" if exists else "unknown"),
            hint=f"one of: {known}",
        )
    return found


def make_card(
    table: VolumeTable, decision: Decision, method: str, options: TrainOptions
) -> ModelCard:
    """Collect the card of a trained regression; the hash of the weights is set on saving."""
    candidate = decision.candidate
    people = table.subset(np.isin(table.methods, candidate.methods))
    line = fit_bias(table.age, decision.predicted)
    intervals = card_intervals(table.age, decision.predicted, table.sites)
    alike = people.subset(people.methods == method)
    typical = {
        name: float(f"{value:.6g}")
        for name, value in zip(table.names, np.nanmedian(alike.measures, axis=0), strict=True)
        if np.isfinite(value)
    }
    return with_words(ModelCard(
        name=options.name or options.output.name,
        version=__version__,
        family="volumes",
        description=DESCRIPTION.format(label=candidate.label),
        inputs={MODALITY: InputSpec(table.names, names_hash(table.names), "mm3", typical=typical)},
        training=samples(people),
        metrics={"note": NOTE, MODALITY: _metrics(table, decision, method)},
        bias_correction={MODALITY: {"slope": line.slope, "intercept": line.intercept}},
        intervals={MODALITY: intervals} if intervals else {},
        age_range={MODALITY: (float(people.age.min()), float(people.age.max()))},
        sha256="",
        config=candidate.config(table.names).as_dict(),
        recipe={"regression": candidate.slug, "label": candidate.label,
                "trained_on": candidate.trained_on, "segmentation": options.segmentation,
                "segmentation_sha256": _segmentation_hash(options),
                "repeats": options.repeats, "chosen": decision.chosen},
        seed=0,
        command=options.command or f"brainage train volumes {options.data.name}",
        versions=versions(PACKAGES),
        references=REFERENCES,
        experimental=True,
        default=decision.beats_median,
        caveat=(EXPERIMENTAL if decision.beats_median else NOT_DEFAULT) + decision.words,
    ))  # fmt: skip


def _segmentation_hash(options: TrainOptions) -> str:
    """Hash of the weights that measured images; empty for a table of measures."""
    if options.data.is_file():
        return ""
    try:
        return read_card(find_model(options.segmentation) / CARD_NAME).sha256
    except ModelError:
        return ""


def samples(people: VolumeTable) -> tuple[TrainingSample, ...]:
    """Describe each sample of a table: n, ages, sexes, sites, terms."""
    return describe_people(people.datasets, people.sites, people.age, people.female)


def _metrics(table: VolumeTable, decision: Decision, method: str) -> dict[str, Any]:
    def rounded(scores: dict[str, Any]) -> dict[str, Any]:
        return {k: round(v, 4) if isinstance(v, float) else v for k, v in scores.items()}

    predicted = decision.predicted[None]
    median = np.full_like(predicted, float(np.median(table.age[table.methods == method])))
    datasets = np.unique(table.datasets[table.methods == method])
    return {
        "out_of_fold": rounded(decision.honest),
        "chosen": rounded(decision.scores),
        "per_dataset": {
            str(name): rounded(score(table, predicted, median, table.datasets == name))
            for name in datasets
        },
    }
