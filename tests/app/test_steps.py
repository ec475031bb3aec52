"""Steps reach the user from this process and from workers."""

from bids_brainage.app.pool import map_processes
from bids_brainage.app.steps import report_step


def work(item: int) -> int:
    report_step(f"sub-{item}", "bias correction")
    report_step(f"sub-{item}", "")
    return item


def test_steps_of_this_process_are_passed_on():
    heard = []
    assert dict(map_processes(work, [1], 1, lambda *message: heard.append(message))) == {1: 1}
    assert heard == [("sub-1", "bias correction"), ("sub-1", "")]


def test_steps_of_workers_are_passed_on():
    heard = []
    done = dict(map_processes(work, [1, 2, 3], 2, lambda *message: heard.append(message)))
    assert done == {1: 1, 2: 2, 3: 3}
    expected = [(f"sub-{i}", text) for i in (1, 2, 3) for text in ("bias correction", "")]
    assert sorted(heard) == sorted(expected)


def test_without_a_listener_steps_are_dropped():
    assert dict(map_processes(work, [1], 1)) == {1: 1}
