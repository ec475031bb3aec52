import os
import signal
import time
from functools import partial
from multiprocessing import active_children

import pytest

from bids_brainage.app import pool
from bids_brainage.app.pool import map_processes


def double(item: int) -> int:
    return 2 * item


def kill_on_three(item: int) -> int:
    if item == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return item


def fail(item: int) -> int:
    raise ValueError(item)


@pytest.mark.parametrize("nprocs", [1, 2])
def test_every_item_has_its_result(nprocs):
    assert dict(map_processes(double, [1, 2, 3], nprocs)) == {1: 2, 2: 4, 3: 6}


def test_killed_worker_costs_its_own_item_only():
    assert dict(map_processes(kill_on_three, [1, 2, 3, 4], 2)) == {1: 1, 2: 2, 3: None, 4: 4}


def test_exception_of_a_worker_reaches_the_caller():
    with pytest.raises(ValueError, match=r"[12]"):
        list(map_processes(fail, [1, 2], 2))


def sleep_long(item: int) -> int:
    time.sleep(60 if item else 0)
    return item


def runs(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_workers_do_not_outlive_an_interrupted_run():
    results = map_processes(sleep_long, [0, 1, 2], 2)
    assert next(results) == (0, 0)
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        results.throw(KeyboardInterrupt)
    assert time.monotonic() - started < 30
    # One that two threads waited for may still be listed, but does not run.
    assert not [child for child in active_children() if runs(child.pid)]


def test_killed_worker_leaves_the_rest_to_a_new_pool():
    found = dict(map_processes(kill_on_three, list(range(12)), 2))
    assert found == {n: None if n == 3 else n for n in range(12)}


def test_without_semaphores_one_process_does_the_work(monkeypatch):
    said = []

    class Context:
        def Lock(self):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(pool, "get_context", lambda kind: Context())
    monkeypatch.setattr(pool, "_semaphores", pool._semaphores.__wrapped__)
    monkeypatch.setattr(pool.logger, "warning", lambda text, *_: said.append(text))
    assert dict(map_processes(double, [1, 2, 3], 2)) == {1: 2, 2: 4, 3: 6}
    assert said and "one process is used" in said[0]


class Shared:
    """What all items share; counts how often it is sent."""

    sent = 0

    def __reduce__(self):
        Shared.sent += 1
        return (Shared, ())


def with_shared(shared: Shared, item: int) -> int:
    assert isinstance(shared, Shared)
    return item


def test_what_items_share_is_sent_once_per_worker_not_with_every_item():
    Shared.sent = 0
    assert dict(map_processes(partial(with_shared, Shared()), list(range(12)), 2)) == {
        n: n for n in range(12)
    }
    assert Shared.sent <= 2
