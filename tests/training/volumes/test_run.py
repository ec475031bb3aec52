import json

import numpy as np
import pytest

from bids_brainage.errors import InputError, MissingInputError, UsageError
from bids_brainage.models.store import load_any
from bids_brainage.predict.device import resolve_device
from bids_brainage.predict.load import load_predictor
from bids_brainage.training.volumes import crossval, run
from bids_brainage.training.volumes.judge import score_model
from bids_brainage.training.volumes.sources import load_volumes


@pytest.fixture(scope="module")
def trained(user_table, tmp_path_factory):
    folder = tmp_path_factory.mktemp("model") / "mine"
    return run.run_training(run.TrainOptions(user_table, folder, repeats=1))


def test_a_users_table_makes_a_model_with_a_card(trained, user_table):
    _, card = load_any(trained)
    assert card.family == "volumes"
    assert card.experimental
    assert card.default
    assert card.training[0].n == 36
    assert card.metrics["volumes"]["out_of_fold"]["gain_lower"] > 0
    assert set(card.bias_correction) == set(card.age_range) == {"volumes"}
    one = load_predictor(str(trained), resolve_device("cpu")).predict(
        [{"volumes": np.array(list(card.inputs["volumes"].typical.values()))}]
    )[0]
    assert 20 < one.age < 50
    assert one.out_of_range == 0


def test_a_model_is_tested_on_a_table(trained, user_table):
    scores = score_model(user_table, str(trained))
    assert scores["n"] == 36
    assert scores["mae"] < scores["mae_median"]


def test_a_named_regression_is_trained(user_table, tmp_path):
    folder = run.run_training(
        run.TrainOptions(user_table, tmp_path / "a", candidate="polynomial-images", repeats=1)
    )
    module, card = load_any(folder)
    assert card.recipe["regression"] == "polynomial-images"
    assert module.config.degree == 3


def test_an_unknown_regression_is_a_usage_error(user_table, tmp_path):
    for name in ("magic", "regions-muse"):
        with pytest.raises(UsageError, match=name):
            run.run_training(run.TrainOptions(user_table, tmp_path / "a", candidate=name))


def test_too_few_people_are_refused(user_table, tmp_path):
    few = tmp_path / "few.tsv"
    few.write_text("\n".join(user_table.read_text().splitlines()[:6]))
    with pytest.raises(InputError, match="5 people"):
        run.run_training(run.TrainOptions(few, tmp_path / "a"))


def test_a_table_without_volumes_is_refused(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text("participant_id\tage\nsub-1\t30\n")
    with pytest.raises(InputError, match="ICV, GM, WM, CSF"):
        load_volumes(path, tmp_path)
    with pytest.raises(MissingInputError):
        load_volumes(tmp_path / "nowhere", tmp_path)


def test_the_cross_validation_writes_its_tables(table, user_table, tmp_path, monkeypatch):
    monkeypatch.setattr(crossval, "load_volumes", lambda *a, **k: table)
    found = tuple(c for c in crossval.usable(table.methods)
                  if c.slug in ("linear-images", "linear-union", "regions-apart"))  # fmt: skip
    monkeypatch.setattr(crossval, "usable", lambda methods: found)
    options = crossval.CrossvalOptions(user_table, tmp_path / "out", repeats=1)
    folder = crossval.run_crossval(options)
    content = json.loads((folder / "crossval.json").read_text())
    assert content["decision"]["candidate"] == "regions-apart"
    text = (folder / "crossval.md").read_text()
    for words in ("raw T1w, people unseen", "raw T1w, dataset unseen", "ixi_muse, site unseen",
                  "level of our images", "chosen inside each fold", "the median"):  # fmt: skip
        assert words in text
    lines = (folder / "predictions.tsv").read_text().splitlines()
    assert len(lines) == len(table) + 1
