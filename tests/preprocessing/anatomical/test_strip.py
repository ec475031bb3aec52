import pytest

from bids_brainage.preprocessing.anatomical.strip import is_skull_stripped


@pytest.mark.parametrize("scalp", [True, False])
@pytest.mark.parametrize("with_segmentation", [True, False])
def test_a_head_is_told_from_a_brain_by_looking(make_head, scalp, with_segmentation):
    head = make_head(scale=1.0, scalp=scalp)
    found, reason = is_skull_stripped(
        head.image, None, head.segment() if with_segmentation else None
    )
    assert found is not scalp
    assert reason.startswith("by looking")


def test_the_sidecar_is_believed_but_its_contradiction_is_told(head):
    found, reason = is_skull_stripped(head.image, True, head.segment())
    assert found
    assert "although" in reason


def test_agreement_is_told(head):
    found, reason = is_skull_stripped(head.image, False, head.segment())
    assert not found
    assert "although" not in reason
