import json

import numpy as np
import pytest
import torch

from bids_brainage.errors import InputError, ModelError, OutputError, UsageError
from bids_brainage.models.cvae import Cvae
from bids_brainage.models.store import load_any
from bids_brainage.predict.load import load_predictor
from bids_brainage.training.cvae.crossval import LABELS, CvaeOptions, run_crossval
from bids_brainage.training.cvae.recipe import CvaeRecipe
from bids_brainage.training.cvae.run import run_test, run_training
from tests.training.cvae.conftest import NAMES, QUICK


@pytest.fixture(scope="module")
def folder(data, tmp_path_factory):
    output = tmp_path_factory.mktemp("model") / "mine"
    return run_training(CvaeOptions(data, output, QUICK, n_folds=2))


def test_a_trained_model_has_a_card_with_scores_of_unseen_sites(folder):
    module, card = load_any(folder)
    assert isinstance(module, Cvae)
    assert card.family == "cvae"
    assert card.inputs["morphometry"].names == NAMES
    scores = card.metrics["morphometry"]["out_of_fold"]
    assert scores["mae"] < scores["mae_median"]
    assert not card.default
    assert card.purpose
    assert card.intervals["morphometry"]
    assert {p["people"] for p in card.metrics["morphometry"]["deviations"]} == {"all", "one", "two"}
    assert not (folder / "checkpoints").exists()


def test_the_app_predicts_flags_and_explains_with_it(folder, people):
    predictor = load_predictor(str(folder), torch.device("cpu"))
    raw = people.measures["morphometry"][:3].copy()
    raw[1] *= 40
    found = predictor.predict({"morphometry": row} for row in raw)
    assert 5 < found[0].age < 90
    assert 0 <= found[0].probability_female <= 1
    assert found[0].percentile < found[1].percentile == 100
    assert found[1].out_of_range > 0.5
    assert predictor.explains
    assert predictor.attribute({"morphometry": raw[0]}).years["morphometry"].shape == (10,)


def test_a_model_is_scored_on_a_folder(folder, data, tmp_path):
    scores = run_test([data], str(folder), tmp_path / "scores.json")
    assert scores["n"] == 240
    assert json.loads((tmp_path / "scores.json").read_text())["mae"] == scores["mae"]
    with pytest.raises(InputError, match="2 folders"):
        run_test([data, data], str(folder), tmp_path / "x.json")


def test_measures_that_the_model_needs_are_named(folder, array_folder, tmp_path):
    with pytest.raises(ModelError, match="10 measures"):
        run_test([array_folder], str(folder), tmp_path / "x.json")


def test_a_cross_validation_stands_beside_plain_models_and_resumes(data, tmp_path):
    rows = ("ridge", "gaussian", "cvae")
    recipe = QUICK.changed(epochs=4)
    options = CvaeOptions(data, tmp_path, recipe, n_folds=2, only=rows)
    run_crossval(options)
    text = (tmp_path / "crossval.md").read_text()
    for row in (*rows, "median", "likeliest"):
        assert LABELS[row] in text
    assert "SD of site means" in text
    before = (tmp_path / "crossval.tsv").read_bytes()
    said = []
    run_crossval(
        CvaeOptions(data, tmp_path, recipe, n_folds=2, only=rows, resume=True), said.append
    )
    assert said == []
    assert (tmp_path / "crossval.tsv").read_bytes() == before


def test_rows_that_do_not_exist_and_one_fold_are_refused(data, tmp_path):
    with pytest.raises(UsageError, match="no row nothing"):
        run_crossval(CvaeOptions(data, tmp_path, only=("nothing",)))
    with pytest.raises(UsageError, match="--folds 1"):
        run_crossval(CvaeOptions(data, tmp_path, n_folds=1))


@pytest.mark.parametrize(
    "options",
    [{"members": 0}, {"epochs": 1.5}, {"dropout": 1.0}, {"learning_rate": -1}, {"draws": 1},
     {"hidden": True}, {"other_ages": 0, "other_sexes": 0}, {"seed": -1}],
)  # fmt: skip
def test_options_out_of_range_are_refused(options):
    with pytest.raises(UsageError):
        CvaeRecipe(**options)


def test_out_of_fold_predictions_are_written_beside(folder):
    lines = (folder / "out_of_fold.tsv").read_text().splitlines()
    assert len(lines) == 241
    ages = np.array([float(line.split("\t")[6]) for line in lines[1:]])
    assert ages.min() > 5


def test_what_a_run_kept_and_is_broken_is_made_again(data, tmp_path):
    options = CvaeOptions(data, tmp_path / "out", QUICK.changed(epochs=2), n_folds=2,
                          only=("cvae",), resume=True)  # fmt: skip
    run_crossval(options)
    first = (tmp_path / "out" / "crossval.tsv").read_text()
    rows = tmp_path / "out" / "rows"
    (rows / "deviations.npy").unlink()
    run_crossval(options)
    assert (rows / "deviations.npy").is_file()
    (rows / "cvae.npz").write_bytes((rows / "cvae.npz").read_bytes()[:500])
    (rows / "deviations.npy").write_bytes(b"x")
    run_crossval(options)
    assert (tmp_path / "out" / "crossval.tsv").read_text() == first


def test_nothing_is_written_where_the_data_are_or_below_a_file(data, tmp_path):
    with pytest.raises(UsageError, match="the output is the folder of the data"):
        CvaeOptions(data, data / "." / "")
    (tmp_path / "file").write_text("x")
    options = CvaeOptions(data, tmp_path / "file", QUICK.changed(epochs=1), n_folds=2)
    with pytest.raises(OutputError, match="checkpoint"):
        run_training(options)
