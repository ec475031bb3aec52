import numpy as np
import pytest
import torch

from bids_brainage.models.image_autoencoder import ImageAutoencoder, ImageAutoencoderConfig
from bids_brainage.training.autoencoder.image_heads import (
    Known,
    fit_heads,
    middles,
    told_head_out,
    without_head,
)

N = 60


@pytest.fixture
def codes():
    return np.random.default_rng(0).normal(size=(N, 6)) * [1, 5, 1, 1, 1, 1] + 3


@pytest.fixture
def people(codes):
    """Age, sex and head size follow the first three numbers of the code."""
    generator = np.random.default_rng(1)
    head = 1.4e6 + 1e5 * codes[:, 2] + generator.normal(0, 2e4, N)
    return Known(
        40 + 8 * codes[:, 0] + generator.normal(0, 1, N),
        (codes[:, 1] > 3).astype(float),
        head,
        np.array([f"p{i}" for i in range(N)]),
    )


@pytest.fixture
def network():
    return ImageAutoencoder(ImageAutoencoderConfig(6, 0.125, (16, 16, 16))).eval()


def told(network, codes):
    scores = network.scores(torch.from_numpy(codes).float())
    age = scores @ network.age_weight + network.age_intercept
    return age.numpy(), (scores @ network.sex_weight + network.sex_intercept).numpy()


def test_age_and_sex_are_told_from_the_code(network, codes, people):
    fit_heads(network, codes, people, "kept", 0)
    age, logit = told(network, codes)
    assert np.abs(age - people.age).mean() < 2
    assert ((logit > 0) == people.female).mean() > 0.85
    assert network.youngest == pytest.approx(people.age.min() - 10)
    assert network.oldest == pytest.approx(people.age.max() + 10)


def test_numbers_without_head_size_do_not_go_along_with_it(network, codes, people):
    fit_heads(network, codes, people, "removed", 0)
    scores = network.scores(torch.from_numpy(codes).float()).numpy()
    correlations = [np.corrcoef(column, people.head)[0, 1] for column in scores.T]
    np.testing.assert_allclose(correlations, 0, atol=1e-3)
    fit_heads(network, codes, people, "kept", 0)
    assert not network.head_weight.any()


def test_unknown_ages_and_sexes_are_not_told(network, codes, people):
    nobody = np.full(N, np.nan)
    fit_heads(network, codes, Known(nobody, nobody, nobody, people.labels), "removed", 0)
    age, logit = told(network, codes)
    assert np.isnan(age).all()
    assert np.isnan(logit).all()


def test_measured_head_size_is_taken_out_of_people_left_out(codes, people):
    seen, unseen = without_head(codes[:40], codes[40:], people.head[:40], people.head[40:])
    assert abs(np.corrcoef(seen[:, 2], people.head[:40])[0, 1]) < 1e-6
    assert abs(np.corrcoef(unseen[:, 2], people.head[40:])[0, 1]) < 0.5
    assert np.corrcoef(codes[40:, 2], people.head[40:])[0, 1] > 0.9
    np.testing.assert_allclose(unseen[:, 1].mean(), codes[40:, 1].mean(), rtol=0.3)


def test_told_head_size_is_taken_out_and_the_measured_one_does_not_come_in(codes, people):
    constant = np.hstack([codes, np.zeros((N, 1))])
    constant[0, -1] = 1e-3
    seen, unseen = told_head_out(constant[:40], constant[40:], people.head[:40])
    correlations = [np.corrcoef(column, people.head[:40])[0, 1] for column in seen.T]
    np.testing.assert_allclose(correlations, 0, atol=1e-6)
    assert abs(np.corrcoef(unseen[:, 2], people.head[40:])[0, 1]) < 0.5
    told = told_head_out(constant[:40], constant[40:41], people.head[:40])[1]
    np.testing.assert_allclose(told[0], unseen[0])


def test_features_stay_where_sizes_are_unknown(codes, people):
    unknown = np.full(20, np.nan)
    _, unseen = without_head(codes[:40], codes[40:], people.head[:40], unknown)
    np.testing.assert_array_equal(unseen, codes[40:])
    seen, _ = without_head(codes[:40], codes[40:], np.full(40, np.nan), unknown)
    np.testing.assert_array_equal(seen, codes[:40])


def test_middle_stands_for_a_bin():
    found = middles(np.array(["22-25", "36+", ""], dtype=object))
    np.testing.assert_array_equal(found, [24, 37, np.nan])
