"""The stage of prediction: everyone extracted and not yet predicted, in a stream."""

import logging
from collections.abc import Sequence
from functools import partial

from bids_brainage.app.configuration import claim_output
from bids_brainage.app.fitting import fuses, only_fitting
from bids_brainage.app.group import failed_row, output_sessions
from bids_brainage.app.pages import participant_page, write_pages
from bids_brainage.app.plan import deal
from bids_brainage.app.predictions import predict_sessions
from bids_brainage.app.say import Say
from bids_brainage.app.summary import Summary
from bids_brainage.bids.extraction_logs import read_extraction
from bids_brainage.bids.outputs import (
    extraction_log,
    prediction_files,
    start_marker,
)
from bids_brainage.bids.prediction_tables import read_predictions
from bids_brainage.bids.selection import missing_labels, split_labels
from bids_brainage.config import RunConfig
from bids_brainage.errors import BrainAgeError, MissingInputError, SelectionError
from bids_brainage.predict.predictor import Predictor
from bids_brainage.records.extraction import Extraction
from bids_brainage.records.session import SessionKey

logger = logging.getLogger(__name__)
HINT = "run participant --stage extract first"


def run_predictions(config: RunConfig, predictors: Sequence[Predictor], say: Say) -> int:
    """Predict every extracted session that has no predictions; return 0, or 1 if any is not ok.

    Reads OUTPUT_DIR alone. Sessions predicted earlier count in the summary and the exit code.

    Raises
    ------
    MissingInputError, SelectionError, OutputError
        If nothing was extracted there, it was made with other settings, or it cannot be written.
    """
    keys = extracted_sessions(config)
    claim_output(config)
    summary = Summary()
    predict = partial(
        predict_sessions, predictors, output_dir=config.output_dir,
        fitting_only=only_fitting(config), fuses=fuses(config),
        nprocs=config.nprocs,
    )  # fmt: skip
    waiting: list[Extraction] = []
    participants: list[str] = []
    new = earlier = 0
    for key in keys:
        if not config.force and (rows := earlier_rows(config, key)):
            summary.add(rows)
            earlier += 1
            # A run may have ended between predictions and pages, which take most of its time.
            if not participant_page(config.output_dir, key.participant).is_file():
                participants.append(key.participant)
            continue
        try:
            waiting.append(read_extraction(extraction_log(config.output_dir, key), key))
        except BrainAgeError as error:
            summary.add([failed_row(key, f"the extraction log is broken: {error}")])
            continue
        new += 1
        participants.append(key.participant)
        if len(waiting) == config.batch_size:
            summary.add(predict(waiting))
            waiting = []
            say(f"[{new}] {key.stem}: predicted")
    summary.add(predict(waiting))
    if participants:
        write_pages(config, participants)
    say(f"{new} of {len(keys)} extracted sessions are predicted now, {earlier} were before")
    return summary.finish(config.output_dir, say)


def extracted_sessions(config: RunConfig) -> list[SessionKey]:
    """Sessions of OUTPUT_DIR with an extraction log, of the run's labels and batch.

    Raises
    ------
    MissingInputError, SelectionError
        If OUTPUT_DIR does not exist, or there are none but for the batch.
    """
    output = config.output_dir
    if not output.is_dir():
        raise MissingInputError("OUTPUT_DIR does not exist", place=output, hint=HINT)
    there = [key for key in output_sessions(output) if extraction_log(output, key).is_file()]
    wanted = split_labels(config.participant_labels, "sub-")
    sessions = split_labels(config.session_labels, "ses-")
    problems = [
        *missing_labels("extracted participant", "sub-", wanted, [k.participant for k in there]),
        *missing_labels("extracted session", "ses-", sessions, [k.session for k in there]),
    ]
    for problem in problems:
        logger.warning("%s", problem)
    chosen, of = set(wanted), set(sessions)
    keys = [
        key
        for key in there
        if (not chosen or key.participant in chosen) and (not of or key.session in of)
    ]
    if not keys:
        raise SelectionError("; ".join(problems) or "no extracted session", place=output, hint=HINT)
    return deal(keys, config.batch)


def earlier_rows(config: RunConfig, key: SessionKey) -> list[dict[str, str]]:
    """Rows that the session has; none if its predictions are not whole or not its own."""
    whole = all(path.is_file() for path in prediction_files(config.output_dir, key))
    # The sidecar is written after the table, and then the marker is taken away.
    if not whole or start_marker(config.output_dir, key).is_file():
        return []
    try:
        return read_predictions(config.output_dir, key)
    except BrainAgeError:
        return []
