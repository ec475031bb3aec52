"""A page per participant and the methods text; neither ever costs the numbers."""

import logging
import traceback
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from bids_brainage.app.pool import map_processes
from bids_brainage.bids.outputs import write_text
from bids_brainage.bids.scan import list_participants
from bids_brainage.config import RunConfig
from bids_brainage.records.session import SessionKey

logger = logging.getLogger(__name__)
FEW = 100


def write_pages(config: RunConfig, participants: Iterable[str]) -> None:
    """Write the page of every participant, once each, and ``logs/CITATION``.

    That text is about everyone in OUTPUT_DIR: where there are many, only a run of everyone and the
    group level write it, and not each of a thousand jobs.
    """
    labels = list(dict.fromkeys(participants))
    for _ in map_processes(partial(write_report, config.output_dir), labels, config.nprocs):
        pass
    if config.everyone or len(list_participants(config.output_dir)) <= FEW:
        write_methods(config.output_dir)


def participant_page(output_dir: Path, participant: str) -> Path:
    """Path of a participant's page."""
    return output_dir / f"{SessionKey(participant).participant_id}.html"


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
