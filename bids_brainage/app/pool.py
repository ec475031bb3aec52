"""Work spread over processes; a killed worker costs its own item only."""

import logging
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from multiprocessing import active_children, get_context, parent_process
from typing import Any, TypeVar

from bids_brainage.app.logs import set_up_logging
from bids_brainage.app.steps import Messages, Step, connect, listening

logger = logging.getLogger(__name__)
AHEAD = 2
SEMAPHORES = 16  # a pool and a queue of messages take fewer
Item = TypeVar("Item")
Result = TypeVar("Result")
_function: Callable[[Any], Any] | None = None  # of a worker


def map_processes(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    nprocs: int,
    step: Step | None = None,
) -> Iterator[tuple[Item, Result | None]]:
    """Apply a function to every item and yield each result as soon as it is there.

    Parameters
    ----------
    function
        Must be importable by a fresh process. A partial one brings what all items share, which
        each worker gets once.
    nprocs
        Worker processes; with one, or where processes cannot be coordinated, everything runs in
        this process.
    step
        Receives the steps that the function reports, see :mod:`bids_brainage.app.steps`.

    Yields
    ------
    tuple
        The item and its result; None if its worker was killed twice.
    """
    serial = nprocs == 1 or len(items) <= 1 or not _semaphores()
    with listening(step, workers=not serial) as queue:
        if serial:
            for item in items:
                yield item, function(item)
            return
        waiting = deque(items)
        while waiting:
            lost = yield from _pooled(function, waiting, min(nprocs, len(waiting)), queue)
            if lost:
                logger.warning("a worker process was killed; %d items are tried again", len(lost))
            for item in lost:
                if (yield from _pooled(function, deque([item]), 1, queue)):
                    yield item, None


@cache
def _semaphores() -> bool:
    """Whether processes can be coordinated; most systems need a little of ``/dev/shm`` for it."""
    try:
        # Those of "fork" need no process that keeps track of them.
        kept = [get_context("fork").Lock() for _ in range(SEMAPHORES)]
    except (OSError, ImportError) as error:
        logger.warning("one process is used: the system gives no semaphores (%s)", error)
        return False
    return bool(kept)


def _pooled(
    function: Callable[[Item], Result],
    waiting: deque[Item],
    nprocs: int,
    queue: Messages | None,
) -> Generator[tuple[Item, Result | None], None, list[Item]]:
    """Yield finished items; return those that were being worked on when the pool broke.

    A few items more than there are workers are handed out, so that neither memory nor the loss
    grows with their number.
    """
    lost: list[Item] = []
    running: dict[Future[Result], Item] = {}
    level = logging.getLogger("bids_brainage").level
    with ProcessPoolExecutor(
        nprocs,
        mp_context=get_context("spawn"),
        initializer=set_up_worker,
        initargs=(level, queue, function),
    ) as pool:
        try:
            while running or (waiting and not lost):
                while waiting and not lost and len(running) < AHEAD * nprocs:
                    item = waiting.popleft()
                    try:
                        running[pool.submit(_apply, item)] = item
                    except BrokenProcessPool:
                        lost.append(item)
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    item = running.pop(future)
                    try:
                        result = future.result()
                    except BrokenProcessPool:
                        lost.append(item)
                    else:
                        yield item, result
        except BaseException:
            # Interrupted, or the output is gone: nothing that still runs is of use.
            pool.shutdown(wait=False, cancel_futures=True)
            children = active_children()
            for child in children:
                child.terminate()
            for child in children:
                child.join()
            raise
    return lost


def set_up_worker(
    level: int, queue: Messages | None = None, function: Callable[[Any], Any] | None = None
) -> None:
    """Give a worker the parent's logging, its interrupts, its end, and what it does all along."""
    global _function
    _function = function
    connect(queue)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    set_up_logging(level)


def _apply(item: Any) -> Any:
    """Do a worker's function; what all items share came with it once, not with every item."""
    assert _function is not None
    return _function(item)


def _end_with_parent() -> None:
    if parent := parent_process():
        parent.join()
        os._exit(1)
