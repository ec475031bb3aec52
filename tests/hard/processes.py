"""Run the App in processes of its own, started quickly: a server has imported everything."""

import os
import sys
from collections.abc import Callable, Sequence
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path

from bids_brainage.cli.app_command import main
from tests.hard.app import Done, check

CONTEXT = get_context("forkserver")
CONTEXT.set_forkserver_preload(
    [
        "bids_brainage.app.participant",
        "bids_brainage.app.group",
        "bids_brainage.bids.inputs",
        "bids_brainage.report.participant",
        "bids_brainage.report.group",
        "bids_brainage.report.citation",
        __name__,
    ]
)
Prepare = Callable[[], object]


def without_pages() -> None:
    """Leave the pages out: drawing takes longer than all the rest."""
    from bids_brainage.app import pages, participant
    from bids_brainage.report import group

    participant.write_pages = pages.write_pages = lambda *_: None
    group.write_group_report = lambda output, *_: output


def start(log: Path, words: Sequence[str | Path], prepare: Prepare | None = None) -> BaseProcess:
    """Start ``bids_brainage`` with its lines in a file.

    Parameters
    ----------
    prepare
        Called in the process first; a function of a module.
    """
    process = CONTEXT.Process(target=_run, args=(log, [str(word) for word in words], prepare))
    process.start()
    return process


def finish(process: BaseProcess, log: Path) -> Done:
    """Wait for it, and check that what it said agrees with its code."""
    process.join(300)
    assert process.exitcode is not None, "it still runs"
    out, err = (Path(f"{log}.{kind}").read_text() for kind in ("out", "err"))
    done = Done(process.exitcode, out, err)
    check(done)
    return done


def run(log: Path, words: Sequence[str | Path], prepare: Prepare | None = None) -> Done:
    return finish(start(log, words, prepare), log)


def _run(log: Path, words: list[str], prepare: Prepare | None) -> None:
    for descriptor, kind in ((1, "out"), (2, "err")):
        file = os.open(f"{log}.{kind}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, descriptor)
    sys.stdout, sys.stderr = (os.fdopen(n, "w", buffering=1) for n in (1, 2))
    if prepare:
        prepare()
    sys.exit(main(words))
