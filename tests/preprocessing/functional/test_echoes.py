from pathlib import Path

from bids_brainage.preprocessing.functional.echoes import choose_echo
from bids_brainage.records.raw import RawBold


def echo(number, seconds=None, run="1", **metadata):
    entities = (("sub", "1"), ("task", "rest"), ("run", run), ("echo", str(number)))
    times = {} if seconds is None else {"EchoTime": seconds}
    return RawBold(Path(f"run-{run}_echo-{number}_bold.nii.gz"), entities, times | metadata)


def numbers(runs):
    return [dict(run.entities).get("echo") for run in runs]


def test_echo_nearest_to_t2_star_is_kept():
    kept, notes = choose_echo([echo(1, 0.012), echo(2, 0.028), echo(3, 0.044)])
    assert numbers(kept) == ["2"]
    assert "3 echoes" in notes[0]
    assert "28 ms" in notes[0]


def test_low_field_wants_a_later_one():
    times = [echo(k, t, MagneticFieldStrength=1.5) for k, t in ((1, 0.015), (2, 0.03), (3, 0.045))]
    assert numbers(choose_echo(times)[0]) == ["3"]


def test_milliseconds_are_seen():
    assert numbers(choose_echo([echo(1, 14), echo(2, 30), echo(3, 46)])[0]) == ["2"]


def test_second_echo_where_times_are_missing():
    kept, notes = choose_echo([echo(3), echo(1, 0.01), echo(2)])
    assert numbers(kept) == ["2"]
    assert "not stated" in notes[0]


def test_single_echo_runs_pass_unchanged():
    runs = [
        RawBold(Path("a"), (("task", "rest"), ("run", "1"))),
        RawBold(Path("b"), (("task", "rest"), ("run", "2"))),
    ]
    assert choose_echo(runs) == (runs, [])
    assert choose_echo([]) == ([], [])


def test_each_run_keeps_its_own():
    runs = [echo(k, t, run) for run in "12" for k, t in ((1, 0.01), (2, 0.03))]
    assert numbers(choose_echo(runs)[0]) == ["2", "2"]
