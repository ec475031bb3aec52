import numpy as np
import pytest

from bids_brainage.training.volumes.candidates import CANDIDATES
from bids_brainage.training.volumes.decision import decide, eligible
from bids_brainage.training.volumes.evaluate import evaluate, schemes
from bids_brainage.training.volumes.folds import (
    KEPT,
    fit_median,
    group_folds,
    out_of_fold,
    person_folds,
)
from bids_brainage.training.volumes.scores import score
from bids_brainage.training.volumes.table import IMAGES, MUSE

SOME = [c for c in CANDIDATES if c.slug in ("linear-images", "tissue-images", "regions-apart")]


def test_people_are_dealt_evenly_and_others_stay_in_training(table):
    folds = person_folds(table, IMAGES, 10, 0)
    images = table.methods == IMAGES
    assert (folds[~images] == KEPT).all()
    assert set(np.bincount(folds[images])) <= {3, 4}
    assert len(set(folds[table.datasets == "two"])) == 6
    assert not np.array_equal(folds, person_folds(table, IMAGES, 10, 1))


def test_sessions_of_one_person_share_a_fold(table):
    twice = table.subset(np.repeat(np.arange(len(table)), 2))
    folds = person_folds(twice, IMAGES, 10, 0)
    assert (folds[::2] == folds[1::2]).all()


def test_a_site_is_left_out_whole(table):
    folds = group_folds(table, MUSE, table.sites)
    assert set(folds[table.methods == MUSE]) == {0, 1}
    assert (folds[table.methods == IMAGES] == KEPT).all()


def test_the_median_is_that_of_training_people_measured_alike(table):
    folds = group_folds(table, IMAGES, table.datasets)
    found = out_of_fold(table, folds, fit_median())
    two = table.datasets == "two"
    assert found[two] == pytest.approx(np.median(table.age[table.datasets == "one"]))
    assert np.isnan(found[table.methods == MUSE]).all()


def test_schemes_leave_out_people_datasets_and_sites(table):
    assert [s.slug for s in schemes(table, 2)] == [
        "images-people", "images-sites", "muse-people", "muse-sites"
    ]  # fmt: skip


def test_what_is_learnt_beats_the_median_and_the_choice_says_so(table):
    scheme = schemes(table, 2)[0]
    result = evaluate(table, scheme, SOME)
    decision = decide(table, scheme, SOME, result)
    assert decision.candidate.slug == "regions-apart"
    assert decision.beats_median
    assert decision.chosen == {"regions-apart": 20}
    assert decision.honest["n"] == 36
    assert "36 people" in decision.words


def test_only_models_of_both_samples_are_eligible(table):
    assert [c.slug for c in eligible(SOME, table)] == ["regions-apart"]
    images = table.subset(table.methods == IMAGES)
    assert len(eligible(SOME[:2], images)) == 2


def test_noise_does_not_beat_the_median(table):
    shuffled = table.subset(np.arange(len(table)))
    shuffled.age[:] = np.random.default_rng(0).permutation(shuffled.age)
    scheme = schemes(shuffled, 1)[0]
    decision = decide(shuffled, scheme, SOME)
    assert not decision.beats_median
    assert "holds zero" in decision.words


def test_scores_are_means_over_repeats():
    from tests.training.volumes.conftest import invented

    table = invented(4, IMAGES, "a")
    exact = np.stack([table.age, table.age + 2])
    found = score(table, exact, np.stack([table.age + 3, table.age + 3]))
    assert found["mae"] == pytest.approx(1)
    assert found["gain"] == pytest.approx(2)
    assert found["n"] == 4
