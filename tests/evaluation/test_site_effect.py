import numpy as np
import pytest

from bids_brainage.evaluation.site_effect import harmonised_gap, site_effect


@pytest.fixture
def people():
    """Three sites of forty, four years apart, in a gap that falls with age."""
    rng = np.random.default_rng(1)
    sites = np.repeat(["a", "b", "c"], 40)
    age = rng.uniform(20, 60, 120)
    female = rng.integers(0, 2, 120).astype(float)
    shift = np.repeat([-4.0, 0.0, 4.0], 40)
    gap = 8 - 0.2 * age + shift + rng.normal(scale=np.repeat([1.5, 2, 3], 40))
    return gap, sites, np.column_stack([age, female])


def test_sites_are_told_before_and_not_after(people):
    found = site_effect(*people)
    assert found.before > 0.6 > found.chance_upper > 1 / 3 > found.chance_lower
    assert found.p_before < 0.01
    assert found.after < found.chance_upper
    assert found.p_after > 0.05
    assert found.counts == {"a": 40, "b": 40, "c": 40}
    assert found.shifts["c"] - found.shifts["a"] == pytest.approx(8, abs=1.5)


def test_sites_alike_are_not_told(people):
    gap, sites, covariates = people
    mixed = np.random.default_rng(2).permutation(sites)
    found = site_effect(gap, mixed, covariates)
    assert found.chance_lower - 0.05 < found.before < found.chance_upper + 0.05


def test_the_effect_of_age_is_kept(people):
    gap, sites, covariates = people
    clean, _ = harmonised_gap(gap, sites, covariates, np.ones(120, bool))
    slope = np.polyfit(covariates[:, 0], clean, 1)[0]
    assert slope == pytest.approx(-0.2, abs=0.05)
    means = [clean[sites == s].mean() + 0.2 * covariates[sites == s, 0].mean() for s in "abc"]
    assert np.ptp(means) < 0.5


def test_rows_that_lack_something_get_nothing(people):
    gap, sites, covariates = people
    gap[0], covariates[1, 0] = np.nan, np.nan
    sites = np.where(np.arange(120) == 2, "", sites)
    clean, _ = harmonised_gap(gap, sites, covariates, np.arange(120) % 2 == 0)
    assert np.isnan(clean[:3]).all() and np.isfinite(clean[3:]).all()
