import numpy as np
import pytest

from bids_brainage.training.gan.crossval_table import markdown, over_folds


def result(value, draws):
    return {"scores": {"ms_ssim": value}, "draws": {"ms_ssim": draws}, "people": {}, "course": []}


def test_interval_is_of_the_mean_over_folds():
    draws = list(np.linspace(0.4, 0.6, 101))
    (row,) = over_folds([result(0.4, draws), result(0.6, draws)])
    assert (row["value"], row["sd"], row["folds"]) == (0.5, 0.1414, 2)
    assert (row["lower"], row["upper"]) == (pytest.approx(0.405), pytest.approx(0.595))


def test_scores_without_draws_have_no_interval():
    (row,) = over_folds([result(0.4, []), result(None, [])])
    assert np.isnan(row["lower"]) and np.isnan(row["value"])


def test_few_people_are_told_to_be_few():
    (row,) = over_folds([result(0.4, [0.3, 0.5])])
    text = markdown([{"row": "plain", **row}], [(np.arange(20), np.arange(10))])
    assert "| GAN, plain | 0.400 [0.305, 0.495] |" in text
    assert "say nothing of another seed" in text and "10 images in 1 folds" in text
