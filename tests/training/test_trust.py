import numpy as np
import pytest

from bids_brainage.training.trust import (
    cross_fitted_chance,
    cross_fitted_limits,
    interval_scores,
    sex_line,
)


@pytest.fixture(scope="module")
def people():
    generator = np.random.default_rng(0)
    age = generator.uniform(10, 60, 600)
    return {
        "age": age,
        "predicted": age + generator.normal(0, 4, 600),
        "sites": np.repeat(np.arange(20), 30).astype(str),
        "folds": np.repeat(np.arange(5), 120),
        "datasets": np.repeat(["a", "b"], 300),
    }


def limits(people):
    return cross_fitted_limits(people["age"], people["predicted"], people["sites"], people["folds"])


def test_a_persons_own_error_does_not_widen_the_interval(people):
    before = limits(people)
    changed = people | {"age": people["age"].copy()}
    first = people["folds"] == 0
    changed["age"][first] += 40
    after = limits(changed)
    assert np.array_equal(before[0][first], after[0][first])
    assert not np.array_equal(before[1][~first], after[1][~first])


def test_people_without_a_prediction_have_no_interval(people):
    predicted = people["predicted"].copy()
    predicted[7] = np.nan
    lower, upper = limits(people | {"predicted": predicted})
    assert np.isnan(lower[7]) and np.isfinite(upper[8])


def test_coverage_is_given_pooled_per_sample_and_per_decade(people):
    found = interval_scores(people["age"], limits(people), people["datasets"])
    assert found["out_of_fold"]["coverage"] == pytest.approx(0.9, abs=0.05)
    assert found["out_of_fold"]["n"] == 600
    assert sorted(found["per_dataset"]) == ["a", "b"]
    assert sorted(found["per_decade"]) == ["10", "20", "30", "40", "50"]
    assert found["out_of_fold"]["width"] == pytest.approx(2 * 1.645 * 4, rel=0.2)


def test_few_people_have_no_intervals():
    ages = np.arange(20.0)
    ends = cross_fitted_limits(ages, ages, np.zeros(20), np.arange(20) % 2)
    assert interval_scores(ages, ends, np.zeros(20)) == {}


def sexes(slope, intercept=0.0, share=0.5, n=6000):
    """Logits that a line must calibrate, of people of whom a share are women."""
    generator = np.random.default_rng(0)
    logit = generator.normal(0, 1.5, n)
    chance = 1 / (1 + np.exp(-slope * logit - intercept))
    female = (generator.random(n) < chance).astype(float)
    keep = (female == 0) | (generator.random(n) < share / (1 - share))
    return female[keep], logit[keep]


@pytest.mark.parametrize("slope", [0.6, 1.0, 2.0])
def test_the_line_of_too_sure_and_of_too_modest_logits_is_found(slope):
    assert sex_line(*sexes(slope)) == pytest.approx((slope, 0.0), abs=0.15)


def test_few_women_do_not_change_the_line():
    assert sex_line(*sexes(2.0, share=0.2, n=12000)) == pytest.approx((2.0, 0.0), abs=0.25)


def test_unknown_sexes_and_too_few_people_are_no_problem():
    female, logit = sexes(2.0)
    female[:100] = np.nan
    assert sex_line(female, logit)[0] == pytest.approx(2.0, rel=0.15)
    assert sex_line(np.ones(500), np.ones(500)) == (1.0, 0.0)


def test_a_line_that_falls_is_not_taken():
    female, logit = sexes(2.0)
    assert sex_line(female, -logit) == (1.0, 0.0)


def test_calibrated_probabilities_have_a_smaller_error():
    female, logit = sexes(2.5)
    raw = 1 / (1 + np.exp(-logit))
    found = cross_fitted_chance(female, logit, np.arange(len(logit)) % 5)
    assert np.square(found - female).mean() < np.square(raw - female).mean()
