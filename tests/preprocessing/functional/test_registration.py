from dataclasses import replace

import numpy as np
import pytest

from bids_brainage.errors import InputError
from bids_brainage.preprocessing.functional.boundary import (
    boundary_cost,
    contrast,
    white_boundary,
)
from bids_brainage.preprocessing.functional.registration import coarse_tissues, register_to_t1w
from bids_brainage.preprocessing.functional.rigid import apply, small_motion
from tests.preprocessing.functional import phantom

SURFACE = 60 * np.array([[1, -1, 0, 0, 0, 0], [0, 0, 1, -1, 0, 0], [0, 0, 0, 0, 1, -1.0]])


@pytest.fixture(scope="module")
def boundary(anatomy):
    return white_boundary(anatomy.segmentation.probabilities, phantom.FINE_AFFINE)


def test_border_lies_between_white_and_grey(boundary):
    assert boundary.inside.shape[1] > 1000
    inside, outside = phantom.tissues(boundary.inside), phantom.tissues(boundary.outside)
    border = phantom.tissues(boundary.border)
    assert np.median(inside[2] - outside[2]) > 0.6
    assert np.median(outside[1]) > 0.8
    assert abs(np.median(border[2]) - 0.5) < 0.2
    apart = np.linalg.norm(boundary.inside - boundary.outside, axis=0)
    np.testing.assert_allclose(apart, 4, atol=1e-6)


def test_cost_is_least_where_the_head_is(boundary):
    volume, affine = phantom.bold_volume(), phantom.BOLD_AFFINE
    right = boundary_cost(np.eye(4), boundary, volume, affine)
    assert right < 0.3
    for axis in range(6):
        step = np.where(np.arange(6) == axis, 6 if axis < 3 else 0.1, 0.0)
        moved = small_motion(step, np.zeros(3))
        assert boundary_cost(moved, boundary, volume, affine) > right
    assert np.median(contrast(np.eye(4), boundary, volume, affine)) > 4
    away = small_motion(np.array([500.0, 0, 0, 0, 0, 0]), np.zeros(3))
    assert boundary_cost(away, boundary, volume, affine) == 2


@pytest.mark.parametrize(
    "step", [[3, -4, 5, 0.05, -0.03, 0.04], [30, -25, 40, 0.1, 0.15, -0.1]], ids=["near", "far"]
)
def test_known_transform_is_found(anatomy, step):
    true = small_motion(np.array(step, dtype=float), np.zeros(3))
    # The view moves with the head, so that all of it stays inside.
    view = small_motion(np.array([*step[:3], 0, 0, 0.0]), np.zeros(3)) @ phantom.BOLD_AFFINE
    volume = phantom.bold_volume(true, view)
    found = register_to_t1w(volume, view, anatomy.segmentation)
    error = np.linalg.norm(apply(found.matrix, SURFACE) - apply(true, SURFACE), axis=0)
    assert error.max() < 1.0
    assert found.numbers["MaskDice"] > 0.9
    assert found.numbers["ShareOfBrainInView"] == 1
    assert found.numbers["BoundaryCost"] < 0.5
    assert found.notes == ()


def test_another_object_is_refused(anatomy):
    random = np.random.default_rng(0)
    volume = random.uniform(0, 1000, phantom.BOLD_SHAPE).astype(np.float32)
    with pytest.raises(InputError, match=r"registration of BOLD to T1w failed.*Dice"):
        register_to_t1w(volume, phantom.BOLD_AFFINE, anatomy.segmentation)


def test_partial_view_is_noted(anatomy):
    volume = phantom.bold_volume()[:, :, 9:]
    affine = phantom.BOLD_AFFINE.copy()
    affine[:3, 3] += 9 * affine[:3, 2]
    found = register_to_t1w(volume, affine, anatomy.segmentation)
    assert found.numbers["ShareOfBrainInView"] < 0.9
    assert any("in the view" in note for note in found.notes)


def test_blocks_keep_probabilities_and_place(anatomy):
    fine = replace(
        anatomy.segmentation,
        probabilities=np.repeat(anatomy.segmentation.probabilities, 2, axis=1),
        affine=phantom.FINE_AFFINE @ np.diag([0.5, 1, 1, 1]),
    )
    blocks, affine = coarse_tissues(replace(fine, affine=np.diag([1.0, 3, 3, 1])))
    np.testing.assert_allclose(blocks, anatomy.segmentation.probabilities, atol=1e-6)
    np.testing.assert_allclose(affine @ [0, 0, 0, 1], [0.5, 0, 0, 1])
    np.testing.assert_allclose(np.diag(affine), [2, 3, 3, 1])
