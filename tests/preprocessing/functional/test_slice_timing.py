import numpy as np
import pytest

from bids_brainage.preprocessing.functional.slice_timing import (
    neighbours,
    shift_volume,
    slice_times,
)

SHAPE = (3, 4, 10)
TR = 2.0
TIMES = [0.0, 1.0, 0.2, 1.2, 0.4, 1.4, 0.6, 1.6, 0.8, 1.8]


def corrected(series, times):
    n_volumes = series.shape[3]
    done = []
    for index in range(n_volumes):
        around = neighbours(index, 0, n_volumes)
        done.append(shift_volume(series[..., around], len(around) // 2, times))
    return np.stack(done, axis=-1)


@pytest.mark.parametrize(("direction", "axis"), [("k", 2), ("k-", 2), ("j", 1), ("i-", 0)])
def test_a_sine_has_one_phase_in_all_slices(direction, axis):
    shape = np.roll(SHAPE, axis - 2) if axis != 1 else (3, 10, 4)
    times, note = slice_times(
        {"SliceTiming": TIMES, "SliceEncodingDirection": direction}, tuple(shape), TR
    )
    assert times.axis == axis
    assert "0.900 s" in note
    taken = np.array(TIMES[::-1] if direction.endswith("-") else TIMES)
    moments = TR * np.arange(60) + taken[:, None]
    wave = np.sin(2 * np.pi * 0.06 * moments).astype(np.float32)
    series = np.moveaxis(np.broadcast_to(wave[:, None, None], (10, 3, 4, 60)), 0, axis)
    found = np.moveaxis(corrected(series, times), axis, 0)
    true = np.sin(2 * np.pi * 0.06 * (TR * np.arange(60) + 0.9))
    before = np.abs(wave - true)[:, 8:-8].max()
    after = np.abs(found[:, 0, 0] - true)[:, 8:-8].max()
    assert before > 0.3
    assert after < 0.01


def test_constant_signal_stays():
    times, _ = slice_times({"SliceTiming": TIMES}, SHAPE, TR)
    assert corrected(np.full((*SHAPE, 12), 7.0, np.float32), times) == pytest.approx(7)


def test_ends_are_mirrored_and_unsteady_volumes_left_out():
    assert neighbours(2, 2, 30).tolist() == [6, 5, 4, 3, 2, 3, 4, 5, 6]
    assert neighbours(29, 2, 30).tolist() == [25, 26, 27, 28, 29, 28, 27, 26, 25]


def test_milliseconds_are_seen():
    times, note = slice_times({"SliceTiming": [1000 * t for t in TIMES]}, SHAPE, TR)
    assert times.moment == pytest.approx(0.9)
    assert "milliseconds" in note


def test_several_slices_at_once():
    times, _ = slice_times({"SliceTiming": [0, 0.4, 0.8, 1.2, 1.6] * 2}, SHAPE, TR)
    assert times.shifts[0] == times.shifts[5] == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({}, "no SliceTiming"),
        ({"SliceTiming": TIMES[:4]}, "4 slice times for 10 slices"),
        ({"SliceTiming": ["a"] * 10}, "numbers"),
        ({"SliceTiming": [-1.0] * 9 + [0]}, "impossible"),
        ({"SliceTiming": [3.0, *TIMES[1:]]}, "beyond the repetition time"),
        ({"SliceTiming": [0.5] * 10}, "same time"),
    ],
)
def test_unusable_times_are_left_with_a_reason(content, reason):
    times, note = slice_times(content, SHAPE, TR)
    assert times is None
    assert reason in note
