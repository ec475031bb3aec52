import numpy as np
import pytest
import torch

from bids_brainage.models.gan import Gan, GanConfig
from bids_brainage.training.gan.code_readers import set_age_line, sex_line
from bids_brainage.training.gan.people_scores import age_scores, median_age, sex_scores


@pytest.fixture
def model():
    return Gan(GanConfig(width=0.1, side=16)).eval()


def test_age_is_told_from_a_code_that_knows_it(model):
    generator = np.random.default_rng(0)
    codes = generator.random((60, 100)).astype(np.float32)
    age = 20 + 50 * codes[:, 3]
    set_age_line(model, codes, age)
    found = model.age(torch.from_numpy(codes)).numpy()
    assert np.corrcoef(found, age)[0, 1] > 0.9
    assert found.min() >= age.min() - 1e-3 and found.max() <= age.max() + 1e-3


def test_codes_that_never_differ_tell_the_mean_age(model):
    age = np.linspace(20, 60, 20)
    set_age_line(model, np.full((20, 100), 0.5, np.float32), age)
    assert model.age(torch.full((1, 100), 0.5)).item() == pytest.approx(40, abs=1e-3)


def test_with_few_known_ages_none_is_told(model):
    age = np.full(20, np.nan)
    age[:9] = 40
    set_age_line(model, np.zeros((20, 100), np.float32), age)
    assert model.age(torch.zeros(2, 100)).isnan().all()


def test_line_of_sex_separates_codes_that_differ():
    generator = np.random.default_rng(0)
    codes = generator.random((40, 100))
    female = (np.arange(40) % 2).astype(float)
    codes[:, 0] += 3 * female
    weight, intercept = sex_line(codes, female)
    assert ((codes @ weight + intercept > 0) == female).all()


def test_ages_stand_beside_guessing_the_training_median():
    found = age_scores(
        np.array([20.0, 40.0, np.nan]), np.array([22.0, 36.0, 30.0]), np.full(3, 30.0)
    )
    assert found["n"] == 2
    assert found["mae"] == 3
    assert found["mae_median"] == 10
    assert np.isnan(median_age(np.array([np.nan])))


def test_sex_stands_beside_the_training_majority():
    female = np.array([1.0, 1.0, 1.0, 0.0, np.nan])
    found = sex_scores(female, np.array([0.9, 0.8, 0.6, 0.7, 0.1]), np.ones(5))
    assert found["n"] == 4
    assert found["accuracy"] == found["majority"] == 0.75
    assert found["balanced_accuracy"] == 0.5
    assert found["auc"] == pytest.approx(2 / 3)
