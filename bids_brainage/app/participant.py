"""The participant level: features in workers, predictions in batches, a page per participant."""

import logging
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from bids_brainage.app.extract import Job, extract_session, failed_extraction
from bids_brainage.app.plan import Plan
from bids_brainage.app.pool import map_processes
from bids_brainage.app.predictions import Row, load_predictors, predict_sessions
from bids_brainage.bids.outputs import write_text
from bids_brainage.config import RunConfig
from bids_brainage.records.extraction import Extraction

logger = logging.getLogger(__name__)
MANY = 20
KILLED = "the worker process was killed, most likely for lack of memory: use a lower --nprocs"
Say = Callable[[str], object]


def run_participants(config: RunConfig, plan: Plan, say: Say) -> int:
    """Process every session of the plan; return 0, or 1 if any is not ok.

    Raises
    ------
    ModelError, UsageError, OutputError
        If a model, the device or the output is unusable; before any session is touched.
    """
    for note in plan.dataset.notes:
        logger.info("dataset: %s", note)
    predictors = load_predictors(config)
    jobs = [Job(config, plan.dataset, plan.selection, key) for key in plan.keys]
    rows: list[Row] = []
    waiting: list[Extraction] = []
    done = map_processes(extract_session, jobs, config.nprocs)
    for number, (job, result) in enumerate(done, start=1):
        extraction = result or failed_extraction(job, KILLED)
        reason = f" ({extraction.reason})" if extraction.reason else ""
        say(f"[{number}/{len(jobs)}] {job.key.stem}: features {extraction.status}{reason}")
        waiting.append(extraction)
        if len(waiting) == config.batch_size:
            rows += predict_sessions(predictors, waiting, config.output_dir)
            waiting = []
    rows += predict_sessions(predictors, waiting, config.output_dir)
    participants = list(dict.fromkeys(key.participant for key in plan.keys))
    for _ in map_processes(partial(write_report, config.output_dir), participants, config.nprocs):
        pass
    return summarise(rows, config.output_dir, say)


def write_report(output_dir: Path, participant: str) -> None:
    """Write one participant's page; a page that cannot be made never costs the numbers."""
    from bids_brainage.report.participant import write_participant_report

    try:
        write_participant_report(output_dir, participant)
    except Exception as error:
        crash = output_dir / "logs" / f"crash-report-sub-{participant}.txt"
        write_text(crash, traceback.format_exc())
        logger.warning("no report for sub-%s: %s (see %s)", participant, error, crash)


def summarise(rows: Sequence[Row], output_dir: Path, say: Say) -> int:
    """Say what became of the sessions; return 0, or 1 if any failed."""
    counts = {
        status: [r for r in rows if r["status"] == status]
        for status in ("ok", "failed", "no_input")
    }
    for row in (counts["failed"] + counts["no_input"])[:MANY]:
        session = "" if row["session_id"] == "n/a" else f" {row['session_id']}"
        say(
            f"{row['status']}: {row['participant_id']}{session} ({row['model']}): "
            f"{row['status_reason']}"
        )
    say(
        ", ".join(f"{len(found)} {status}" for status, found in counts.items())
        + f"; reports and tables are in {output_dir}"
    )
    return 1 if counts["failed"] or counts["no_input"] else 0
