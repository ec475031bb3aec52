import json

import numpy as np
import pytest

from bids_brainage.evaluation.intervals import MIN_PEOPLE, Intervals, fit_intervals


def sample(n=4000, seed=0):
    generator = np.random.default_rng(seed)
    age = generator.uniform(10, 70, n)
    # Errors grow with age, and the prediction shrinks towards the middle.
    predicted = 40 + 0.8 * (age - 40) + generator.normal(0, 1 + age / 15)
    return age, np.clip(predicted, 5, None)


def test_nine_of_ten_new_people_lie_inside():
    fitted = fit_intervals(*sample())
    age, predicted = sample(seed=1)
    lower, upper = fitted.limits(predicted)
    assert ((age >= lower) & (age <= upper)).mean() == pytest.approx(0.9, abs=0.03)


def test_half_lie_inside_the_interval_of_level_one_half():
    fitted = fit_intervals(*sample())
    age, predicted = sample(seed=1)
    lower, upper = fitted.limits(predicted, 0.5)
    assert ((age >= lower) & (age <= upper)).mean() == pytest.approx(0.5, abs=0.05)


def test_intervals_widen_where_errors_are_larger():
    lower, upper = fit_intervals(*sample()).limits(np.array([20.0, 60.0]))
    young, old = upper - lower
    assert old > 1.5 * young


def test_ends_are_not_below_zero():
    fitted = fit_intervals(*sample())
    assert (np.array(fitted.limits(np.array([0.5, 1.0, 5.0]))) >= 0).all()


def test_probability_of_looking_older_falls_with_age():
    fitted = fit_intervals(*sample())
    found = fitted.probability_older(np.full(3, 40.0), np.array([20.0, 40.0, 60.0]))
    assert found[0] > 0.95 and 0.3 < found[1] < 0.7 and found[2] < 0.05


def test_probability_is_nan_without_an_age():
    assert np.isnan(fit_intervals(*sample()).probability_older([40.0], [np.nan])).all()


def test_interval_and_probability_agree():
    fitted = fit_intervals(*sample())
    lower, upper = fitted.limits(np.array([40.0]))
    both = fitted.probability_older(np.array([40.0, 40.0]), np.concatenate([lower, upper]))
    assert both == pytest.approx([0.95, 0.05], abs=0.01)


def test_few_people_give_none():
    age, predicted = sample(MIN_PEOPLE - 1)
    assert fit_intervals(age, predicted) is None


def test_people_without_age_or_prediction_are_left_out():
    age, predicted = sample(200)
    more = np.append(age, [np.nan, 30.0]), np.append(predicted, [30.0, np.nan])
    assert fit_intervals(*more) == fit_intervals(age, predicted)


def test_one_large_site_does_not_decide_alone():
    age, predicted = sample(3000)
    noise = np.random.default_rng(3).normal(0, 15, 300)
    age = np.append(age, predicted[:300] + noise)
    predicted = np.append(predicted, predicted[:300])
    sites = np.append(np.zeros(3000), 1 + np.arange(300) // 10)
    widths = [
        np.diff(fit_intervals(age, predicted, groups).limits(np.array([40.0])), axis=0)
        for groups in (None, sites)
    ]
    assert widths[1] > widths[0]


def test_card_values_come_back():
    fitted = fit_intervals(*sample())
    read = Intervals.from_dict(json.loads(json.dumps(fitted.as_dict())))
    predicted = np.array([15.0, 40.0, 65.0])
    assert np.allclose(read.limits(predicted), fitted.limits(predicted), atol=0.01)


def test_equal_predictions_are_no_problem():
    age, _ = sample(100)
    lower, upper = fit_intervals(age, np.full(100, 40.0)).limits(np.array([40.0]))
    assert lower < np.quantile(age, 0.1) and upper > np.quantile(age, 0.9)


def test_people_of_one_age_have_intervals_too():
    generator = np.random.default_rng(0)
    for age in (np.full(60, 45.0), generator.uniform(45, 46, 60)):
        predicted = age + generator.normal(0, 4, 60)
        lower, upper = fit_intervals(age, predicted).limits(predicted)
        assert ((age >= lower) & (age <= upper)).mean() > 0.8
