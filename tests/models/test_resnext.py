from types import SimpleNamespace

import pytest
import torch

from bids_brainage.errors import ModelError
from bids_brainage.models.cards import InputSpec, names_hash
from bids_brainage.models.resnext import ResNeXt, ResNeXtConfig, build, check, smallest
from bids_brainage.models.views import views

SMALL = ResNeXtConfig(blocks=(1, 1), planes=(8, 16), groups=4, stem=8, shape=(16, 16, 16))


def test_network_has_the_parameters_of_the_specification():
    with torch.device("meta"):
        network = ResNeXt()
    assert sum(p.numel() for p in network.parameters()) == 25_870_465


def test_maps_have_the_shapes_of_the_specification():
    with torch.device("meta"):
        network = ResNeXt()
        x = network.stem(torch.empty(1, 1, 64, 64, 64))
        assert x.shape == (1, 128, 64, 32, 32)
        shapes = []
        for number, block in enumerate(network.blocks, start=1):
            x = block(x)
            if number in (3, 7, 13, 16):
                shapes.append(tuple(x.shape[1:]))
    assert shapes == [(256, 64, 32, 32), (512, 32, 16, 16), (1024, 16, 8, 8), (2048, 8, 4, 4)]


def test_age_is_told_and_sex_is_not():
    network = build(SMALL.as_dict()).eval()
    assert network.config == SMALL
    network.centre.fill_(50.0)
    age, logit = network({"image": torch.zeros(2, 16, 16, 16)})
    assert age.shape == (2,)
    assert logit.isnan().all()


def test_averaging_is_over_all_copies():
    network = ResNeXt(SMALL).eval()
    image = torch.randn(2, 16, 16, 16)
    with torch.no_grad():
        each = torch.stack([network({"image": copy})[0] for copy in views(image)])
        network.average = True
        torch.testing.assert_close(network({"image": image})[0], each.mean(dim=0))


def test_activations_computed_twice_give_the_same_gradient():
    gradients = []
    for light in (False, True):
        torch.manual_seed(0)
        network = ResNeXt(SMALL).train()
        network.light = light
        network.age(torch.ones(2, 1, 16, 16, 16) * torch.arange(16)).sum().backward()
        gradients.append(network.stem[0].weight.grad)
    torch.testing.assert_close(*gradients)


def test_first_axis_is_not_halved_by_the_stem():
    assert smallest(ResNeXtConfig()) == 4
    assert smallest(SMALL) == 4


def test_card_must_name_the_image_that_goes_in():
    spec = InputSpec((), names_hash(()), shape=(16, 16, 15))
    with pytest.raises(ModelError, match="16, 16, 16"):
        check(ResNeXt(SMALL), SimpleNamespace(inputs={"image": spec}))
