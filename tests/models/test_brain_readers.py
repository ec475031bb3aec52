import pytest
import torch

from bids_brainage.models.brain_readers import LatentEncoder, ResidualBlock, SexClassifier


def count(network):
    return sum(p.numel() for p in network.parameters())


def test_networks_have_the_parameters_of_the_specification():
    with torch.device("meta"):
        assert count(LatentEncoder()) == 6_783_052
        assert count(SexClassifier()) == 6_609_705
        assert count(SexClassifier(side=70)) == 6_609_705


def test_maps_of_both_cube_sizes_end_at_8():
    with torch.device("meta"):
        assert LatentEncoder().layers(torch.empty(1, 1, 64, 64, 64)).shape == (1, 128, 8, 8, 8)
        network = SexClassifier()
        for side in (64, 70):
            assert network.layers(torch.empty(1, 1, side, side, side)).shape == (1, 64, 8, 8, 8)


def test_the_first_normalisation_of_a_block_counts():
    block = ResidualBlock(4, 8).eval()
    x = torch.randn(2, 4, 3, 3, 3)
    before = block(x)
    block.main[0].running_mean += 1.0
    assert not torch.allclose(block(x), before)


def test_a_block_without_normalisation_has_none():
    block = ResidualBlock(4, 8, normalise=False)
    assert not any(isinstance(m, torch.nn.BatchNorm3d) for m in block.modules())
    assert block(torch.randn(1, 4, 3, 3, 3)).shape == (1, 8, 3, 3, 3)


@pytest.mark.parametrize("kind", [LatentEncoder, SexClassifier])
def test_the_scale_of_what_is_read_makes_no_difference(kind):
    network = kind(0.2, 16).eval()
    cubes = torch.rand(2, 16, 16, 16)
    torch.testing.assert_close(network(700 * cubes + 30), network(cubes), atol=1e-4, rtol=1e-4)


def test_noise_is_added_to_voxels_that_were_scaled():
    network = SexClassifier(0.2, 16).eval()
    cubes, noise = torch.rand(2, 16, 16, 16), 0.1 * torch.randn(2, 16, 16, 16)
    noisy = network(cubes, noise)
    assert not torch.allclose(noisy, network(cubes))
    torch.testing.assert_close(network(50 * cubes, noise), noisy, atol=1e-4, rtol=1e-4)


def test_dropout_is_before_the_linear_layer():
    network = SexClassifier(0.2, 16)
    first, second = list(network.hidden)[:2]
    assert isinstance(first, torch.nn.Dropout) and isinstance(second, torch.nn.Linear)
