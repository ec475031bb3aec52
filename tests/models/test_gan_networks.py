import pytest
import torch
from torch.nn.utils.parametrize import is_parametrized

from bids_brainage.models.gan_networks import Discriminator, Generator, draw_codes


def count(network):
    return sum(p.numel() for p in network.parameters())


def test_networks_have_the_parameters_of_the_specification():
    with torch.device("meta"):
        assert count(Generator()) == 4_410_304
        assert count(Discriminator()) == 2_771_841


def test_maps_have_the_shapes_of_the_specification():
    with torch.device("meta"):
        generator, discriminator = Generator().eval(), Discriminator().eval()
        x = generator.linear(torch.empty(2, 100))
        assert x.shape == (2, 16384)
        assert generator.layers[:3](x.unflatten(1, (256, 4, 4, 4))).shape == (2, 128, 8, 8, 8)
        cubes = generator(torch.empty(2, 100))
        assert cubes.shape == (2, 1, 64, 64, 64)
        assert discriminator.layers(cubes).shape == (2, 256, 4, 4, 4)
        assert discriminator(cubes).shape == (2,)


@pytest.mark.parametrize("stabiliser", ["spectral", "penalty"])
def test_stable_variants_drop_batch_normalisation_alone(stabiliser):
    plain, stable = Discriminator(0.25), Discriminator(0.25, stabiliser=stabiliser)
    assert not any(isinstance(m, torch.nn.BatchNorm3d) for m in stable.modules())
    assert count(plain) - count(stable) == 2 * (16 + 32 + 64)


def test_spectral_normalisation_is_of_every_layer():
    network = Discriminator(0.1, 16, "spectral")
    layers = [m for m in network.modules() if isinstance(m, torch.nn.Conv3d | torch.nn.Linear)]
    assert len(layers) == 5
    for _ in range(30):
        network(torch.rand(2, 1, 16, 16, 16))
    network.eval()
    for layer in layers:
        assert is_parametrized(layer, "weight")
        norm = torch.linalg.matrix_norm(layer.weight.flatten(1), ord=2)
        torch.testing.assert_close(norm, torch.tensor(1.0), atol=0.05, rtol=0)


def test_voxels_lie_between_0_and_1_and_codes_too():
    codes = draw_codes(3, torch.Generator().manual_seed(0))
    cubes = Generator(0.1, 32)(codes)
    assert cubes.shape == (3, 1, 32, 32, 32)
    assert cubes.min() >= 0 and cubes.max() <= 1
    assert codes.min() >= 0 and codes.max() <= 1
    many = draw_codes(2000, torch.Generator().manual_seed(0))
    assert abs(many.var().item() - 1 / 12) < 0.001


def test_a_centred_generator_starts_near_the_mean_brain_and_its_critic_sees_differences():
    mean = torch.rand(16, 16, 16, generator=torch.Generator().manual_seed(0))
    generator = Generator(0.1, 16).eval()
    generator.centre(mean)
    codes = draw_codes(4, torch.Generator().manual_seed(1))
    with torch.no_grad():
        generator.layers[-1].weight.zero_()
        made = generator(codes)
    assert torch.allclose(made, mean.clamp(1e-3, 1 - 1e-3).expand_as(made), atol=1e-5)
    critic = Discriminator(0.1, 16, "penalty").eval()
    plain = Discriminator(0.1, 16, "penalty").eval()
    plain.load_state_dict(critic.state_dict())
    critic.centre(mean, torch.tensor(0.02))
    with torch.no_grad():
        assert torch.allclose(critic(made), plain((made - mean) / 0.02))
