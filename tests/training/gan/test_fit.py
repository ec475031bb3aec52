import numpy as np
import pytest
import torch

from bids_brainage.errors import InputError
from bids_brainage.training.gan.fit import flipped, train_gan

CPU = torch.device("cpu")
ROWS = np.arange(20)


def same(first, second):
    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("stabiliser", ["none", "spectral", "penalty"])
def test_training_goes_on_exactly_where_it_was_stopped(sample, recipe, tmp_path, stabiliser):
    recipe = recipe.changed(stabiliser=stabiliser, skip=0.3)
    whole, course = train_gan(sample, ROWS, recipe, tmp_path / "a", device=CPU)

    def stop(text):
        if "epoch 2" in text:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_gan(sample, ROWS, recipe, tmp_path / "b", device=CPU, progress=stop)
    resumed, again = train_gan(sample, ROWS, recipe, tmp_path / "b", device=CPU, resume=True)
    assert same(whole, resumed)
    assert again == course
    assert [row["epoch"] for row in course] == [1, 2]


def test_a_finished_training_is_not_done_again(sample, recipe, tmp_path):
    first, _ = train_gan(sample, ROWS, recipe, tmp_path, device=CPU)
    told = []
    # Options of later parts change nothing here.
    again, _ = train_gan(sample, ROWS, recipe.changed(n_pairs=30), tmp_path, device=CPU,
                         resume=True, progress=told.append)  # fmt: skip
    assert same(first, again)
    assert not told


def test_another_seed_gives_another_generator(sample, recipe, tmp_path):
    first, _ = train_gan(sample, ROWS, recipe, tmp_path / "a", device=CPU)
    other, _ = train_gan(sample, ROWS, recipe.changed(seed=1), tmp_path / "b", device=CPU)
    assert not same(first, other)


def test_a_generator_that_is_always_skipped_learns_nothing_but_its_normalisation(
    sample, recipe, tmp_path
):
    skipped = recipe.changed(skip=0.999999)
    generator, course = train_gan(sample, ROWS, skipped, tmp_path / "a", device=CPU)
    longer, _ = train_gan(sample, ROWS, skipped.changed(epochs=1), tmp_path / "b", device=CPU)
    pairs = zip(generator.parameters(), longer.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    assert course[0]["generator_loss"] == 0


def test_losses_that_are_no_numbers_end_the_training(sample, recipe, tmp_path):
    with pytest.raises(InputError, match="epoch 1"):
        train_gan(sample, ROWS, recipe.changed(stabiliser="penalty", penalty_weight=1e38,
                  learning_rate=1e30), tmp_path, device=CPU)  # fmt: skip


def test_left_and_right_are_exchanged_as_often_as_asked():
    cubes = torch.rand(50, 3, 3, 3)
    source = torch.Generator().manual_seed(0)
    assert torch.equal(flipped(cubes, 0.0, source), cubes)
    assert torch.equal(flipped(cubes, 1.0, source), cubes.flip(1))
    turned = (flipped(cubes, 0.5, source) != cubes).flatten(1).any(dim=1)
    assert 10 < int(turned.sum()) < 40
