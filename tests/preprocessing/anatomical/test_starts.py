import numpy as np
import pytest

from bids_brainage.preprocessing.anatomical.starts import find_starts, rotation_degrees


def starts(head, template, count=2):
    brain = np.where(head.tissue > 0, np.asarray(head.image.dataobj), 0)
    return find_starts(template.brain, template.affine, brain, head.image.affine, count)


def test_the_image_as_labelled_comes_first_with_centres_aligned(head, template):
    first = starts(head, template)[0]
    np.testing.assert_array_equal(first[:3, :3], np.eye(3))
    assert np.linalg.norm(first[:3, 3]) > 1


@pytest.mark.parametrize("axis", [1, 2])
def test_a_flipped_head_gets_a_half_turn(make_head, template, axis):
    found = starts(make_head(flip=(axis,)), template)
    assert max(rotation_degrees(start) for start in found) > 140


def test_a_strongly_tilted_head_gets_a_tilted_start(make_head, template):
    found = starts(make_head(degrees=50), template)
    assert any(20 < rotation_degrees(start) < 80 for start in found)


def test_starts_are_rigid_and_differ(head, template):
    found = starts(head, template, 3)
    assert len(found) == 4
    for start in found:
        assert np.linalg.det(start[:3, :3]) == pytest.approx(1)


def test_rotation_degrees_ignores_scaling():
    angle = np.radians(40)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0]])
    turn = np.vstack([turn, [0, 0, 1]])
    assert rotation_degrees(turn @ np.diag([1.1, 1.3, 0.9])) == pytest.approx(40, abs=3)
