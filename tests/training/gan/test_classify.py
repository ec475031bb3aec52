import numpy as np
import pytest
import torch

from bids_brainage.errors import InputError
from bids_brainage.training.autoencoder.brains import Brains
from bids_brainage.training.gan.classify import features_of, female_logits, train_classifier
from bids_brainage.training.gan.sample import CubeSample

CPU = torch.device("cpu")


@pytest.mark.parametrize("name", ["plain", "noisy"])
def test_a_classifier_tells_the_sex_of_new_brains(sample, recipe, tmp_path, name):
    recipe = recipe.changed(
        classifier_epochs=30, classifier_rate=5e-3, width=0.2, classifier_batch=5
    )
    network, course = train_classifier(
        sample, np.arange(16), recipe, tmp_path, name=name, device=CPU
    )
    assert len(course) == 30
    held = np.arange(16, 24)
    called = female_logits(network, sample.cubes[held]) > 0
    assert (called == sample.female[held]).mean() >= 0.75


def test_real_and_generated_cubes_are_read_at_one_scale(sample, recipe, tmp_path):
    network, _ = train_classifier(sample, np.arange(16), recipe, tmp_path, name="plain", device=CPU)
    cubes = sample.cubes[:4].astype(np.float32)
    np.testing.assert_allclose(
        female_logits(network, 0.3 * cubes + 0.2), female_logits(network, cubes), atol=1e-4
    )
    assert len(features_of(network, cubes)) == 4


def test_noise_makes_another_classifier(sample, recipe, tmp_path):
    found = [
        train_classifier(sample, np.arange(16), recipe, tmp_path / name, name=name, device=CPU)[0]
        for name in ("plain", "noisy")
    ]
    first, second = (female_logits(network, sample.cubes[:4]) for network in found)
    assert not np.allclose(first, second)


def test_people_of_unknown_sex_are_left_out_and_one_sex_alone_is_refused(sample, recipe, tmp_path):
    brains = sample.brains
    unknown = np.where(brains.female == 1, np.nan, brains.female)
    one = CubeSample(
        sample.cubes,
        Brains(brains.images, brains.labels, brains.age, brains.bins, unknown, brains.head),
    )
    with pytest.raises(InputError, match="0 women and 8 men"):
        train_classifier(one, np.arange(16), recipe, tmp_path, name="plain", device=CPU)
