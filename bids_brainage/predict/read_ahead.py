"""Reading of what comes next while something is computed, with bounded memory."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Read = TypeVar("Read")


def read_ahead(
    read: Callable[[Item], Read], items: Iterable[Item], readers: int, ahead: int
) -> Iterator[Read]:
    """Read every item, in order, a few of them before they are asked for.

    Parameters
    ----------
    read
        Called in threads; what it raises is raised when its item's turn comes.
    readers
        Threads; with fewer than two, or nothing ahead, each item is read when it is asked for.
    ahead
        Most items that are read, or being read, and not yet asked for.

    Yields
    ------
        What was read of each item.
    """
    if readers < 2 or ahead < 1:
        yield from map(read, items)
        return
    left = iter(items)
    with ThreadPoolExecutor(min(readers, ahead), "reader") as pool:
        running: deque[Future[Read]] = deque()
        running.extend(pool.submit(read, item) for item in islice(left, ahead))
        try:
            while running:
                done = running.popleft().result()
                running.extend(pool.submit(read, item) for item in islice(left, 1))
                yield done
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
