import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from bids_brainage.errors import InputError, UsageError
from bids_brainage.training.autoencoder.brains import Brains
from bids_brainage.training.autoencoder.image_fit import (
    codes_of,
    fit_network,
    loss_of,
    losses,
    start_network,
)
from bids_brainage.training.autoencoder.image_recipe import ImageAutoencoderRecipe

CPU = torch.device("cpu")
N = 12
RECIPE = ImageAutoencoderRecipe(
    bottleneck=4, width=0.125, epochs=20, patience=20, batch_size=6, learning_rate=1e-2, noise=0.0
)


@pytest.fixture
def brains():
    """Balls whose upper half is brighter in some people."""
    generator = np.random.default_rng(0)
    shape = (18, 20, 17)
    place = np.stack(np.indices(shape), axis=-1) - np.array(shape) / 2
    ball = ((place / [7, 8, 7]) ** 2).sum(axis=-1) < 1
    bright = generator.normal(0, 0.3, N)
    images = ball * (1 + bright[:, None, None, None] * (place[..., 2] > 0))
    images = images + ball * generator.normal(0, 0.02, (N, *shape))
    empty = np.full(N, np.nan)
    return Brains(images.astype(np.float16), tuple(f"p{i}" for i in range(N)), empty,
                  np.full(N, "", dtype=object), empty, empty)  # fmt: skip


ROWS, OTHERS = np.arange(9), np.arange(9, N)


def fitted(brains, folder, recipe=RECIPE, others=OTHERS, **options):
    return fit_network(brains, ROWS, others, recipe, folder, device=CPU, **options)


def test_error_of_the_mean_brain_is_one_for_training_people(brains):
    network = start_network(brains, ROWS, RECIPE)
    torch.nn.init.zeros_(network.decoder[-1].weight)
    assert losses(network, brains, ROWS)[1].mean() == pytest.approx(1, rel=1e-3)
    inside = network.field.bool()
    found = network.standard(torch.from_numpy(brains.block(ROWS)))
    assert found[:, inside].mean() == pytest.approx(0, abs=1e-3)


def test_network_learns_to_rebuild_what_differs_between_people(brains, tmp_path):
    network, course = fitted(brains, tmp_path)
    assert losses(network, brains, OTHERS)[1].mean() < 0.8
    assert len(course) <= RECIPE.epochs
    assert codes_of(network, brains, OTHERS).shape == (3, 4)


def test_epoch_with_the_least_error_on_validation_people_is_kept(brains, tmp_path):
    network, course = fitted(brains, tmp_path)
    least = min(float(row[-1]) for row in course)
    assert losses(network, brains, OTHERS)[1].mean() == pytest.approx(least, abs=1e-3)


def test_training_stops_when_patience_ends(brains, tmp_path):
    recipe = RECIPE.changed(learning_rate=1e-9, patience=2, epochs=30)
    _, course = fitted(brains, tmp_path, recipe)
    assert len(course) < 30


def test_without_validation_people_the_last_epoch_is_kept_at_a_falling_rate(brains, tmp_path):
    recipe = RECIPE.changed(epochs=4)
    _, course = fitted(brains, tmp_path, recipe, others=ROWS[:0])
    assert [row[1] for row in course] == [1, 2, 3, 4]
    rates = [float(row[2]) for row in course]
    assert rates == sorted(rates, reverse=True)


def test_killed_training_goes_on_exactly(brains, tmp_path):
    recipe = RECIPE.changed(epochs=4, noise=0.3, shift=1.0, flip=0.5)
    whole, course = fitted(brains, tmp_path / "whole", recipe)

    class Killed(Exception):
        pass

    def stop(text):
        if text.startswith("epoch 3"):
            raise Killed

    with pytest.raises(Killed):
        fitted(brains, tmp_path / "cut", recipe, progress=stop)
    again, rest = fitted(brains, tmp_path / "cut", recipe, resume=True)
    assert rest == course
    for name, value in whole.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name


def test_brains_that_vary_in_blocks_count_more_than_single_voxels():
    field = torch.ones(16, 16, 16)
    sign = torch.tensor([1.0, -1.0]).repeat(8)
    single = sign[:, None, None] * sign[:, None] * sign
    both = torch.stack([torch.ones(16, 16, 16), single])[:, None]
    whole, noise = loss_of(both, field)
    assert noise == pytest.approx(1 / 8)
    assert whole == pytest.approx(1)


def test_loss_that_is_not_finite_ends_the_training(brains, tmp_path):
    broken = replace(brains, images=np.where(brains.images > 0, np.nan, 0).astype(np.float16))
    with pytest.raises(InputError, match="the loss is nan in epoch 1"):
        fitted(broken, tmp_path)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"bottleneck": 0}, "bottleneck = 0"),
        ({"width": -1.0}, "width = -1.0"),
        ({"epochs": 1.5}, "Give a whole number"),
        ({"validation": 1.0}, "share below 1"),
        ({"head_size": "halved"}, "Choose removed, kept"),
        ({"learning_rate": math.inf}, "Give a number"),
        ({"seed": 2**32}, "4294967295"),
    ],
)
def test_options_out_of_range_are_refused(options, said):
    with pytest.raises(UsageError) as error:
        ImageAutoencoderRecipe(**options)
    assert said in str(error.value)


def test_full_network_is_the_specified_one_and_the_compact_one_smaller():
    full = ImageAutoencoderRecipe.full().model_config
    assert (full.bottleneck, full.channels) == (1000, (16, 32, 64, 128))
    assert ImageAutoencoderRecipe.compact().model_config.channels == (4, 8, 16, 32)
    assert not ImageAutoencoderRecipe().moves
    assert ImageAutoencoderRecipe(flip=0.5).augmentation.flip == 0.5
