import pytest
import torch
from torch import nn

from bids_brainage.models.asymmetric import AsymmetricConv, fuse
from bids_brainage.models.scaledense import FIGURE, RELEASED, ScaleDense, ScaleDenseConfig

SMALL = ScaleDenseConfig(filters=4, layers=3, growth=1, stem="strided", features=16)


def lively(network: nn.Module) -> nn.Module:
    """Give normalisations statistics and the last layer weights other than their start values."""
    generator = torch.Generator().manual_seed(1)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm3d):
            for values, low, high in (
                (module.running_mean, -0.3, 0.3), (module.running_var, 0.5, 2),
                (module.weight.data, 0.5, 1.5), (module.bias.data, -0.3, 0.3),
            ):  # fmt: skip
                values.uniform_(low, high, generator=generator)
    for head in (
        (network.head, getattr(network, "head_with_sex", None)) if hasattr(network, "head") else ()
    ):
        if head is not None:
            head[-1].weight.data.normal_(generator=generator)
    return network.eval()


@pytest.mark.parametrize(
    ("config", "count"),
    [
        (RELEASED, 102_378_307),
        (ScaleDenseConfig(second=True), 102_379_411),
        (FIGURE, 418_634),
    ],
)
def test_networks_have_the_parameters_of_the_specification(config, count):
    with torch.device("meta"):
        network = ScaleDense(config)
    assert sum(p.numel() for p in network.parameters()) == count


def test_released_width_triples_channels_and_halves_the_image():
    with torch.device("meta"):
        network = ScaleDense(RELEASED)
        x = network.stem(torch.empty(1, 1, 91, 109, 91))
        assert x.shape == (1, 8, 81, 99, 81)
        shapes = []
        for layer in network.layers:
            x = layer(x)
            shapes.append(tuple(x.shape[1:]))
    assert shapes == [
        (24, 40, 49, 40), (72, 20, 24, 20), (216, 10, 12, 10), (648, 5, 6, 5), (1944, 2, 3, 2)
    ]  # fmt: skip


def test_width_of_the_figure_is_that_of_the_figure():
    with torch.device("meta"):
        network = ScaleDense(FIGURE)
        x = network.stem(torch.empty(1, 1, 91, 109, 91))
        shapes = [tuple(x.shape[1:])]
        for layer in network.layers:
            x = layer(x)
            shapes.append(tuple(x.shape[1:]))
    assert shapes == [(8, 45, 54, 45), (16, 22, 27, 22), (32, 11, 13, 11), (64, 5, 6, 5),
                      (128, 2, 3, 2)]  # fmt: skip


def test_block_fuses_exactly_into_one_convolution():
    block = nn.Sequential(AsymmetricConv(3, 5), nn.BatchNorm3d(5))
    lively(block)
    x = torch.randn(2, 3, 6, 7, 8)
    with torch.inference_mode():
        whole = block(x)
        fused = fuse(block[0], block[1])(x)
    torch.testing.assert_close(fused, whole, rtol=1e-5, atol=1e-5)


def test_fused_network_tells_the_same_age():
    network = lively(ScaleDense(SMALL))
    image = torch.randn(2, 1, 32, 32, 32)
    with torch.inference_mode():
        before = network(image)[0]
        after = network.fuse()(image)[0]
        again = network.fuse()(image)[0]
    torch.testing.assert_close(after, before, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(again, after)


def test_people_of_unknown_sex_go_without_it():
    network = lively(ScaleDense(SMALL))
    image = torch.randn(3, 1, 24, 24, 24)
    sex = torch.tensor([[1.0, 0.0], [0.0, 1.0], [torch.nan, torch.nan]])
    with torch.inference_mode():
        mixed = network(image, sex)[0]
        without = network(image)[0]
    torch.testing.assert_close(mixed[2], without[2])
    assert (mixed[:2] - without[:2]).abs().min() > 1e-3
    assert mixed.isfinite().all()


def test_no_network_reads_and_tells_sex():
    with pytest.raises(ValueError, match="cannot tell"):
        ScaleDenseConfig(tells_sex=True)
    network = ScaleDense(ScaleDenseConfig(filters=4, layers=2, reads_sex=False, tells_sex=True))
    age, logit = network.eval()(torch.randn(2, 1, 24, 24, 24))
    assert age.shape == logit.shape == (2,)
    assert logit.isfinite().all()


def test_everybody_starts_at_the_mean_age():
    network = ScaleDense(SMALL)
    network.centre.fill_(40.0)
    network.scale.fill_(10.0)
    age = network.eval()(torch.randn(3, 1, 24, 24, 24))[0]
    torch.testing.assert_close(age, torch.full((3,), 40.0))


def test_activations_computed_again_give_the_same_gradient():
    gradients = []
    for light in (False, True):
        torch.manual_seed(0)
        network = ScaleDense(SMALL).train()
        network.head[-1].weight.data.fill_(0.1)
        network.light = light
        torch.manual_seed(1)
        network(torch.randn(2, 1, 24, 24, 24))[0].sum().backward()
        gradients.append(network.stem[0].weight.grad)
    torch.testing.assert_close(*gradients)
