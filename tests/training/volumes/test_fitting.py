import numpy as np
import pytest
from sklearn.linear_model import Ridge

from bids_brainage.training.volumes.candidates import CANDIDATES, feature_groups, usable
from bids_brainage.training.volumes.fitting import PENALTIES, fit, predict, ridge
from bids_brainage.training.volumes.table import IMAGES, MUSE

BY_SLUG = {c.slug: c for c in CANDIDATES}


def test_slugs_are_unique():
    assert len(BY_SLUG) == len(CANDIDATES)


def test_both_sides_make_one_feature():
    groups = feature_groups("regions")
    assert ("Left-Hippocampus", "Right-Hippocampus") in groups
    assert ("BrainStem",) in groups
    assert len(groups) == 30
    assert ("ExternalCSF",) not in feature_groups("brain")
    assert feature_groups("common")[:2] == [("GM",), ("WM",)]


def test_only_models_whose_samples_are_there_are_used():
    assert {c.methods for c in usable([IMAGES])} == {(IMAGES,)}
    assert len(usable([IMAGES, MUSE, "freesurfer"])) == len(CANDIDATES)


@pytest.mark.parametrize("slug", [c.slug for c in usable([IMAGES, MUSE])])
def test_every_regression_learns_age(table, slug):
    candidate = BY_SLUG[slug]
    people = table.subset(np.isin(table.methods, candidate.methods))
    predicted = predict(fit(candidate, people, candidate.methods[0]), people)
    home = people.methods == candidate.methods[0]
    assert np.corrcoef(predicted[home], people.age[home])[0, 1] > 0.5
    assert predict(fit(candidate, people), people).dtype == np.float64


def test_levels_apart_ignore_a_factor_between_methods(table):
    candidate = BY_SLUG["regions-apart"]
    ages = predict(fit(candidate, table), table)
    moved = table.subset(np.arange(len(table)))
    factors = [1 + 0.05 * len(name.rpartition("-")[2]) for name in moved.names]
    moved.measures[moved.methods == MUSE] *= factors
    moved.measures[:, moved.names.index("ICV")] = table.measures[:, table.names.index("ICV")]
    images = table.methods == IMAGES
    again = predict(fit(candidate, moved), moved)
    assert again[images] == pytest.approx(ages[images], abs=0.01)


def test_ridge_is_the_known_one_at_its_penalty():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 5))
    y = x @ rng.normal(size=5) + rng.normal(size=40)
    weights = rng.uniform(0.5, 1.5, 40)
    weight, constant = ridge(x, y, weights / weights.mean(), constant=True)
    best = min(
        (Ridge(p).fit(x, y, weights / weights.mean()) for p in PENALTIES),
        key=lambda m: np.abs(m.coef_ - weight).max(),
    )
    assert weight == pytest.approx(best.coef_, abs=1e-8)
    assert constant == pytest.approx(best.intercept_, abs=1e-8)
