import numpy as np
import pytest

from bids_brainage.evaluation.scores import decades, model_scores
from tests.evaluation.made_up import make_people


def by_name(scores, group="all", level="all"):
    return {s.metric: s for s in scores if (s.group, s.level) == (group, level)}


def test_every_score_has_an_interval_around_it():
    found = by_name(model_scores(make_people(), draws=200))
    assert found["n"].value == 60
    assert found["age_min"].value == 10
    for name in (
        "mae",
        "rmse",
        "r2",
        "pcc",
        "spearman",
        "bias",
        "sd",
        "slope_predicted_on_age",
        "pcc_gap_age",
        "mae_median",
        "sex_auc",
        "sex_brier",
        "sex_balanced_accuracy",
    ):
        score = found[name]
        assert score.lower < score.value < score.upper, name
        assert score.n == 60


def test_repeats_of_a_person_are_drawn_together_and_widen_the_interval():
    people = make_people(40, sessions=4, error=5.0)
    apart = make_people(40, sessions=4, error=5.0, cluster=np.arange(160))
    together, alone = (by_name(model_scores(p, draws=400))["mae"] for p in (people, apart))
    assert together.value == alone.value
    assert together.upper - together.lower > 1.4 * (alone.upper - alone.lower)


def test_groups_have_rows_of_their_own():
    people = make_people()
    scores = model_scores(people, draws=20)
    levels = {(s.group, s.level) for s in scores}
    assert {("decade", "10-19"), ("decade", "60-69"), ("site", "north")} <= levels
    south = people.groups["site"] == "south"
    expected = np.abs(people.predicted - people.age)[south].mean()
    assert by_name(scores, "site", "south")["mae"].value == pytest.approx(expected)


def test_guessing_knows_the_median_of_a_site_but_not_the_decade_of_life():
    people = make_people()
    scores = model_scores(people, draws=5)
    twenties = people.age[people.groups["decade"] == "20-29"]
    everyone = np.abs(twenties - np.median(people.age)).mean()
    assert by_name(scores, "decade", "20-29")["mae_median"].value == pytest.approx(everyone)
    north = people.age[people.groups["site"] == "north"]
    own = np.abs(north - np.median(north)).mean()
    assert by_name(scores, "site", "north")["mae_median"].value == pytest.approx(own)


def test_few_clusters_give_no_interval():
    people = make_people(cluster=np.repeat(["a", "b"], 30))
    found = by_name(model_scores(people, draws=20))["mae"]
    assert np.isfinite(found.value) and np.isnan(found.lower)


def test_coverage_rests_on_rows_with_an_interval():
    people = make_people(20)
    lower = np.where(np.arange(20) < 10, people.age - 1, np.nan)
    scores = model_scores(make_people(20, lower=lower, upper=lower + 2), draws=50)
    found = by_name(scores)["coverage"]
    assert (found.value, found.n) == (1, 10)


def test_head_size_is_scored_where_it_is_known():
    people = make_people(60)
    head = 1500 - 100 * people.female + np.random.default_rng(0).normal(0, 80, 60)
    head[:10] = np.nan
    found = by_name(model_scores(make_people(60, head=head), draws=20))
    assert found["sex_auc_head_size"].n == 50
    assert "sex_auc_head_size" not in by_name(model_scores(people, draws=20))


def test_decades_sort_by_age():
    assert decades(np.array([5.2, 10.0, 19.9, 101.0])).tolist() == ["00-09", "10-19", "10-19",
                                                                    "100-109"]  # fmt: skip
