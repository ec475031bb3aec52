import csv
import json

import numpy as np
import pandas as pd
import pytest
import torch

from bids_brainage.errors import InputError, UsageError
from bids_brainage.models.store import load_any
from bids_brainage.predict.predictor import Predictor
from bids_brainage.training.aegan import AeganOptions
from bids_brainage.training.autoencoder import class_models, morphometry, morphometry_people
from bids_brainage.training.autoencoder.labels import BINS, age_bins
from bids_brainage.training.autoencoder.morphometry_fit import best_rates, train_autoencoder
from bids_brainage.training.autoencoder.morphometry_people import People
from bids_brainage.training.autoencoder.recipe import MorphometryRecipe
from tests.training.conftest import make_table

RECIPE = MorphometryRecipe(bottleneck=4, hidden=(8,), epochs=4, batch_size=32, patience=3)


@pytest.fixture
def people():
    table = make_table()
    return People(table, age_bins(table.age), BINS)


@pytest.fixture
def options(people, tmp_path, monkeypatch):
    monkeypatch.setattr(class_models, "TREES", 5)
    monkeypatch.setattr(morphometry_people, "load_table", lambda folder: people.table)
    return AeganOptions((tmp_path / "data",), tmp_path / "new", RECIPE, n_folds=3)


def say(text):
    """Keep silent."""


def read(path, delimiter="\t"):
    with path.open() as handle:
        return list(csv.DictReader(handle, delimiter=delimiter))


def test_a_model_is_trained_that_the_app_can_use(options, people):
    folder = morphometry.run_training(options, say)
    module, card = load_any(folder)
    assert (card.family, card.name, card.default) == ("aegan", "new", False)
    assert card.age_range["morphometry"] == (people.table.age.min(), people.table.age.max())
    scores = card.metrics["morphometry"]["out_of_fold"]
    assert scores["mae"] < scores["mae_median"]
    assert scores["sex_auc"] > 0.5
    assert card.intervals["morphometry"]["n"] == len(people)
    found = Predictor(module, card, torch.device("cpu")).predict([{"morphometry": people.raw[0]}])
    assert 8 < found[0].age < 70
    assert 0 <= found[0].percentile <= 100
    assert not (folder / "checkpoint").exists()
    assert {r["features"] for r in read(folder / "components.tsv")} == {"initial", "latent"}
    assert len(read(folder / "out_of_fold.tsv")) == len(people)
    parts = {row["part"] for row in read(folder / "training.csv", ",")}
    assert parts == {"fold 1", "fold 2", "fold 3", "everyone"}


def test_the_same_training_gives_the_same_weights(options, tmp_path):
    first = load_any(morphometry.run_training(options, say))[1]
    again = AeganOptions(options.data, tmp_path / "again", RECIPE, n_folds=3)
    assert load_any(morphometry.run_training(again, say))[1].sha256 == first.sha256


def test_a_model_is_tested_on_people(options, people, tmp_path):
    folder = morphometry.run_training(options, say)
    test = AeganOptions(options.data, tmp_path / "test", model=str(folder))
    scores = morphometry.run_test(test, say)
    assert scores["n"] == len(people)
    assert scores["mae"] < scores["mae_median"]
    assert scores["sex_accuracy"] > scores["sex_majority"]
    assert json.loads((tmp_path / "test" / "scores.json").read_text()) == scores
    assert len(read(tmp_path / "test" / "predictions.tsv")) == len(people)
    with pytest.raises(UsageError, match="no model"):
        morphometry.run_test(AeganOptions(options.data, tmp_path / "test"), say)


def test_the_table_has_every_kind_of_features_and_its_baselines(options):
    options = AeganOptions(**{**vars(options), "only": ("linear", "tree")})
    folder = morphometry.run_crossval(options, say)
    rows = read(folder / "crossval.tsv")
    assert {row["features"] for row in rows} == {
        "none", "initial", "latent", "latent without straight lines", "principal components",
        "relative to head size", "head size alone",
    }  # fmt: skip
    assert {row["target"] for row in rows} == {"sex", "age bins", "age"}
    assert {r["target"] for r in rows if r["features"] == "head size alone"} == {"sex"}
    text = (folder / "crossval.md").read_text()
    for title in ("## Sex", "## Age bins", "## Age in years", "## Rebuilt features"):
        assert title in text
    assert "8 sites together" in text
    names = {r["rebuilt_by"] for r in read(folder / "reconstruction.tsv")}
    assert {"autoencoder", "principal components", "mean of the training people"} <= names
    assert {r["target"] for r in read(folder / "importance.tsv")} == {"age", "sex"}


def test_some_rows_are_run_alone(options):
    options = AeganOptions(**{**vars(options), "only": ("latent", "linear")})
    rows = read(morphometry.run_crossval(options, say) / "crossval.tsv")
    assert {(r["features"], r["model"]) for r in rows if r["features"] != "none"} == {
        ("latent", "logistic regression / ridge")
    }
    with pytest.raises(UsageError, match="no row 'boosting'"):
        morphometry.run_crossval(AeganOptions(**{**vars(options), "only": ("boosting",)}), say)


def test_ages_in_bins_alone_leave_out_ages_in_years(options, tmp_path):
    generator = np.random.default_rng(1)
    n = 60
    frame = pd.DataFrame({f"FS_{i}_Thck": generator.normal(2, 0.1, n) for i in range(8)})
    frame["Age"] = [BINS[i % 4] for i in range(n)]
    frame["Gender"] = generator.choice(["F", "M"], n)
    (tmp_path / "hcp").mkdir()
    frame.to_csv(tmp_path / "hcp" / "table.csv", index=False)
    options = AeganOptions(
        (tmp_path / "hcp",), tmp_path / "bins", RECIPE, n_folds=3, only=("latent", "linear")
    )
    rows = read(morphometry.run_crossval(options, say) / "crossval.tsv")
    assert {row["target"] for row in rows} == {"sex", "age bins"}
    card = load_any(morphometry.run_training(options, say))[1]
    assert card.age_range == {}
    assert "out_of_fold" in card.metrics["morphometry"]


def test_a_training_goes_on_exactly_where_it_stopped(people, tmp_path):
    everyone = np.ones(len(people), bool)
    whole, course = train_autoencoder(people, everyone, RECIPE, tmp_path / "a", progress=say)
    short = RECIPE.changed(epochs=2)
    train_autoencoder(people, everyone, short, tmp_path / "b", progress=say)
    path = tmp_path / "b" / "checkpoint.json"
    content = json.loads(path.read_text())
    content["key"] = json.loads((tmp_path / "a" / "checkpoint.json").read_text())["key"]
    path.write_text(json.dumps(content))
    resumed, rows = train_autoencoder(
        people, everyone, RECIPE, tmp_path / "b", resume=True, progress=say
    )
    assert [row[1:] for row in rows] == [row[1:] for row in course] or str(rows) == str(course)
    for name, value in whole.state_dict().items():
        torch.testing.assert_close(
            resumed.state_dict()[name], value, rtol=0, atol=0, equal_nan=True
        )


def test_the_best_epoch_is_kept_and_a_rising_validation_loss_stops(people, tmp_path):
    eager = RECIPE.changed(learning_rate=0.1, epochs=40, patience=2)
    _, course = train_autoencoder(people, np.ones(len(people), bool), eager, tmp_path, progress=say)
    losses = [float(row[-1]) for row in course]
    assert len(losses) < 41
    assert min(losses) < losses[-1]


def test_rates_are_those_up_to_the_best_epoch_of_the_median_training():
    course = [
        ["a", 0, 0, 0, 0, "3"], ["a", 1, "0.1", 0, 0, "2"], ["a", 2, "0.1", 0, 0, "2.5"],
        ["b", 0, 0, 0, 0, "3"], ["b", 1, "0.1", 0, 0, "2"], ["b", 2, "0.05", 0, 0, "1"],
        ["c", 0, 0, 0, 0, "1"], ["c", 1, "0.1", 0, 0, "2"],
    ]  # fmt: skip
    assert best_rates(course) == (0.1,)
    assert best_rates(course[3:6]) == (0.1, 0.05)
    assert best_rates(course[6:]) == (0.1,)


def test_nothing_of_the_test_people_goes_into_a_fold(people, tmp_path):
    training = people.folds(3) != 0
    first, _ = train_autoencoder(people, training, RECIPE, tmp_path / "a", progress=say)
    raw = people.raw.copy()
    raw[~training] *= 3
    other = people.with_raw(raw, people.names)
    second, _ = train_autoencoder(other, training, RECIPE, tmp_path / "b", progress=say)
    for name, value in first.state_dict().items():
        torch.testing.assert_close(second.state_dict()[name], value, equal_nan=True)


def test_folders_with_other_measures_are_refused(people, tmp_path, monkeypatch):
    fewer = people.with_raw(people.raw[:, 1:], people.names[1:]).table
    tables = {"a": people.table, "b": fewer, "c": people.table}
    monkeypatch.setattr(morphometry_people, "load_table", lambda folder: tables[folder.name])
    joined = morphometry_people.load_people((tmp_path / "a", tmp_path / "c"), BINS)
    assert len(joined) == 2 * len(people)
    with pytest.raises(InputError, match="13 measures"):
        morphometry_people.load_people((tmp_path / "a", tmp_path / "b"), BINS)


@pytest.mark.parametrize(
    "wrong", [{"epochs": 0}, {"parts": 1}, {"masked": 1.0}, {"learning_rate": 0}, {"noise": -1}]
)
def test_options_that_make_no_sense_are_refused(wrong):
    with pytest.raises(UsageError):
        RECIPE.changed(**wrong)


def test_few_people_are_left_out_to_tell_when_to_stop_too(people, tmp_path):
    training = np.zeros(len(people), bool)
    training[:5] = True
    recipe = RECIPE.changed(parts=1000)
    _, course = train_autoencoder(people, training, recipe, tmp_path, progress=say)
    assert np.isfinite(float(course[-1][-1])) and best_rates(course)
