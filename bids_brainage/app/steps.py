"""Tell the user which step each session is at, also from worker processes."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.queues import Queue

Step = Callable[[str, str], object]
Messages = Queue  # of a stem and a text; None ends it
_sink: Step | None = None


def report_step(stem: str, text: str) -> None:
    """Say that a session has come to a step; an empty text says that it is done."""
    if _sink is not None:
        _sink(stem, text)


def connect(queue: Messages | None) -> None:
    """Send this worker's steps to the process that started it."""
    global _sink
    if queue is None:
        _sink = None
        return
    # A worker that is killed in the middle of a message must not hold up the end of the others.
    queue.cancel_join_thread()
    _sink = lambda stem, text: queue.put((stem, text))  # noqa: E731


@contextmanager
def listening(sink: Step | None) -> Iterator[Messages | None]:
    """Pass the steps of this process and of connected workers on to a function.

    Yields
    ------
        A queue for the workers, see :func:`connect`.
    """
    global _sink
    if sink is None:
        yield None
        return
    queue = get_context("spawn").Queue()
    queue.cancel_join_thread()
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
        queue.put(None)
        reader.join(timeout=5)
        queue.close()
