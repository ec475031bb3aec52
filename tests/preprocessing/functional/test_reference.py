import numpy as np
import pytest

from bids_brainage.preprocessing.functional.reference import (
    dice,
    largest,
    otsu,
    refined_mask,
    rough_mask,
)
from tests.preprocessing.functional import phantom

ZOOMS = np.full(3, 6.0)


@pytest.fixture
def head():
    return phantom.tissues(phantom.world(phantom.BOLD_SHAPE, phantom.BOLD_AFFINE))[0] < 0.5


def test_rough_mask_covers_the_brain_and_not_a_distant_blob(head):
    volume = phantom.bold_volume()
    volume[:3, :3, :3] = 2000
    mask = rough_mask(volume, ZOOMS)
    assert dice(mask, head.reshape(mask.shape)) > 0.93
    assert not mask[:3, :3, :3].any()


def test_ventricles_are_inside(head):
    mask = rough_mask(phantom.bold_volume() * (phantom.bold_volume() < 1300), ZOOMS)
    assert mask.sum() > 0.9 * head.sum()


def test_refined_mask_leaves_out_drop_out(head):
    volume = phantom.bold_volume()
    anatomical = head.reshape(volume.shape)
    volume[:, 22:] = 0
    mask, covered = refined_mask(volume, ZOOMS, anatomical)
    assert not mask[:, 22:].any()
    assert covered == pytest.approx(mask.sum() / anatomical.sum())
    assert 0.5 < covered < 0.95


def test_no_signal_gives_an_empty_mask(head):
    anatomical = head.reshape(phantom.BOLD_SHAPE)
    mask, covered = refined_mask(np.zeros(phantom.BOLD_SHAPE), ZOOMS, anatomical)
    assert not mask.any()
    assert covered == 0


def test_otsu_parts_two_classes():
    values = np.concatenate([np.full(300, 10.0), np.full(100, 90.0)]).reshape(20, 5, 4)
    assert 10 < otsu(values) < 90


def test_largest_piece():
    mask = np.zeros((6, 6, 6), bool)
    mask[0, 0, 0] = mask[3:5, 3:5, 3:5] = True
    assert largest(mask).sum() == 8
