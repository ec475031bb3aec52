import json

import numpy as np
import pytest

from bids_brainage.models.image_autoencoder import ImageAutoencoder, ImageAutoencoderConfig
from bids_brainage.training.autoencoder.brains import Brains
from bids_brainage.training.autoencoder.image_components import Components
from bids_brainage.training.autoencoder.image_features import bins_of
from bids_brainage.training.autoencoder.image_pictures import (
    agreement,
    groups_of,
    mean_brains,
    write_brains,
)

SHAPE = (16, 16, 16)
N = 10


@pytest.fixture
def brains():
    """Women's brains are brighter on the left, older ones darker on the right."""
    generator = np.random.default_rng(0)
    images = np.zeros((N, *SHAPE))
    images[:, 4:12, 4:12, 4:12] = 1 + generator.normal(0, 0.01, (N, 8, 8, 8))
    female = np.tile([1.0, 0.0], N // 2)
    age = np.linspace(21, 39, N)
    images[female == 1, 4:8, 4:12, 4:12] += 0.3
    images[age >= 30, 8:12, 4:12, 4:12] -= 0.3
    return Brains(images.astype(np.float16), tuple(f"p{i}" for i in range(N)), age,
                  np.full(N, "", dtype=object), female, 1.4e6 - 1e5 * female)  # fmt: skip


@pytest.fixture
def network():
    return ImageAutoencoder(ImageAutoencoderConfig(3, 0.125, SHAPE)).eval()


def test_people_are_grouped_by_sex_and_the_middle_of_their_ages(brains):
    groups = groups_of(brains)
    assert groups["women"].sum() == groups["older"].sum() == 5
    assert not (groups["younger"] & groups["older"]).any()


def test_mean_images_and_their_differences_are_written(brains, network, tmp_path):
    codes = np.random.default_rng(0).normal(size=(N, 3))
    kinds = mean_brains(network, brains, codes)
    assert list(kinds) == ["mean", "decoded", "corrected"]
    write_brains(tmp_path, kinds, brains)
    with np.load(tmp_path / "brains.npz") as volumes:
        away = volumes["difference women mean"]
        assert away[5, 8, 8] == pytest.approx(0.3, abs=0.03)
        assert away[10, 8, 8] == pytest.approx(0, abs=0.15)
        assert volumes["difference older mean"][10, 8, 8] == pytest.approx(-0.3, abs=0.03)
    told = json.loads((tmp_path / "brains.json").read_text())
    assert [one["row"] for one in told if one["column"] == 0] == [0, 1, 2, 3, 4, 5]
    assert told[3]["title"] == "older (from 30): mean of images"


def test_without_sizes_of_heads_nothing_is_taken_out(brains, network):
    unknown = Brains(brains.images, brains.labels, brains.age, brains.bins, brains.female,
                     np.full(N, np.nan))  # fmt: skip
    assert list(mean_brains(network, unknown, np.zeros((N, 3)))) == ["mean", "decoded"]


def test_code_without_sex_has_no_difference_left_once_head_size_is_out(brains, network):
    codes = np.outer(brains.female, [1.0, 2.0, 3.0])
    kinds = mean_brains(network, brains, codes)
    found = {(row["pair"], row["kind"]): row for row in agreement(kinds)}
    plain = found["women - men", "decoded mean code"]
    taken = found["women - men", "decoded without head size"]
    assert taken["size"] < 0.01 * plain["size"]


def test_components_of_all_people_rebuild_them(brains):
    everybody = np.arange(N)
    components = Components(brains, everybody, 100)
    assert len(components) == N - 1
    images = brains.block(everybody)
    np.testing.assert_allclose(components.rebuilt(images), images, atol=1e-3)
    assert Components(brains, everybody, 2).scores(images).shape == (N, 2)


def test_bins_told_as_texts_and_ages_in_years_are_coded_alike(brains):
    bins = ("30-39", "20-29")
    codes = bins_of(brains, bins)
    assert codes.tolist() == [0] * 5 + [1] * 5
    texts = np.array(["20-29"] * 5 + ["30-39"] * 5, dtype=object)
    told = Brains(brains.images, brains.labels, np.full(N, np.nan), texts, brains.female,
                  brains.head)  # fmt: skip
    assert bins_of(told, bins).tolist() == codes.tolist()
