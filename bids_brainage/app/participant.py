"""The participant level: features in workers, predictions in batches, a page per participant."""

import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from bids_brainage.app.configuration import claim_output
from bids_brainage.app.extract import Job, extract_key, failed_extraction
from bids_brainage.app.fitting import fuses, only_fitting
from bids_brainage.app.pages import write_pages
from bids_brainage.app.plan import Plan
from bids_brainage.app.pool import map_processes
from bids_brainage.app.raw import forget, work_folder
from bids_brainage.app.resources import share_cpus
from bids_brainage.app.say import Say
from bids_brainage.app.steps import Step
from bids_brainage.app.summary import Summary
from bids_brainage.bids.filters import read_filters
from bids_brainage.bids.output_dataset import prepare_output
from bids_brainage.config import RunConfig
from bids_brainage.errors import OutputError
from bids_brainage.preprocessing.atlas import load_atlas, packaged_name
from bids_brainage.preprocessing.denoising import load_preset
from bids_brainage.records.extraction import Extraction

if TYPE_CHECKING:
    from bids_brainage.predict.predictor import Predictor

logger = logging.getLogger(__name__)
SLOW = 10.0  # seconds
KILLED = "the worker process was killed, most likely for lack of memory: use a lower --nprocs"


def check_settings(config: RunConfig) -> list["Predictor"]:
    """Load what all sessions share, so that a wrong name stops the run before any is touched.

    Returns
    -------
        The models; none at the stage of extraction, which does not need them.

    Raises
    ------
    ModelError, UsageError, MissingInputError, InputError
        If a model, the device, the denoising preset, the filter file or the atlas is unusable.
    """
    load_preset(config.denoising)
    if config.bids_filter_file:
        read_filters(config.bids_filter_file)
    if not packaged_name(config.atlas):
        load_atlas(config.atlas)
    if config.stage == "extract":
        return []
    from bids_brainage.app.predictions import load_predictors

    return load_predictors(config)


def run_participants(
    config: RunConfig,
    plan: Plan,
    predictors: Sequence["Predictor"],
    say: Say,
    step: Step | None = None,
) -> int:
    """Process every session of the plan; return 0, or 1 if any is not ok.

    Without predictors features are extracted and nothing is predicted.

    Raises
    ------
    OutputError
        If OUTPUT_DIR cannot be written, or holds results made with other settings.
    """
    for note in plan.dataset.notes:
        logger.info("dataset: %s", note)
    prepare_output(config.output_dir, config.bids_dir, plan.dataset.links, plan.dataset.name,
                   plan.dataset.doi)  # fmt: skip
    prepare_work(config, plan)
    claim_output(config)
    if config.force:
        forget(config, dict.fromkeys(key.participant for key in plan.keys))
    workers, threads = share_cpus(config, plan)
    shared = Job(config, plan.dataset, plan.selection, plan.keys[0], threads)
    summary = Summary("predictions" if predictors else "features")
    waiting: list[Extraction] = []
    predict = _predict(config, predictors)
    done = map_processes(partial(extract_key, shared), plan.keys, workers, step)
    for number, (key, result) in enumerate(done, start=1):
        extraction = result or failed_extraction(replace(shared, key=key), KILLED)
        say(f"[{number}/{len(plan.keys)}] {key.stem}: features {extraction.status}")
        if not predictors:
            summary.add([extraction.row()])
            continue
        waiting.append(extraction)
        # A slow session is predicted at once: a job may be killed before the batch is full.
        if len(waiting) == config.batch_size or (extraction.seconds or 0) > SLOW:
            summary.add(predict(waiting))
            waiting = []
    if predictors:
        summary.add(predict(waiting))
        write_pages(config, [key.participant for key in plan.keys])
    return summary.finish(config.output_dir, say)


def _predict(
    config: RunConfig, predictors: Sequence["Predictor"]
) -> Callable[[Sequence[Extraction]], list[dict[str, Any]]]:
    # Torch takes long to load, and extraction alone does not need it.
    if not predictors:
        return lambda _: []
    from bids_brainage.app.predictions import predict_sessions

    return partial(
        predict_sessions, predictors, output_dir=config.output_dir,
        fitting_only=only_fitting(config), fuses=fuses(config),
        nprocs=config.nprocs,
    )  # fmt: skip


def prepare_work(config: RunConfig, plan: Plan) -> None:
    """Make the work folder, outside of every input.

    Raises
    ------
    OutputError
        If it is inside an input dataset or cannot be written.
    """
    folder = work_folder(config).resolve()
    for root in {plan.dataset.root, *plan.dataset.links.values()}:
        inside = folder.is_relative_to(root.resolve())
        if inside and not folder.is_relative_to(config.output_dir.resolve()):
            raise OutputError("the work folder is inside an input dataset", place=folder,
                              hint="choose another with --work-dir")  # fmt: skip
    try:
        folder.mkdir(parents=True, exist_ok=True)
        writable = os.access(folder, os.W_OK)
    except OSError as error:
        raise OutputError(f"cannot make the work folder: {error.strerror}", place=folder,
                          hint="choose another with --work-dir") from error  # fmt: skip
    if not writable:
        raise OutputError("cannot write into the work folder", place=folder,
                          hint="choose another with --work-dir")  # fmt: skip
