"""Tell the user which step each session is at, also from worker processes."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.queues import SimpleQueue

Step = Callable[[str, str], object]
Messages = SimpleQueue  # of a stem and a text; None ends it
_sink: Step | None = None


def report_step(stem: str, text: str) -> None:
    """Say that a session has come to a step; an empty text says that it is done."""
    if _sink is not None:
        _sink(stem, text)


def connect(queue: Messages | None) -> None:
    """Send this worker's steps to the process that started it."""
    global _sink
    _sink = None if queue is None else lambda stem, text: queue.put((stem, text))


@contextmanager
def listening(sink: Step | None, *, workers: bool = True) -> Iterator[Messages | None]:
    """Pass the steps of this process and of connected workers on to a function.

    Parameters
    ----------
    workers
        Whether there will be any; a queue needs semaphores, which not every system has.

    Yields
    ------
        A queue for the workers, see :func:`connect`.
    """
    global _sink
    if sink is None or not workers:
        _sink = sink
        try:
            yield None
        finally:
            _sink = None
        return
    queue = get_context("spawn").SimpleQueue()
    lock = threading.Lock()

    def tell(stem: str, text: str) -> None:
        with lock:
            sink(stem, text)

    def pass_on() -> None:
        while (message := queue.get()) is not None:
            tell(*message)

    reader = threading.Thread(target=pass_on, daemon=True)
    reader.start()
    _sink = tell
    try:
        yield queue
    finally:
        _sink = None
        # A worker killed in the middle of a message may hold the queue's lock for ever.
        threading.Thread(target=queue.put, args=(None,), daemon=True).start()
        reader.join(timeout=5)
