import csv
import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from bids_brainage.bids.outputs import read_tsv
from bids_brainage.errors import InputError, UsageError
from bids_brainage.models.store import load_any, load_kind
from bids_brainage.predict.load import load_predictor
from bids_brainage.preprocessing.brain_image import load_brain
from bids_brainage.training.aegan import AeganOptions
from bids_brainage.training.autoencoder import image_crossval, images
from bids_brainage.training.autoencoder.image_folds import FoldResult, _finished, _keep
from bids_brainage.training.autoencoder.image_recipe import ImageAutoencoderRecipe

RECIPE = ImageAutoencoderRecipe(bottleneck=6, width=0.0625, epochs=1, batch_size=8)


def silent(text):
    pass


@pytest.fixture(scope="module", autouse=True)
def straight_lines_only():
    """Leave out forests, which take seconds."""
    with pytest.MonkeyPatch.context() as patch:
        whole = image_crossval.feature_table
        patch.setattr(image_crossval, "feature_table", partial(whole, models=("linear",)))
        yield


@pytest.fixture(scope="module")
def options(source, tmp_path_factory):
    folder, table, _ = source
    return AeganOptions(
        data=(folder,), output=tmp_path_factory.mktemp("images") / "model", recipe=RECIPE,
        n_folds=3, table=table, bins=("18-49", "50+"),
    )  # fmt: skip


@pytest.fixture(scope="module")
def model(options):
    return images.run_training(options, silent)


def test_trained_model_has_a_card_with_scores_of_people_left_out(model):
    _, card = load_any(model)
    assert card.family == "aegan"
    assert card.config["kind"] == "images"
    assert card.metrics["age"]["n"] == 16
    assert card.metrics["sex"]["majority"] == 0.5
    assert "left out in turn" in card.metrics["note"]
    assert "16 people: scores are uncertain" in card.caveat
    assert card.age_range == {"image": (20.0, 80.0)}
    assert card.training[0].n_female == 8
    assert not card.default
    assert set(card.metrics["rebuilding"]) == {
        "autoencoder", "autoencoder by blocks", "components", "components by blocks"
    }  # fmt: skip


def test_trained_model_predicts_an_image_as_the_application_reads_it(model, source):
    folder, _, _ = source
    predictor = load_predictor(str(model), torch.device("cpu"))
    spec = predictor.card.inputs["image"]
    brain = load_brain(folder / "p03.nii.gz", None, spec.zooms, spec.scaling, spec.shape)
    (found,) = predictor.predict([{"image": brain}])
    assert 10 <= found.age <= 90
    assert 0 <= found.probability_female <= 1
    assert found.modalities == ("image",)


def test_data_of_the_figures_lie_beside_the_model(model):
    with np.load(model / "brains.npz") as volumes:
        names = set(volumes.files)
        assert volumes["women mean"].shape == (58, 70, 58)
        away = volumes["women decoded"] - volumes["men decoded"]
        np.testing.assert_allclose(volumes["difference women decoded"], away, atol=1e-6)
    told = json.loads((model / "brains.json").read_text())
    assert {one["name"] for one in told} == names
    assert {one["title"] for one in told} >= {"women: mean of images", "older - younger"}
    assert {row["features"] for row in read_tsv(model / "components.tsv")} == {"initial", "latent"}
    with (model / "training.csv").open() as handle:
        assert next(csv.reader(handle))[3:5] == ["training_loss", "validation_loss"]
    assert not (model / "checkpoint").exists()
    found = read_tsv(model / "mean_brains.tsv")
    assert {row["pair"] for row in found} == {"women - men", "older - younger"}
    assert {float(row["r"]) for row in found if row["kind"] == "mean of images"} == {1}


def test_model_is_scored_on_people(options, model, tmp_path):
    scores = images.run_test(replace(options, model=str(model), output=tmp_path / "t"), silent)
    assert scores["n"] == 16
    assert scores["mae_median"] == pytest.approx(16)
    assert scores["sex_majority"] == 0.5
    assert scores == json.loads((tmp_path / "t" / "scores.json").read_text())
    assert len(read_tsv(tmp_path / "t" / "predictions.tsv")) == 16
    with pytest.raises(UsageError, match="no model is named"):
        images.run_test(replace(options, output=tmp_path), silent)


@pytest.fixture(scope="module")
def crossed(options, tmp_path_factory):
    only = replace(options, output=tmp_path_factory.mktemp("cv"), only=("components", "codes"))
    images.run_crossval(only, silent)
    return only


def test_crossvalidation_tells_each_kind_of_features_beside_guessing(crossed):
    rows = read_tsv(crossed.output / "crossval.tsv")
    assert {row["features"] for row in rows} == {
        "none", "components", "codes", "codes, told head size out"
    }  # fmt: skip
    assert {row["target"] for row in rows} == {"sex", "age bins", "age"}
    text = (crossed.output / "crossval.md").read_text()
    assert "What 16 people cannot show" in text
    assert "| mean brain | 0 | 1 | 1 |" in text
    assert "head size and nothing else" not in text


def test_finished_folds_are_used_again(crossed, monkeypatch):
    table = crossed.output / "crossval.tsv"
    before = table.read_text()

    def refuse(*args, **options):
        raise AssertionError

    monkeypatch.setattr("bids_brainage.training.autoencoder.image_folds.train_network", refuse)
    images.run_crossval(replace(crossed, resume=True), silent)
    assert table.read_text() == before


def test_rows_that_do_not_exist_and_too_few_people_are_refused(options, tmp_path):
    with pytest.raises(UsageError, match="no row faces"):
        images.run_crossval(replace(options, output=tmp_path, only=("faces",)), silent)
    few = tmp_path / "few.tsv"
    few.write_text("p00\t20\t0\np01\t30\t1\n")
    folder = tmp_path / "brains"
    folder.mkdir()
    for name in ("p00", "p01"):
        (folder / f"{name}.nii.gz").write_bytes((options.data[0] / f"{name}.nii.gz").read_bytes())
    with pytest.raises(InputError, match="2 people"):
        images.run_training(replace(options, data=(folder,), table=few, output=tmp_path), silent)


class TestHeadSize:
    @pytest.fixture
    def sized(self, options, monkeypatch, tmp_path):
        """The same people with invented sizes of their heads, larger for men."""
        brains = images.load_brains(replace(options, output=tmp_path))
        generator = np.random.default_rng(0)
        head = 1.4e6 - 1.5e5 * brains.female + generator.normal(0, 3e4, len(brains))
        known = replace(brains, head=head)
        for module in (images, image_crossval):
            monkeypatch.setattr(module, "load_brains", lambda options: known)
        return replace(options, output=tmp_path)

    def test_features_without_it_stand_beside_those_with_it(self, sized):
        rows = ("components", "components without head size", "head size")
        images.run_crossval(replace(sized, only=rows), silent)
        found = read_tsv(sized.output / "crossval.tsv")
        alone = [r for r in found if r["features"] == "head size" and r["metric"] == "auc"]
        assert max(float(row["value"]) for row in alone) > 0.9
        text = (sized.output / "crossval.md").read_text()
        assert "## Size of the head" in text
        assert "the measured size and nothing else" in text

    def test_mean_brains_without_it_stand_beside_the_others(self, sized):
        images.run_training(sized, silent)
        told = json.loads((sized.output / "brains.json").read_text())
        assert {one["column"] for one in told} == {0, 1, 2}
        network, _ = load_kind(sized.output, images.ImageAutoencoder)
        assert network.head_weight.any()


def test_bins_alone_are_learnt_by_their_middles(options, monkeypatch, tmp_path):
    brains = images.load_brains(replace(options, output=tmp_path))
    bins = np.array(["22-25"] * 4 + ["31-35"] * 12, dtype=object)
    told = replace(brains, age=np.full(16, np.nan), bins=bins[np.arange(16) * 5 % 16])
    monkeypatch.setattr(images, "load_brains", lambda options: told)
    _, card = load_any(images.run_training(replace(options, output=tmp_path), silent))
    assert "Ages were told in bins" in card.metrics["note"]
    assert card.age_range == {"image": (24.0, 33.5)}
    assert card.metrics["age"]["n"] == 16


def test_a_kept_fold_that_is_broken_counts_as_none(tmp_path):
    rows = np.arange(3)
    found = FoldResult(rows, rows, np.ones((6, 2)), rows, rows, {"mean": rows}, 1, [["a", 1]])
    path = tmp_path / "fold" / "fold.npz"
    _keep(path, "key", found)
    assert [file.name for file in path.parent.iterdir()] == ["fold.npz"]
    assert _finished(path, "key", rows, rows).course == [["a", "1"]]
    assert _finished(path, "other", rows, rows) is None
    path.write_bytes(path.read_bytes()[:200])
    assert _finished(path, "key", rows, rows) is None
