import numpy as np
import pytest
import torch

from bids_brainage.models.gan_networks import Generator
from bids_brainage.training.gan.pairs import (
    CODES,
    VOLUMES,
    judge_encoder,
    make_pairs,
    read_codes,
    train_encoder,
)

CPU = torch.device("cpu")


@pytest.fixture
def generator():
    torch.manual_seed(0)
    return Generator(0.1, 16).eval()


@pytest.fixture
def pairs(generator, tmp_path):
    return make_pairs(generator, 20, 3, tmp_path / "pairs", CPU)


def test_pairs_are_kept_as_files_that_belong_together(pairs, generator, tmp_path):
    codes, cubes = (np.load(tmp_path / "pairs" / name) for name in (CODES, VOLUMES))
    assert codes.shape == (20, 100)
    assert cubes.shape == (20, 16, 16, 16) and cubes.dtype == np.float16
    with torch.no_grad():
        made = generator(torch.from_numpy(codes[7:8]))[0, 0].numpy()
    np.testing.assert_allclose(cubes[7], made, atol=1e-3)


def test_pairs_of_the_same_generator_are_used_again(pairs, generator, tmp_path):
    before = (tmp_path / "pairs" / VOLUMES).stat().st_mtime_ns
    make_pairs(generator, 20, 3, tmp_path / "pairs", CPU)
    assert (tmp_path / "pairs" / VOLUMES).stat().st_mtime_ns == before
    with torch.no_grad():
        generator.linear.weight.mul_(2)
    make_pairs(generator, 20, 3, tmp_path / "pairs", CPU)
    assert (tmp_path / "pairs" / VOLUMES).stat().st_mtime_ns != before


def test_the_last_fifth_judges_the_encoder(pairs):
    training, held = pairs.split()
    assert training.tolist() == list(range(16))
    assert held.tolist() == list(range(16, 20))


def test_an_encoder_that_always_says_a_half_has_no_r2(pairs, recipe, tmp_path):
    network, _ = train_encoder(pairs, recipe, tmp_path / "e", device=CPU)
    with torch.no_grad():
        network.linear.weight.zero_()
        network.linear.bias.fill_(0.5)
    scores = judge_encoder(network, pairs)
    assert scores["prior_variance"] == pytest.approx(1 / 12)
    assert scores["encoder_r2"] == pytest.approx(0, abs=0.1)
    assert scores["pairs_held"] == 4


def test_an_encoder_goes_on_exactly_where_it_was_stopped(pairs, recipe, tmp_path):
    whole, course = train_encoder(pairs, recipe, tmp_path / "a", device=CPU)

    def stop(text):
        if "epoch 2" in text:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_encoder(pairs, recipe, tmp_path / "b", device=CPU, progress=stop)
    resumed, again = train_encoder(pairs, recipe, tmp_path / "b", device=CPU, resume=True)
    assert again == course
    np.testing.assert_array_equal(*(read_codes(n, pairs.cubes[:3]) for n in (whole, resumed)))
