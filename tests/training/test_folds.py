import numpy as np

from bids_brainage.training.folds import member_masks, site_folds, within_site_folds
from tests.training.conftest import make_table


def test_a_site_is_never_split(table):
    folds = site_folds(table, 4)
    assert set(folds) == {0, 1, 2, 3}
    for site in np.unique(table.sites):
        assert len(set(folds[table.sites == site])) == 1


def test_people_of_one_site_are_dealt_one_by_one(table):
    single = table.subset(table.sites == table.sites[0])
    folds = site_folds(single, 4)
    assert np.ptp(np.bincount(folds)) <= 1


def test_each_member_leaves_out_other_sites(table):
    training = site_folds(table, 4) != 0
    masks = member_masks(table, training, 3, 3, seed=1)
    left_out = training & ~masks
    assert not (masks & ~training).any()
    assert (left_out.sum(axis=0)[training] == 1).all()
    for mask in masks:
        sites = set(table.sites[mask])
        assert not sites & set(table.sites[training & ~mask])


def test_people_without_connectivity_can_be_kept_by_all_members():
    table = make_table()
    table.measures["connectivity"][table.datasets == "sample1"] = np.nan
    masks = member_masks(table, np.ones(len(table), bool), 2, 2, seed=0, single=False)
    assert masks[:, table.datasets == "sample1"].all()
    assert not masks.all()


def test_nobody_is_left_out_of_one_part(table):
    training = np.ones(len(table), bool)
    assert member_masks(table, training, 2, 1, seed=0).all()


def test_a_sample_of_one_site_can_be_dealt_out_person_by_person(table):
    table.datasets[table.sites == table.sites[0]] = "lonely"
    table.sites[table.datasets == "lonely"] = "lonely/only"
    folds = site_folds(table, 4, split_single=True)
    assert len(set(folds[table.datasets == "lonely"])) == 4
    for site in np.unique(table.sites[table.datasets != "lonely"]):
        assert len(set(folds[table.sites == site])) == 1
    assert len(set(site_folds(table, 4)[table.datasets == "lonely"])) == 1


def test_every_site_is_dealt_into_all_folds(table):
    folds = within_site_folds(table, 4)
    for site in np.unique(table.sites):
        counts = np.bincount(folds[table.sites == site], minlength=4)
        assert np.ptp(counts) <= 1


def test_sessions_of_a_person_are_in_one_fold(table):
    single = table.subset(np.flatnonzero(table.sites == table.sites[0])[:10])
    twice = single.subset(np.arange(20) % 10)
    for folds in (site_folds(twice, 4), within_site_folds(twice, 4)):
        assert (folds[:10] == folds[10:]).all() and len(set(folds)) == 4
    other = twice.subset(np.arange(20))
    other.datasets[10:] = "another"
    assert (site_folds(other, 4)[:10] != site_folds(other, 4)[10:]).any()
