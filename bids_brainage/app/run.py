"""One run of the App: what the levels asked for, in order, and the exit code."""

import logging
from pathlib import Path

from bids_brainage.app.say import Say
from bids_brainage.app.steps import Step
from bids_brainage.config import RunConfig
from bids_brainage.errors import OutputError

logger = logging.getLogger(__name__)


def run(config: RunConfig, say: Say, step: Step | None = None) -> int:
    """Do what ``config`` asks and return the exit code.

    Parameters
    ----------
    say
        Receives the lines meant for the user.
    step
        Receives a session's stem and the step it has come to; an empty text when it is done.

    Raises
    ------
    BrainAgeError
        If the run as a whole is impossible; a session's failure is a row, not an error.
    """
    try:
        return _run(config, say, step)
    except OSError as error:
        place = Path(str(error.filename or "/")).absolute()
        if not place.is_relative_to(config.output_dir.absolute()):
            raise
        raise OutputError(
            f"cannot use OUTPUT_DIR: {error.strerror}",
            place=place,
            hint="check space and permissions",
        ) from error


def _run(config: RunConfig, say: Say, step: Step | None) -> int:
    code = 0
    if "participant" in config.levels:
        code = _participant(config, say, step)
    if "group" in config.levels and not config.dry_run:
        from bids_brainage.app.group import run_group

        code = max(code, run_group(config, say))
    return code


def _participant(config: RunConfig, say: Say, step: Step | None) -> int:
    from bids_brainage.app.plan import describe, make_plan

    if config.stage == "predict" and not config.dry_run:
        from bids_brainage.app.participant import check_settings
        from bids_brainage.app.predict_stage import run_predictions

        return run_predictions(config, check_settings(config), say)
    plan = make_plan(config)
    if config.batch:
        people = len({key.participant for key in plan.keys})
        say(f"batch {config.batch[0]}/{config.batch[1]}: {people} participants")
        if not plan.keys:
            return 0
    if config.validate:
        from bids_brainage.app.validate import validate_dataset

        validate_dataset(config.bids_dir)
    # Loading torch takes a while; a wrong path or label has been told by now.
    from bids_brainage.app.participant import check_settings, run_participants

    predictors = check_settings(config)
    if config.dry_run:
        for line in describe(plan):
            say(line)
        return 0
    return run_participants(config, plan, predictors, say, step)
