import numpy as np
import pytest

from bids_brainage.errors import UsageError
from bids_brainage.training.crossval import CrossvalOptions, all_rows
from bids_brainage.training.harmonise import harmonised
from bids_brainage.training.recipe import quick
from tests.training.conftest import make_table


@pytest.fixture
def shifted():
    """People whose thickness and connections are shifted at every other site."""
    table = make_table(320)
    odd = np.isin(table.sites, np.unique(table.sites)[::2])
    thickness = table.measures["morphometry"].copy()
    thickness[odd, :8] += 0.3
    edges = table.measures["connectivity"].copy()
    edges[odd] += 0.2
    return table.with_measures({"morphometry": thickness, "connectivity": edges}), odd


def gap_between_sites(table, odd, rows, modality="morphometry"):
    values = table.measures[modality][:, :8]
    return np.nanmean(values[odd & rows]) - np.nanmean(values[~odd & rows])


@pytest.mark.parametrize("modality", ["morphometry", "connectivity"])
def test_differences_between_sites_are_taken_from_people_not_fitted_on(shifted, modality):
    table, odd = shifted
    training = np.arange(len(table)) % 5 != 0
    found = harmonised(table, training)
    raw = gap_between_sites(table, odd, ~training, modality)
    assert abs(gap_between_sites(found, odd, ~training, modality)) < 0.3 * abs(raw)
    lacks = np.isnan(table.measures[modality])
    np.testing.assert_array_equal(np.isnan(found.measures[modality]), lacks)


def test_an_unseen_and_a_small_site_keep_their_measures(shifted):
    table, _ = shifted
    unseen, small = np.unique(table.sites)[:2]
    few = np.flatnonzero(table.sites == small)[5:]
    training = table.sites != unseen
    training[few] = False
    found = harmonised(table, training)
    for site in (unseen, small):
        rows = table.sites == site
        for name, values in table.measures.items():
            np.testing.assert_array_equal(found.measures[name][rows], values[rows])


def test_ages_of_people_not_fitted_on_change_nothing(shifted):
    table, _ = shifted
    training = np.arange(len(table)) % 5 != 0
    found = harmonised(table, training)
    table.age[~training] = 99
    again = harmonised(table, training)
    for name, values in found.measures.items():
        np.testing.assert_array_equal(again.measures[name], values)


def test_the_effect_of_age_is_kept(shifted):
    table, _ = shifted
    found = harmonised(table, np.ones(len(table), bool))
    slopes = np.polyfit(table.age, found.measures["morphometry"][:, :8], 1)[0]
    assert slopes == pytest.approx(-0.012, abs=0.002)


def test_a_site_of_other_ages_keeps_its_measures_and_two_are_needed(shifted):
    table, _ = shifted
    old = np.unique(table.sites)[0]
    rows = table.sites == old
    table.age[rows] += 80
    found = harmonised(table, np.ones(len(table), bool))
    values = table.measures["morphometry"][rows]
    np.testing.assert_array_equal(found.measures["morphometry"][rows], values)
    with pytest.raises(UsageError, match="two sites"):
        harmonised(table.subset(np.flatnonzero(rows)), np.ones(int(rows.sum()), bool))


def test_crossval_has_rows_for_it_if_asked(shifted, tmp_path):
    table, _ = shifted
    folds = np.arange(len(table)) % 2
    options = CrossvalOptions(tmp_path, tmp_path, quick().changed(epochs=1), harmonise=True)
    rows = {row.slug: row for row in all_rows(table, folds, options)}
    assert {"ridge-combat", "ridge-all-combat", "mavae-combat"} <= set(rows)
    plain = all_rows(table, folds, CrossvalOptions(tmp_path, tmp_path))
    assert not [row for row in plain if row.slug.endswith("-combat")]
    for slug in ("ridge-all-combat", "mavae-combat"):
        age = rows[slug].run()["morphometry"][0]
        assert np.isfinite(age).all()
