from dataclasses import replace

import pytest
import torch

from bids_brainage.errors import ModelError
from bids_brainage.models import aegan
from bids_brainage.models.cards import InputSpec, names_hash
from bids_brainage.models.image_autoencoder import (
    SHAPE,
    ImageAutoencoder,
    ImageAutoencoderConfig,
    field_of,
)
from bids_brainage.models.store import load_model

SMALL = ImageAutoencoderConfig(bottleneck=7, width=0.125, shape=(18, 22, 17))


def n_parameters(module):
    return sum(value.numel() for value in module.parameters())


@pytest.fixture
def network():
    torch.manual_seed(0)
    return ImageAutoencoder(SMALL).eval()


def test_specified_network_has_the_specified_parameters():
    with torch.device("meta"):
        network = ImageAutoencoder()
    assert n_parameters(network) == 10_600_584
    assert n_parameters(network.encoder) == 5_298_600
    assert n_parameters(network.fc) == 4_612_608
    assert n_parameters(network.decoder) == 689_376
    assert network.smallest == (128, 3, 4, 3)
    odd = [layer.output_padding for layer in network.decoder[::3]]
    assert odd == [(1, 0, 1), (0, 1, 0), (1, 1, 1), (0, 0, 0)]


def test_narrow_network_gives_the_image_back_in_its_shape():
    network = ImageAutoencoder(ImageAutoencoderConfig(bottleneck=10, width=0.125)).eval()
    images = torch.rand(2, *SHAPE)
    assert network.encode(images).shape == (2, 10)
    assert network.decode(network.encode(images)).shape == (2, *SHAPE)


def test_decoded_brain_is_the_mean_brain_where_nobody_has_brain(network):
    network.centre.copy_(torch.rand(SMALL.shape))
    network.field.zero_()[4:12, 4:12, 4:12] = 1
    found = network.decode(torch.randn(1, 7))[0]
    assert torch.equal(found[:4], network.centre[:4])
    assert not torch.allclose(found[5:11, 5:11, 5:11], network.centre[5:11, 5:11, 5:11])


def test_age_and_sex_are_straight_lines_of_the_code_and_ages_end(network):
    images = torch.rand(3, *SMALL.shape)
    codes = network.encode(images)
    network.age_weight[2] = 3.0
    network.age_intercept.fill_(40.0)
    network.sex_weight[1] = -1.0
    age, logit = network({"image": images})
    torch.testing.assert_close(age, 40 + 3 * codes[:, 2])
    torch.testing.assert_close(logit, -codes[:, 1])
    network.oldest.fill_(30.0)
    assert (network({"image": images})[0] == 30).all()


def test_scores_without_head_size_do_not_tell_it(network):
    codes = torch.randn(50, 7, generator=torch.Generator().manual_seed(0))
    network.head_weight[0] = 1.0
    network.head_loading[:2] = torch.tensor([1.0, 0.5])
    scores = network.scores(codes)
    assert torch.allclose(scores[:, 0], torch.zeros(50))
    torch.testing.assert_close(scores[:, 1], codes[:, 1] - 0.5 * codes[:, 0])


def test_codes_beyond_the_training_people_are_counted(network):
    images = torch.rand(2, *SMALL.shape)
    assert network.out_of_range({"image": images}).tolist() == [0, 0]
    network.lower.fill_(1e6)
    assert network.out_of_range({"image": images}).tolist() == [1, 1]


def test_field_is_where_anybody_has_brain():
    images = torch.zeros(2, 3, 3, 3)
    images[0, 1, 1, 1], images[1, 2, 2, 2] = 0.5, 2.0
    assert field_of(images).sum() == 2


def test_image_too_small_to_be_halved_four_times_is_refused():
    with pytest.raises(ValueError, match="halved four times"):
        ImageAutoencoder(ImageAutoencoderConfig(shape=(15, 20, 20)))


def test_configuration_survives_its_card(network):
    values = SMALL.as_dict()
    assert values["kind"] == "images"
    assert ImageAutoencoderConfig.from_dict(values) == SMALL
    assert isinstance(aegan.build(values), ImageAutoencoder)


def test_card_of_another_shape_is_refused(network):
    card = load_model("mavae")[1]
    spec = InputSpec(names=(), sha256=names_hash(()), shape=SMALL.shape)
    card = replace(card, config=SMALL.as_dict(), inputs={"image": spec})
    aegan.check(network, card)
    with pytest.raises(ModelError, match="the weights take an image"):
        aegan.check(network, replace(card, inputs={"image": replace(spec, shape=(9, 9, 9))}))
