import pytest
import torch

from bids_brainage.preprocessing.intensity import CEILING, normalise_head


@pytest.fixture
def head():
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(20, 20, 20, generator=generator) * 3
    image[5:15, 5:15, 5:15] = 80 + 20 * torch.rand(10, 10, 10, generator=generator)
    return image


def test_units_do_not_matter(head):
    once = normalise_head(head)
    assert torch.allclose(normalise_head(head * 37), once, atol=1e-4)
    assert once[5:15, 5:15, 5:15].mean() == pytest.approx(1, abs=0.02)


def test_bright_vessels_do_not_matter_and_are_cut(head):
    bright = head.clone()
    bright[6, 6, 6:9] = 1e5
    assert torch.allclose(normalise_head(bright)[8], normalise_head(head)[8], atol=0.02)
    assert normalise_head(bright).max() <= CEILING


def test_what_was_stripped_stays_zero(head):
    stripped = torch.where(head > 50, head, 0.0)
    assert ((normalise_head(stripped) == 0) == (stripped == 0)).all()


@pytest.mark.parametrize("value", [0.0, -3.0])
def test_an_image_without_signal_becomes_zero(value):
    assert not normalise_head(torch.full((4, 4, 4), value)).any()
