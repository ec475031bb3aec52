import numpy as np

from bids_brainage.evaluation.bootstrap import paired_bootstrap


def test_a_better_candidate_is_found_better():
    generator = np.random.default_rng(0)
    age = generator.uniform(10, 60, 300)
    noise = generator.normal(size=300)
    found = paired_bootstrap(age, age + 6 * noise, age + 3 * noise, draws=500)
    assert found.verdict == "better"
    assert found.lower < found.gain < found.upper
    assert found.n == 300


def test_the_same_predictions_are_not_different():
    age = np.arange(10.0, 30.0)
    found = paired_bootstrap(age, age + 1, age + 1, draws=100)
    assert found.gain == 0
    assert found.verdict == "not different"


def test_the_draw_is_fixed_by_the_seed():
    age = np.arange(10.0, 30.0)
    other = age + np.sin(age)
    first, second = (paired_bootstrap(age, age + 1, other, draws=200, seed=3) for _ in range(2))
    assert first == second


def test_people_missing_a_prediction_are_left_out():
    age = np.array([10.0, 20.0, 30.0])
    assert paired_bootstrap(age, age + 1, np.array([10, np.nan, 30]), draws=10).n == 2
    assert paired_bootstrap(age, age * np.nan, age, draws=10).n == 0


def test_whole_sites_are_resampled_when_given():
    rng = np.random.default_rng(0)
    age = rng.uniform(10, 60, 200)
    sites = np.repeat(np.arange(4), 50)
    # Better in one large effect of a single site only: people say better, sites do not.
    candidate = age + np.where(sites == 0, 0.0, 2.0)
    reference = age + 2.0
    people = paired_bootstrap(age, reference, candidate)
    grouped = paired_bootstrap(age, reference, candidate, groups=sites)
    assert people.lower > 0
    assert grouped.gain == people.gain
    assert grouped.lower <= 0
