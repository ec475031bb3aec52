"""What both commands share: logging to stderr, errors to exit codes."""

import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable

from bids_brainage.app.logs import set_up_logging
from bids_brainage.errors import BrainAgeError

# What a shell reports for SIGINT and SIGTERM.
INTERRUPTED = 130
TERMINATED = 143


class Terminated(KeyboardInterrupt):
    """A scheduler or a user asked the process to end."""


def run_guarded(program: str, work: Callable[[], int]) -> int:
    """Run a command; every error becomes one line on stderr and an exit code.

    Parameters
    ----------
    program
        Name at the start of the error line.
    work
        Does the job and returns the exit code.
    """
    set_up_logging()
    signal.signal(signal.SIGTERM, _terminate)
    try:
        return work()
    except BrainAgeError as error:
        sys.stderr.write(f"{program}: error: {error}\n")
        return error.exit_code
    except KeyboardInterrupt as stop:
        sys.stderr.write(f"{program}: interrupted; rerun the same command to go on\n")
        return TERMINATED if isinstance(stop, Terminated) else INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        sys.stderr.write(
            f"{program}: unexpected {type(error).__name__}: {error}. "
            f"Please report it{_save_traceback(program)}.\n"
        )
        return 1


def _terminate(number: int, frame: object) -> None:
    # Schedulers ask twice: the process and, by way of the shell that started it, once more.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Terminated


def _save_traceback(program: str) -> str:
    """Save it and say where; a full or read-only machine has no place for it."""
    try:
        descriptor, name = tempfile.mkstemp(prefix=f"{program}-crash-", suffix=".txt")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(traceback.format_exc())
    except OSError as error:
        return f"; the traceback cannot be saved ({error.strerror})"
    return f" with the file {name}"
