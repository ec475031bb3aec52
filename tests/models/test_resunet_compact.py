import pytest
import torch
from torch.nn import functional

from bids_brainage.models.resunet_compact import (
    CompactConfig,
    CompactResUNet,
    Features,
    SampleNorm,
)

TISSUES = (0, 1, 1, 2, 3)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return CompactResUNet(CompactConfig(TISSUES, (4, 6, 8))).eval()


def test_the_shipped_shape_is_compact():
    with torch.device("meta"):
        model = CompactResUNet(CompactConfig(tuple(range(55))))
    assert sum(p.numel() for p in model.parameters()) == 1_465_995
    assert model.multiple == 16


def test_every_voxel_gets_tissue_scores(network):
    with torch.inference_mode():
        features = network(torch.randn(1, 1, 8, 12, 16))
    assert features.tissue.shape == (1, 4, 8, 12, 16)
    assert features.fine.shape == (1, 4, 8, 12, 16)
    assert features.coarse.shape == (1, 6, 4, 6, 8)


def test_normalisation_is_that_of_each_image_in_training_and_evaluation():
    norm, x = SampleNorm(3), torch.randn(2, 3, 4, 4, 4) * 5 + 2
    expected = functional.instance_norm(x)
    for mode in (True, False):
        assert torch.allclose(norm.train(mode)(x), expected, atol=1e-5)


def test_an_image_is_segmented_the_same_whatever_is_beside_it(network):
    x = torch.randn(2, 1, 8, 8, 8)
    with torch.inference_mode():
        assert torch.allclose(network(x).tissue[:1], network(x[:1]).tissue, atol=1e-5)


def test_coarse_features_are_interpolated_between_voxels(network):
    ramp = torch.arange(4.0).view(1, 1, 4, 1, 1).expand(1, 6, 4, 4, 4)
    fine = torch.zeros(1, 4, 8, 8, 8)
    voxels = torch.tensor([[0, 2, 3, 3], [0, 3, 3, 3], [0, 4, 3, 3]])
    with torch.inference_mode():
        scores = network.regions(Features(fine[:, :4], fine, ramp), voxels)
    per_unit = network.region_coarse.weight.sum(dim=1)
    base = network.region_fine.bias
    for row, place in zip(scores, (0.75, 1.25, 1.75), strict=True):
        assert torch.allclose(row, base + per_unit * place, atol=1e-5)


def test_only_regions_of_the_tissue_are_left(network):
    scores = network.within_tissue(torch.zeros(3, 5), torch.tensor([1, 2, 3]))
    assert torch.isfinite(scores).nonzero().tolist() == [[0, 1], [0, 2], [1, 3], [2, 4]]
