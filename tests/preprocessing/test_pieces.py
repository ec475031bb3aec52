import numpy as np

from bids_brainage.preprocessing.pieces import bounding_box, largest_piece, without_bridges


def cube(size=20, low=4, high=12):
    mask = np.zeros((size, size, size), bool)
    mask[low:high, low:high, low:high] = True
    return mask


def test_the_largest_piece_is_kept_and_filled():
    mask = cube()
    full = mask.copy()
    mask[7, 7, 7] = False
    mask[15:17, 15:17, 15:17] = True
    assert np.array_equal(largest_piece(mask), full)


def test_nothing_stays_nothing():
    nothing = np.zeros((5, 5, 5), bool)
    assert not largest_piece(nothing).any() and not without_bridges(nothing).any()
    assert bounding_box(nothing) is None


def test_the_box_is_tight():
    assert bounding_box(cube()) == (slice(4, 12),) * 3


def test_what_hangs_on_a_thin_bridge_is_cut_off():
    mask = cube()
    mask[12:15, 7, 7] = True
    mask[15:18, 6:9, 6:9] = True
    kept = without_bridges(mask)
    assert kept[cube()].all() and not kept[15:].any()


def test_a_thin_mask_survives():
    mask = np.zeros((9, 9, 9), bool)
    mask[4, 2:7, 2:7] = True
    assert np.array_equal(without_bridges(mask), mask)
