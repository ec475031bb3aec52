from types import SimpleNamespace

import pytest
import torch

from bids_brainage.errors import ModelError
from bids_brainage.models.gan import Gan, GanConfig, build, check

SMALL = GanConfig(width=0.1, side=16, shape=(14, 17, 14))


@pytest.fixture
def model():
    torch.manual_seed(0)
    return Gan(SMALL).eval()


def test_the_configuration_comes_back_and_tells_its_kind():
    values = GanConfig(quantile=0.99).as_dict()
    assert values["kind"] == "gan"
    assert build(SMALL.as_dict()).config == SMALL


def test_age_and_sex_are_told_of_brains(model):
    model.weight.fill_(0.01)
    model.intercept.fill_(40.0)
    age, logit = model({"image": torch.rand(3, 14, 17, 14)})
    assert age.shape == logit.shape == (3,)
    assert not (age == 40).any() and logit.isfinite().all()


def test_ages_stay_within_those_of_the_training_people(model):
    model.intercept.fill_(300.0)
    model.oldest.fill_(70.0)
    assert model.age(torch.zeros(1, 100)).item() == 70.0


def test_generated_and_real_brains_are_read_in_one_form(model):
    cubes = model.generate(torch.rand(2, 100))
    assert cubes.shape == (2, 16, 16, 16)
    assert model.cubes(torch.rand(2, 14, 17, 14)).shape == cubes.shape
    torch.testing.assert_close(model.female(cubes), model.female(3 * cubes), atol=1e-4, rtol=1e-4)


def test_other_shapes_than_the_card_says_are_refused(model):
    card = SimpleNamespace(inputs={"image": SimpleNamespace(shape=(58, 70, 58))})
    with pytest.raises(ModelError, match="14, 17, 14"):
        check(model, card)


def test_a_batch_tells_each_brain_as_alone(model):
    images = torch.rand(3, 14, 17, 14)
    together, _ = model({"image": images})
    alone = torch.cat([model({"image": image[None]})[0] for image in images])
    torch.testing.assert_close(together, alone)
