"""The participant level: features in workers, predictions in batches, a page per participant."""

import logging
import os
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from bids_brainage.app.extract import Job, extract_session, failed_extraction
from bids_brainage.app.plan import Plan
from bids_brainage.app.pool import map_processes
from bids_brainage.app.predictions import Row, load_predictors, predict_sessions
from bids_brainage.app.raw import work_folder
from bids_brainage.app.resources import share_cpus
from bids_brainage.app.steps import Step
from bids_brainage.bids.outputs import prepare_output, write_text
from bids_brainage.config import RunConfig
from bids_brainage.errors import OutputError
from bids_brainage.predict.predictor import Predictor
from bids_brainage.preprocessing.atlas import load_atlas, packaged_name
from bids_brainage.preprocessing.denoising import load_preset
from bids_brainage.records.extraction import Extraction

logger = logging.getLogger(__name__)
MANY = 20
SLOW = 10.0  # seconds
KILLED = "the worker process was killed, most likely for lack of memory: use a lower --nprocs"
Say = Callable[[str], object]


def check_settings(config: RunConfig) -> list[Predictor]:
    """Load what all sessions share, so that a wrong name stops the run before any is touched.

    Raises
    ------
    ModelError, UsageError, MissingInputError, InputError
        If a model, the device, the denoising preset or the atlas is unusable.
    """
    load_preset(config.denoising)
    if not packaged_name(config.atlas):
        load_atlas(config.atlas)
    return load_predictors(config)


def run_participants(
    config: RunConfig,
    plan: Plan,
    predictors: Sequence[Predictor],
    say: Say,
    step: Step | None = None,
) -> int:
    """Process every session of the plan; return 0, or 1 if any is not ok.

    Raises
    ------
    OutputError
        If OUTPUT_DIR cannot be written.
    """
    for note in plan.dataset.notes:
        logger.info("dataset: %s", note)
    prepare_output(config.output_dir, config.bids_dir, plan.dataset.links, plan.dataset.name)
    prepare_work(config, plan)
    workers, threads = share_cpus(config, plan)
    jobs = [Job(config, plan.dataset, plan.selection, key, threads) for key in plan.keys]
    rows: list[Row] = []
    waiting: list[Extraction] = []
    predict = partial(
        predict_sessions, predictors, output_dir=config.output_dir, fitting_only=not config.models
    )
    done = map_processes(extract_session, jobs, workers, step)
    for number, (job, result) in enumerate(done, start=1):
        extraction = result or failed_extraction(job, KILLED)
        say(f"[{number}/{len(jobs)}] {job.key.stem}: features {extraction.status}")
        waiting.append(extraction)
        # A slow session is predicted at once: a job may be killed before the batch is full.
        if len(waiting) == config.batch_size or (extraction.seconds or 0) > SLOW:
            rows += predict(waiting)
            waiting = []
    rows += predict(waiting)
    participants = list(dict.fromkeys(key.participant for key in plan.keys))
    for _ in map_processes(partial(write_report, config.output_dir), participants, config.nprocs):
        pass
    write_methods(config.output_dir)
    return summarise(rows, config.output_dir, say)


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


def write_report(output_dir: Path, participant: str) -> None:
    """Write one participant's page; a page that cannot be made never costs the numbers."""
    from bids_brainage.report.participant import write_participant_report

    try:
        write_participant_report(output_dir, participant)
    except Exception as error:
        crash = output_dir / "logs" / f"crash-report-sub-{participant}.txt"
        write_text(crash, traceback.format_exc())
        logger.warning("no report for sub-%s: %s (see %s)", participant, error, crash)


def write_methods(output_dir: Path) -> None:
    """Write ``logs/CITATION``; like the pages, it never costs the numbers."""
    from bids_brainage.report.citation import write_citation

    try:
        write_citation(output_dir)
    except Exception as error:
        crash = output_dir / "logs" / "crash-citation.txt"
        write_text(crash, traceback.format_exc())
        logger.warning("no CITATION file: %s (see %s)", error, crash)


def summarise(rows: Sequence[Row], output_dir: Path, say: Say) -> int:
    """Say what became of the sessions; return 0, or 1 if any failed."""
    counts = {
        status: [r for r in rows if r["status"] == status]
        for status in ("ok", "failed", "no_input")
    }
    bad = counts["failed"] + counts["no_input"]
    left_out = [row for row in counts["ok"] if row["status_reason"]]
    for row in (bad + left_out)[:MANY]:
        session = "" if row["session_id"] == "n/a" else f" {row['session_id']}"
        say(
            f"{row['status']}: {row['participant_id']}{session} ({row['model']}): "
            f"{row['status_reason']}"
        )
    if len(bad + left_out) > MANY:
        say(f"… and {len(bad + left_out) - MANY} more: see the predictions tables")
    say(
        ", ".join(f"{len(found)} {status}" for status, found in counts.items())
        + f"; reports and tables are in {output_dir}"
    )
    return 1 if bad else 0
