"""The group level: one table, its dictionary and one page from OUTPUT_DIR."""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain, groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from bids_brainage.app.group_analysis import write_effects
from bids_brainage.app.group_statistics import analyse
from bids_brainage.app.headline_tables import write_idp, write_phenotype
from bids_brainage.app.pages import write_methods
from bids_brainage.app.say import Say
from bids_brainage.bids.extraction_logs import read_extraction
from bids_brainage.bids.outputs import (
    extraction_log,
    iterate_tsv,
    predictions_file,
    start_marker,
    write_json,
    write_tsv,
)
from bids_brainage.bids.prediction_tables import read_predictions
from bids_brainage.bids.scan import list_participants, list_sessions, natural_key
from bids_brainage.config import RunConfig
from bids_brainage.errors import BrainAgeError, MissingInputError, SelectionError
from bids_brainage.evaluation.group_analysis import GroupAnalysis
from bids_brainage.records.prediction import columns, data_dictionary, session_status
from bids_brainage.records.session import SessionKey

logger = logging.getLogger(__name__)
INTERRUPTED = "interrupted"
UNPREDICTED = "features extracted, not predicted: run participant --stage predict"
Row = dict[str, Any]


def run_group(config: RunConfig, say: Say) -> int:
    """Gather all predictions of OUTPUT_DIR; return 0, or 1 if any session is not ok.

    Raises
    ------
    MissingInputError
        If OUTPUT_DIR does not exist.
    SelectionError
        If it holds no session.
    UsageError
        If an option of the group level cannot be met; table and page without it are written.
    """
    output = config.output_dir
    if not output.is_dir():
        raise MissingInputError(
            "OUTPUT_DIR does not exist", place=output, hint="run the participant level first"
        )
    rows = (row for key in output_sessions(output) for row in session_rows(output, key))
    first = next(rows, None)
    if first is None:
        raise SelectionError(
            "no session to gather", place=output, hint="run the participant level first"
        )
    counts: Counter[bool] = Counter()
    table = output / "group_brainage.tsv"
    write_tsv(table, _counted(chain([first], rows), counts), columns())
    try:
        analysis, entries = analyse(config, table)
    except BrainAgeError:
        # What an earlier run found must not stand beside the new table.
        write_effects(output, [])
        _write_beside(config, table, GroupAnalysis(), {})
        raise
    page = _write_beside(config, table, analysis, entries)
    bad = counts[False]
    say(f"group table of {counts.total()} sessions ({bad} not ok); page: {page}")
    return 1 if bad else 0


def _write_beside(
    config: RunConfig, table: Path, analysis: GroupAnalysis, entries: dict[str, dict[str, Any]]
) -> Path:
    """Write all that is made from the group table; return the page."""
    from bids_brainage.report.group import write_group_report

    output = table.parent
    dictionary = data_dictionary() | entries
    write_json(table.with_suffix(".json"), dictionary)
    write_phenotype(output, iterate_tsv(table), dictionary)
    write_idp(output, iterate_tsv(table) if config.group.nipoppy_table else None, dictionary)
    page = write_group_report(output, analysis)
    write_methods(output)
    return page


def _counted(rows: Iterable[Row], counts: Counter[bool]) -> Iterator[Row]:
    """Pass rows on and count the sessions that are ok; thousands are never held at once."""
    for _, session in groupby(rows, itemgetter("participant_id", "session_id")):
        models = list(session)
        counts[session_status(models) == "ok"] += 1
        yield from models


def output_sessions(output: Path) -> Iterator[SessionKey]:
    """Sessions that stand in OUTPUT_DIR or were started there, in natural order."""
    found = {
        SessionKey(p, s)
        for p in list_participants(output)
        for s in (list_sessions(output, p) or [""])
    }
    # A participant may have files outside of the sessions as well: keep both.
    found |= {
        SessionKey(p)
        for p in list_participants(output)
        if extraction_log(output, SessionKey(p)).is_file()
        or predictions_file(output, SessionKey(p)).is_file()
    }
    for marker in (output / "logs" / "started").glob("sub-*.json"):
        participant, _, session = marker.stem.removeprefix("sub-").partition("_ses-")
        found.add(SessionKey(participant, session))
    yield from sorted(
        found, key=lambda key: (natural_key(key.participant), natural_key(key.session))
    )


def session_rows(output: Path, key: SessionKey) -> list[Row]:
    """Rows of one session; a session that did not finish has one that says so."""
    if start_marker(output, key).is_file():
        return [failed_row(key, f"{INTERRUPTED}: rerun the participant level for this session")]
    if predictions_file(output, key).is_file():
        try:
            return list(read_predictions(output, key))
        except BrainAgeError as error:
            return [failed_row(key, str(error))]
    log = extraction_log(output, key)
    if not log.is_file():
        return []
    try:
        found = read_extraction(log, key)
    except BrainAgeError as error:
        return [failed_row(key, f"the extraction log is broken: {error}")]
    if found.status != "ok":
        return [found.row()]
    return [failed_row(key, UNPREDICTED)]


def failed_row(key: SessionKey, reason: str) -> Row:
    """Row of a session that has no predictions to read."""
    return {
        "participant_id": key.participant_id,
        "session_id": key.session_id,
        "status": "failed",
        "status_reason": reason,
        "quality": None,
    }
