import csv
import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from bids_brainage.bids.outputs import read_tsv
from bids_brainage.errors import UsageError
from bids_brainage.models.gan import Gan
from bids_brainage.models.store import load_any
from bids_brainage.predict.load import load_predictor
from bids_brainage.training.aegan import AeganOptions
from bids_brainage.training.autoencoder.brains import load_brains
from bids_brainage.training.gan.crossval import ROWS
from bids_brainage.training.gan.run import run_crossval, run_test, run_training


def quiet(text):
    """Say nothing."""


@pytest.fixture(scope="module")
def options(source, recipe, tmp_path_factory):
    folder, table, _ = source
    output = tmp_path_factory.mktemp("gan") / "model"
    return AeganOptions(
        data=(folder,), output=output, recipe=recipe, table=table, n_folds=3, command="brainage"
    )


@pytest.fixture(scope="module")
def trained(options):
    return run_training(options, quiet)


@pytest.fixture(scope="module")
def compared(options, tmp_path_factory):
    output = tmp_path_factory.mktemp("crossval")
    return run_crossval(replace(options, output=output), quiet)


def test_a_trained_model_loads_with_its_card(trained, recipe):
    module, card = load_any(trained)
    assert isinstance(module, Gan)
    assert card.family == "aegan" and card.config["kind"] == "gan"
    assert card.inputs["image"].scaling == "median"
    assert card.recipe == recipe.as_dict()
    assert "hardly better" in card.caveat
    assert not card.default


def test_the_app_tells_what_the_networks_tell(trained, options):
    brains = load_brains(options)
    images = brains.block([0, 5])
    with torch.no_grad():
        age, logit = load_any(trained)[0]({"image": torch.from_numpy(images)})
    predictor = load_predictor(str(trained), torch.device("cpu"))
    found = predictor.predict([{"image": image} for image in images])
    np.testing.assert_allclose([p.age for p in found], age, atol=1e-2)
    female = torch.sigmoid(logit)
    np.testing.assert_allclose([p.probability_female for p in found], female, atol=1e-3)


def test_people_who_judge_are_not_trained_on(trained):
    _, card = load_any(trained)
    assert card.training[0].n == 12
    assert card.metrics["age, code"]["n"] == 4


def test_training_leaves_pairs_scores_and_what_is_drawn(trained):
    assert np.load(trained / "pairs" / "latent.npy").shape == (20, 100)
    assert np.load(trained / "pairs" / "volumes.npy").shape == (20, 16, 16, 16)
    scores = json.loads((trained / "scores.json").read_text())
    assert scores["encoder"]["prior_variance"] == pytest.approx(1 / 12, abs=1e-4)
    assert {"ms_ssim", "kid_voxels", "nearest_p", "agree_code"} <= set(scores["generated"])
    with np.load(trained / "generated.npz") as drawn:
        assert set(drawn.files) == {"real", "generated", "nearest"}
        assert len({drawn[name].shape for name in drawn.files}) == 1
    with (trained / "training.csv").open() as handle:
        rows = list(csv.DictReader(handle))
    assert {row["part"] for row in rows} == {
        "gan", "latent encoder", "classifier", "classifier with noise",
    }  # fmt: skip
    assert not (trained / "checkpoints").exists()


def test_a_resumed_training_gives_the_same_weights(trained, options, tmp_path):
    def stop(text):
        if text.startswith("latent encoder, epoch 1"):
            raise KeyboardInterrupt

    other = replace(options, output=tmp_path / "again", resume=True)
    with pytest.raises(KeyboardInterrupt):
        run_training(other, stop)
    run_training(other, quiet)
    assert load_any(other.output)[1].sha256 == load_any(trained)[1].sha256


def test_a_model_is_tested_on_people(trained, options, tmp_path):
    found = run_test(replace(options, output=tmp_path, model=str(trained), recipe=None), quiet)
    assert found["age_n"] == found["sex_n"] == 16
    assert found["age_mae_median"] > 0
    assert json.loads((tmp_path / "scores.json").read_text())["model"] == "model"


def test_crossval_has_every_row_with_its_scores(compared):
    rows = read_tsv(compared / "crossval.tsv")
    assert list(dict.fromkeys(row["row"] for row in rows)) == [
        *ROWS, "classifier_plain", "classifier_noisy", "classifier_both",
    ]  # fmt: skip
    of = {row: {r["score"] for r in rows if r["row"] == row} for row in ROWS}
    assert {"encoder_r2", "code_age_mae", "code_sex_accuracy", "agree_code"} <= of["spectral"]
    assert "nearest_auc" in of["gaussian"] and "nearest_auc" not in of["real"]
    people = read_tsv(compared / "crossval_people.tsv")
    assert len(people) == 16
    text = (compared / "crossval.md").read_text()
    assert "GAN, gradient penalty" in text and "another seed" in text


def test_finished_folds_are_used_again(compared, options):
    told = []
    before = (compared / "crossval.tsv").read_text()
    run_crossval(replace(options, output=compared, resume=True), told.append)
    assert not told
    assert (compared / "crossval.tsv").read_text() == before


def test_rows_that_do_not_exist_are_refused(options):
    with pytest.raises(UsageError, match="magic"):
        run_crossval(replace(options, only=("magic",)), quiet)


def test_people_whose_age_is_known_by_bin_give_a_model_that_tells_no_age(recipe, tmp_path):
    at = np.stack(np.meshgrid(*[np.linspace(-1, 1, n) for n in (58, 70, 58)], indexing="ij"))
    radius = np.square(at).sum(axis=0)
    brains = [np.where(radius < 0.8 + 0.01 * k, 500 + 300 * (radius < 0.3), 0) for k in range(16)]
    folder = tmp_path / "own"
    folder.mkdir()
    np.save(folder / "tensors.npy", np.array(brains, np.float32))
    np.save(folder / "age.npy", np.arange(16) % 4)
    np.save(folder / "sex.npy", np.array([0, 1, 1, 0] * 4, np.uint8))
    options = AeganOptions(
        data=(folder,), output=tmp_path / "model", recipe=recipe, age_codes="years"
    )
    module, card = load_any(run_training(options, quiet))
    age, logit = module({"image": torch.from_numpy(np.array(brains[:2], np.float32))})
    assert age.isnan().all() and logit.isfinite().all()
    assert card.age_range == {}
    assert card.metrics["age, code"]["n"] == 0
