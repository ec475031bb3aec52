import numpy as np
import pytest

from bids_brainage.training.autoencoder import class_models
from bids_brainage.training.autoencoder.class_models import MODELS
from bids_brainage.training.autoencoder.class_scores import score_ages, score_bins, score_sexes
from bids_brainage.training.autoencoder.classify import (
    AGE,
    BINS,
    NOTHING,
    SEX,
    Labels,
    feature_table,
)
from bids_brainage.training.autoencoder.labels import BINS as NAMES
from bids_brainage.training.autoencoder.labels import age_bins

N = 90


@pytest.fixture(autouse=True)
def few_trees(monkeypatch):
    monkeypatch.setattr(class_models, "TREES", 15)


@pytest.fixture
def labels():
    generator = np.random.default_rng(0)
    age = generator.uniform(22, 45, N)
    return Labels(
        age=age,
        female=generator.integers(0, 2, N).astype(float),
        codes=age_bins(age, NAMES),
        bins=NAMES,
        folds=np.arange(N) % 3,
        groups=np.arange(N) // 3,
        samples=np.repeat(["a", "b"], N // 2),
    )


@pytest.fixture
def telling(labels):
    """Two features that tell age and sex, and one that tells nothing."""
    x = np.column_stack([labels.age, labels.female, np.random.default_rng(1).normal(size=N)])
    return lambda train, test: (x[train], x[test])


def row(scores, **wanted):
    found = [s for s in scores if all(getattr(s, k) == v for k, v in wanted.items())]
    assert len(found) == 1, found
    return found[0]


def test_features_that_tell_sex_and_age_are_found_by_every_model(labels, telling):
    scores = feature_table({"initial": telling}, labels, progress=lambda _: None)
    for model in MODELS.values():
        kind = {"features": "initial", "model": model.label}
        assert row(scores, **kind, target=SEX, metric="auc").value > 0.8
        assert row(scores, **kind, target=AGE, metric="r").value > 0.7
        for scheme in ("multiclass", "one-vs-rest", "one-vs-one"):
            found = row(scores, **kind, target=BINS, scheme=scheme, metric="accuracy")
            assert found.value > 0.5
            assert found.n == N


def test_majority_class_and_median_stand_beside(labels, telling):
    scores = feature_table({"initial": telling}, labels, models=(), progress=lambda _: None)
    assert {s.features for s in scores} == {NOTHING}
    majority = row(scores, target=BINS, metric="accuracy")
    assert majority.value == pytest.approx(np.bincount(labels.codes).max() / N)
    assert row(scores, target=BINS, metric="balanced_accuracy").value == pytest.approx(0.25)
    assert row(scores, target=SEX, metric="auc").value == pytest.approx(0.5)
    assert np.isnan(row(scores, target=AGE, metric="r").value)


def test_features_are_made_from_the_training_people_of_each_fold(labels):
    seen = []

    def make(train, test):
        seen.append((set(train), set(test)))
        x = labels.age[:, None]
        return x[train], x[test]

    feature_table({"x": make}, labels, models=("linear",), progress=lambda _: None)
    assert len(seen) == 3
    assert all(not train & test and len(train | test) == N for train, test in seen)


def test_people_without_a_label_are_neither_learnt_nor_scored(labels, telling):
    few = Labels(**{**vars(labels), "age": np.full(N, np.nan)})
    few.female[:30] = np.nan
    scores = feature_table({"x": telling}, few, models=("linear",), progress=lambda _: None)
    assert AGE not in {s.target for s in scores}
    assert {s.n for s in scores if s.target == SEX} == {60}


def test_a_kind_of_features_can_be_tried_on_one_target(labels, telling):
    scores = feature_table(
        {"x": telling}, labels, targets={"x": (SEX,)}, models=("tree",), progress=lambda _: None
    )
    assert {s.target for s in scores if s.features == "x"} == {SEX}


def test_few_people_of_a_bin_do_not_stop_the_neighbours(labels, telling):
    codes = np.where(labels.codes == 0, 1, labels.codes)
    codes[:2] = 0
    few = Labels(**{**vars(labels), "codes": codes})
    scores = feature_table({"x": telling}, few, models=("neighbours",), progress=lambda _: None)
    assert row(scores, features="x", target=BINS, scheme="one-vs-one", metric="accuracy").n == N


def test_the_auc_within_samples_ignores_differences_between_samples():
    female = np.array([1.0] * 9 + [0.0] * 6 + [1.0] * 6 + [0.0] * 9)
    samples = np.repeat(["a", "b"], 15)
    chance = np.where(samples == "a", 0.9, 0.1)
    found = score_sexes(female, chance, np.zeros(30, int), samples)
    assert found["auc"][0] > 0.55
    assert found["auc_within_samples"][0] == pytest.approx(0.5)


def test_scores_come_with_their_spread_over_folds():
    folds = np.array([0, 0, 1, 1])
    value, sd = score_bins(np.array([0, 1, 0, 1]), np.array([0, 1, 1, 0]), folds)["accuracy"]
    assert (value, sd) == (0.5, pytest.approx(np.std([1, 0], ddof=1)))
    mae, sd = score_ages(np.array([10.0, 20, 30, 40]), np.array([11.0, 21, 33, 43]), folds)["mae"]
    assert (mae, sd) == (2.0, pytest.approx(np.sqrt(2)))


def test_a_run_goes_on_with_what_was_said_of_the_same_features(labels, telling, tmp_path):
    run = {"models": ("tree",), "folder": tmp_path, "progress": lambda _: None}
    first = feature_table({"x": telling}, labels, **run)
    kept = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert set(kept) == {f"x-tree-{fold}.npz" for fold in range(3)}
    assert str(feature_table({"x": telling}, labels, resume=True, **run)) == str(first)
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == kept
    (tmp_path / "x-tree-0.npz").write_bytes(b"PK")
    assert str(feature_table({"x": telling}, labels, resume=True, **run)) == str(first)

    def other(train, test):
        return labels.age[train, None] * 0, labels.age[test, None] * 0

    assert str(feature_table({"x": other}, labels, resume=True, **run)) != str(first)
