"""Expected numbers are of neuroCombat 0.2.12 (numpy 1.26) on the people of ``people``."""

import numpy as np
import pytest

from bids_brainage.errors import UsageError
from bids_brainage.evaluation.combat import check_sites, fit_combat

ROWS = [0, 8, 9, 16, 17, 23]
EXPECTED = [
    [10.728381, 11.308756, 13.352583, 16.889923, 16.691641, 19.918748],
    [7.303919, 7.907830, 11.560720, 15.252180, 17.814256, 23.956939],
    [7.147312, 8.567531, 14.330210, 14.246145, 15.904726, 19.426932],
    [6.063021, 6.871600, 14.352233, 15.426573, 16.824400, 22.911421],
    [4.432195, 10.177984, 13.016081, 15.590306, 20.135248, 21.962360],
    [8.097318, 8.836101, 13.557443, 15.062193, 15.714775, 20.385615],
]
SHIFT = [
    [-0.235749, -0.298002, -0.335853, -0.312544, -0.405961, -0.320801],
    [1.205210, 1.384554, 1.569919, 1.621484, 2.148670, 1.903358],
    [-1.064919, -1.134679, -1.301046, -1.448357, -1.958698, -1.867857],
]
VARIANCE = [
    [0.821773, 0.531955, 0.496186, 0.852242, 0.591169, 0.717720],
    [2.186388, 2.193807, 2.213076, 2.171583, 2.190937, 2.185406],
    [0.359838, 0.590552, 0.440762, 0.367116, 0.628770, 0.435916],
]
# Without empirical Bayes, first two measures.
PLAIN = [
    [10.24314, 11.083383],
    [6.914717, 7.886627],
    [7.378786, 8.734397],
    [6.314282, 7.046914],
    [3.817366, 10.059713],
    [7.959335, 8.716927],
]


@pytest.fixture
def people():
    """Twenty-four people of three sites with different means and spreads, six measures."""
    i, k = np.arange(24), np.arange(6)
    site = np.repeat(["a", "b", "c"], [9, 8, 7])
    age = 20 + (i * 7) % 31 + 0.5 * (i % 3)
    female = (i * 5 % 7 < 3).astype(float)
    noise = np.sin(1 + i[:, None] * 1.7 + k * 2.3) + np.cos(i[:, None] * (k + 1) * 0.9)
    shift = np.repeat([0.0, 1.5, -0.8], [9, 8, 7])[:, None] * (1 + 0.2 * k)
    scale = np.repeat([1.0, 1.8, 0.6], [9, 8, 7])[:, None]
    values = 10 + k + 0.05 * (k - 2) * age[:, None] + 0.4 * female[:, None] + shift + scale * noise
    return values, site, np.column_stack([age, female])


def test_measures_and_estimates_are_those_of_neurocombat(people):
    values, site, covariates = people
    found = fit_combat(values, site, covariates)
    np.testing.assert_allclose(found.transform(values, site, covariates)[ROWS], EXPECTED, atol=2e-5)
    np.testing.assert_allclose(found.shift, SHIFT, atol=2e-5)
    np.testing.assert_allclose(found.spread**2, VARIANCE, atol=2e-5)


def test_a_single_measure_is_neurocombat_without_empirical_bayes(people):
    values, site, covariates = people
    for j in range(2):
        one = values[:, [j]]
        found = fit_combat(one, site, covariates).transform(one, site, covariates)
        np.testing.assert_allclose(found[ROWS, 0], np.array(PLAIN)[:, j], atol=2e-5)


def test_new_people_of_a_known_site_lose_its_difference(people):
    values, site, covariates = people
    train = np.arange(24) % 4 != 0
    found = fit_combat(values[train], site[train], covariates[train])
    together = found.transform(values, site, covariates)
    alone = found.transform(values[~train], site[~train], covariates[~train])
    np.testing.assert_array_equal(together[~train], alone)
    means = [alone[site[~train] == s].mean() for s in "abc"]
    raw = [values[~train][site[~train] == s].mean() for s in "abc"]
    assert np.ptp(means) < 0.5 * np.ptp(raw)


def test_an_unknown_site_gives_nothing(people):
    values, site, covariates = people
    found = fit_combat(values, site, covariates)
    assert np.isnan(found.transform(values[:2], np.array(["d", "a"]), covariates[:2])[0]).all()


def test_means_alone_need_no_covariates_of_new_people(people):
    values, site, covariates = people
    found = fit_combat(values, site, covariates, mean_only=True)
    blind = found.transform(values, site)
    np.testing.assert_allclose(blind, found.transform(values, site, covariates))
    with pytest.raises(ValueError, match="spreads"):
        fit_combat(values, site, covariates).transform(values, site)


def test_missing_and_constant_measures_pass_through(people):
    values, site, covariates = people
    values = np.column_stack([values, np.full(24, 7.0)])
    values[3, 1] = np.nan
    values[site == "c", 2] = np.nan
    found = fit_combat(values, site, covariates).transform(values, site, covariates)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(values))
    np.testing.assert_allclose(found[:, 6], 7.0)


AGES = np.tile(np.linspace(20, 60, 12), 3)
SEX = np.tile([0.0, 1.0], 18)
SITES = np.repeat(["a", "b", "c"], 12)


def refused(sites=SITES, age=AGES, female=SEX):
    check_sites(sites, age, np.column_stack([age, female]), "column site")


def test_sites_with_people_of_like_ages_are_accepted():
    refused()


def test_one_site_and_small_sites_are_refused():
    with pytest.raises(UsageError, match="two sites"):
        refused(sites=np.repeat("a", 36))
    with pytest.raises(UsageError, match=r"c \(9\)"):
        refused(sites=np.repeat(["a", "b", "c"], [14, 13, 9]))


def test_site_confounded_with_age_or_sex_is_refused():
    with pytest.raises(UsageError, match=r"ages of a .* do not overlap"):
        refused(age=np.where(SITES == "a", AGES - 60, AGES))
    with pytest.raises(UsageError, match="% of the variance"):
        steps = [10.0] * 37 + [40.0] * 35 + [70.0] * 48
        refused(np.repeat(["a", "b", "c"], 40), np.array(steps), np.tile([0.0, 1.0], 60))
    with pytest.raises(UsageError, match="one tells the other"):
        refused(sites=SITES[:24], age=AGES[:24], female=(SITES[:24] == "a").astype(float))
