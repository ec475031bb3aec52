"""Work spread over processes; a killed worker costs its own item only."""

import logging
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import active_children, get_context, parent_process
from typing import TypeVar

from bids_brainage.app.logs import set_up_logging
from bids_brainage.app.steps import Messages, Step, connect, listening

logger = logging.getLogger(__name__)
Item = TypeVar("Item")
Result = TypeVar("Result")


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
        Must be importable by a fresh process.
    nprocs
        Worker processes; with one, everything runs in this process.
    step
        Receives the steps that the function reports, see :mod:`bids_brainage.app.steps`.

    Yields
    ------
    tuple
        The item and its result; None if its worker was killed twice.
    """
    with listening(step) as queue:
        if nprocs == 1 or len(items) <= 1:
            for item in items:
                yield item, function(item)
            return
        lost = yield from _pooled(function, items, min(nprocs, len(items)), queue)
        if lost:
            logger.warning("a worker process was killed; %d items are tried again", len(lost))
        for item in lost:
            if (yield from _pooled(function, [item], 1, queue)):
                yield item, None


def _pooled(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    nprocs: int,
    queue: Messages | None,
) -> Generator[tuple[Item, Result | None], None, list[Item]]:
    """Yield finished items and return those that a broken pool lost."""
    lost: list[Item] = []
    level = logging.getLogger("bids_brainage").level
    with ProcessPoolExecutor(
        nprocs, mp_context=get_context("spawn"), initializer=set_up_worker, initargs=(level, queue)
    ) as pool:
        futures = {pool.submit(function, item): item for item in items}
        try:
            for future in as_completed(futures):
                try:
                    result = future.result()
                except BrokenProcessPool:
                    lost.append(futures[future])
                else:
                    yield futures[future], result
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


def set_up_worker(level: int, queue: Messages | None = None) -> None:
    """Give a worker the parent's logging, its interrupts, and its end."""
    connect(queue)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    set_up_logging(level)


def _end_with_parent() -> None:
    if parent := parent_process():
        parent.join()
        os._exit(1)
