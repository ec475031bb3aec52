"""Workers and threads are shared out by CPUs, sessions and memory."""

import pytest

from bids_brainage.app import resources
from bids_brainage.app.plan import Plan
from bids_brainage.bids.dataset import Dataset
from bids_brainage.bids.preferences import InputSelection
from bids_brainage.config import RunConfig
from bids_brainage.records.session import SessionKey

GB = 2**30


def share(tmp_path, nprocs, sessions, memory=64, derived=False, **options):
    prep = (tmp_path,) if derived else ()
    dataset = Dataset(tmp_path, "x", tmp_path, derivatives=prep, freesurfer=prep)
    plan = Plan(dataset, tuple(SessionKey(str(i)) for i in range(sessions)), InputSelection())
    config = RunConfig(tmp_path, tmp_path, nprocs=nprocs, **options)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resources, "available_memory", lambda: memory * GB)
        return resources.share_cpus(config, plan)


@pytest.mark.parametrize(
    ("nprocs", "sessions", "expected"),
    [(1, 1, (1, 1)), (2, 1, (1, 2)), (2, 10, (1, 2)), (8, 1, (2, 4)), (8, 100, (4, 2)),
     (16, 4, (4, 4))],
)  # fmt: skip
def test_raw_sessions_share_the_cpus(tmp_path, nprocs, sessions, expected):
    assert share(tmp_path, nprocs, sessions) == expected


def test_derivatives_take_one_thread_each(tmp_path):
    assert share(tmp_path, 8, 100, derived=True) == (8, 1)
    assert share(tmp_path, 8, 100, raw=False) == (8, 1)


def test_memory_limits_the_workers(tmp_path):
    assert share(tmp_path, 16, 100, memory=9) == (2, 2)
    assert share(tmp_path, 16, 100, memory=1) == (1, 2)


def test_threads_can_be_given(tmp_path):
    assert share(tmp_path, 8, 100, threads=8) == (1, 8)


def test_there_is_memory():
    assert resources.available_memory() > GB / 4
