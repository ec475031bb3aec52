"""Many processes on one output, and killed ones: the tables end as if one had run undisturbed."""

import random
import time

import pytest

from bids_brainage.app import pages, participant
from bids_brainage.app.pool import map_processes
from bids_brainage.bids.outputs import read_tsv
from tests.hard.app import app, rows, tables
from tests.hard.processes import finish, run, start, without_pages
from tests.people import Person, network_series, write_dataset

KILLS = 5


@pytest.fixture(scope="module")
def people(tmp_path_factory, typical):
    """Four people, two of them with BOLD, and the tables of one undisturbed run."""
    root = tmp_path_factory.mktemp("people")
    bids = write_dataset(
        root / "bids",
        [
            Person(f"0{n}", age=str(20 + 10 * n), sex="FM"[n % 2],
                   measures={name: (1 + 0.02 * n) * value for name, value in typical.items()},
                   series=network_series(n, 60) if n < 3 else None)
            for n in (1, 2, 3, 4)
        ],
    )  # fmt: skip
    words = [bids, root / "serial", "participant", "group", "--nprocs", "1"]
    run(root / "warm", words, without_pages)  # the server has its modules from now on
    words[1] = root / "undisturbed"
    began = time.monotonic()
    done = run(root / "log", words, without_pages)
    assert done.code == 0
    seconds = time.monotonic() - began
    serial = tables(root / "undisturbed")
    assert serial == tables(root / "serial")
    return bids, serial, seconds


@pytest.mark.parametrize("shares", [["01", "02", "03", "04"], [""] * 4], ids=["each", "all"])
def test_processes_on_one_output_end_as_one_would(people, tmp_path, shares):
    bids, serial, _ = people
    output = tmp_path / "out"
    words = [bids, output, "participant", "--nprocs", "1"]
    started = []
    for number, share in enumerate(shares):
        log = tmp_path / f"log{number}"
        chosen = ["--participant-label", share] if share else []
        started.append((start(log, [*words, *chosen], without_pages), log))
    for process, log in started:
        assert finish(process, log).code == 0
    assert run(tmp_path / "group", [bids, output, "group"], without_pages).code == 0
    assert tables(output) == serial
    assert not list(output.rglob(".*.tmp")) + list((output / "logs" / "started").iterdir())


@pytest.mark.parametrize("seed", range(KILLS))
def test_after_a_kill_at_any_moment_a_rerun_completes(people, tmp_path, seed):
    bids, serial, seconds = people
    output = tmp_path / "out"
    words = [bids, output, "participant", "group", "--nprocs", "1"]
    process = start(tmp_path / "killed", words, without_pages)
    time.sleep(random.Random(seed).uniform(0.1, 0.9) * seconds)
    process.kill()
    process.join()
    for name, row in rows(output).items():
        assert row["status"] == "ok", name
    if any(output.glob("sub-*")):
        group = run(tmp_path / "group", [bids, output, "group"], without_pages)
        gathered = read_tsv(output / "group_brainage.tsv")
        good = [row for row in gathered if row["status"] == "ok"]
        assert all(row in undisturbed(serial) for row in good)
        assert all(r["status_reason"].startswith("interrupted") for r in gathered if r not in good)
        assert group.code == int(len(good) < len(gathered))
    assert run(tmp_path / "rerun", words, without_pages).code == 0
    assert tables(output) == serial


def undisturbed(serial):
    header, *lines = serial["group_brainage.tsv"].decode().splitlines()
    return [dict(zip(header.split("\t"), line.split("\t"), strict=True)) for line in lines]


def test_a_killed_worker_costs_its_session_and_the_others_have_theirs(
    trio, tmp_path, without_pages, monkeypatch
):
    def second_is_killed(function, jobs, nprocs, step=None):
        for number, (job, result) in enumerate(map_processes(function, jobs, 1, step)):
            yield job, None if number == 1 else result

    monkeypatch.setattr(participant, "map_processes", second_is_killed)
    done = app(trio, tmp_path / "out", "participant", "group")
    found = rows(tmp_path / "out")
    assert done.code == 1 and "2 ok, 1 failed" in done.out
    assert [row["status"] for row in found.values()] == ["ok", "failed", "ok"]
    assert "killed, most likely for lack of memory" in found["sub-02"]["status_reason"]
    assert found["sub-02"]["predicted_age"] == "n/a"
    monkeypatch.undo()
    monkeypatch.setattr(participant, "write_pages", lambda *_: None)
    assert app(trio, tmp_path / "out", "participant").code == 0


def test_a_killed_drawer_of_pages_costs_a_page_only(trio, tmp_path, monkeypatch):
    killed = lambda function, labels, nprocs: ((label, None) for label in labels)  # noqa: E731
    monkeypatch.setattr(pages, "map_processes", killed)
    done = app(trio, tmp_path / "out", "participant", "--participant-label", "01")
    assert done.code == 0 and rows(tmp_path / "out")["sub-01"]["status"] == "ok"


def test_a_run_killed_before_it_took_its_marker_away_is_completed_by_the_stage(
    trio, tmp_path, without_pages
):
    output = tmp_path / "out"
    assert app(trio, output, "participant").code == 0
    before = tables(output)
    marker = output / "logs" / "started" / "sub-02.json"
    marker.write_text("{}")
    assert app(trio, output, "group").code == 1
    done = app(trio, output, "participant", "--stage", "predict")
    assert done.code == 0 and "1 of 3" in done.out and not marker.exists()
    assert app(trio, output, "group").code == 0
    assert {name: tables(output)[name] for name in before} == before
