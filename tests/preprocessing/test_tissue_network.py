import pytest
import torch

from bids_brainage.models.resunet_compact import CompactConfig, CompactResUNet, Features
from bids_brainage.preprocessing import tissue_network
from bids_brainage.preprocessing.regions import mirrored_regions, region_tissues
from bids_brainage.preprocessing.tissue_network import find_tissues

LEFT, RIGHT = 1, 2


class ByBrightness(CompactResUNet):
    """Stands in for a trained network: tissue by brightness, side by the place in the box."""

    def __init__(self):
        super().__init__(CompactConfig(region_tissues(), (4, 6)))

    def forward(self, x):
        levels = torch.tensor([0.0, 0.8, 1.2, 0.4]).view(1, 4, 1, 1, 1)
        place = torch.linspace(-1, 1, x.shape[2]).view(1, 1, -1, 1, 1).expand_as(x)
        return Features(-60 * (x - levels).abs(), torch.cat([x, place, x, x], dim=1), x)

    def regions(self, features, voxels):
        place = features.fine[0, 1][tuple(voxels[:, 1:].T)]
        scores = torch.zeros(len(voxels), len(region_tissues()))
        scores[:, LEFT], scores[:, RIGHT] = 5 - place, 5 + place
        return scores


@pytest.fixture(autouse=True)
def small_close_up(monkeypatch):
    monkeypatch.setattr(tissue_network, "CLOSE_UP", (16, 16, 16))


@pytest.fixture
def volume():
    image = torch.zeros(31, 27, 33)
    image[8:22, 7:21, 9:23] = 100.0
    image[10:20, 9:19, 11:21] = 150.0
    return image


def test_tissues_come_back_in_their_place(volume):
    found = find_tissues(ByBrightness(), volume)
    tissue = found.probabilities.argmax(dim=0)
    assert found.probabilities.shape == (4, *volume.shape)
    assert torch.allclose(found.probabilities.sum(dim=0), torch.ones(volume.shape), atol=1e-5)
    assert (tissue[10:20, 9:19, 11:21] == 2).float().mean() > 0.9
    assert (tissue[volume == 0] == 0).all()


def test_left_and_right_are_exchanged_in_mirrored_views(volume):
    grey = find_tissues(ByBrightness(), volume).regions[0]
    assert set(grey[8:14, 12, 14].tolist()) == {LEFT}
    assert set(grey[16:22, 12, 14].tolist()) == {RIGHT}
    assert mirrored_regions()[LEFT] == RIGHT


@pytest.mark.parametrize("shape", [(1, 1, 1), (5, 40, 17)])
def test_any_size_is_padded(shape):
    found = find_tissues(ByBrightness(), torch.rand(shape))
    assert found.probabilities.shape[1:] == found.regions.shape[1:] == shape


def test_without_brain_everything_is_background():
    found = find_tissues(ByBrightness(), torch.zeros(10, 10, 10))
    assert (found.probabilities[0] == 1).all() and not found.regions.any()


def test_a_brain_cut_by_the_field_of_view_is_found(volume):
    cut = volume[:15]
    assert (find_tissues(ByBrightness(), cut).probabilities[0, 14] < 0.5).any()
