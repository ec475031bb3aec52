import numpy as np
import pytest
import torch

from bids_brainage.bids.outputs import read_tsv
from bids_brainage.errors import ModelError
from bids_brainage.models.store import load_model
from bids_brainage.training.recipe import quick
from bids_brainage.training.run import TrainOptions, fine_tune_recipe, run_training

RECIPE = quick().changed(epochs=1, batch_size=16)


@pytest.fixture
def trained(array_folder, tmp_path):
    return run_training(TrainOptions(array_folder, tmp_path / "mine", RECIPE, n_folds=2))


def test_a_trained_model_loads_with_its_card(trained):
    module, card = load_model(trained)
    assert card.name == "mine"
    assert set(card.bias_correction) == {
        "morphometry", "connectivity", "morphometry+connectivity"
    }  # fmt: skip
    assert card.metrics["morphometry"]["out_of_fold"]["n"] == 60
    assert card.training[0].n == 60
    assert card.recipe["epochs"] == 1
    assert set(card.intervals) == set(card.bias_correction)
    x = torch.zeros(1, len(card.inputs["morphometry"].names)).double()
    with torch.inference_mode():
        assert module.double()({"morphometry": x})[0].isfinite().all()


def test_weights_hold_no_participant(trained):
    from safetensors.torch import load_file

    state = load_file(trained / "model.safetensors")
    people = 60
    assert not any(people in value.shape for value in state.values())


def test_a_trained_model_knows_how_unusual_people_are(trained, array_folder):
    module, _ = load_model(trained)
    raw = torch.from_numpy(np.load(array_folder / "features1.npy")).double()
    found = module.double().percentile({"morphometry": raw})
    assert bool(((found >= 0) & (found <= 100)).all())
    strange = raw + 100 * raw.std(dim=0) * (-1) ** torch.arange(raw.shape[1])
    assert float(module.percentile({"morphometry": strange}).mean()) > float(found.mean())


def test_out_of_fold_predictions_are_written_as_evaluate_takes_them(trained):
    rows = read_tsv(trained / "out_of_fold.tsv")
    assert {row["model"] for row in rows} == {
        "mine:morphometry", "mine:connectivity", "mine:morphometry+connectivity"
    }  # fmt: skip
    assert {"participant_id", "site", "age", "sex", "predicted_age"} <= set(rows[0])


def test_a_model_can_be_fine_tuned(trained, array_folder, tmp_path):
    options = TrainOptions(
        array_folder, tmp_path / "tuned", fine_tune_recipe(epochs=1, batch_size=16),
        start=str(trained), n_folds=0,
    )  # fmt: skip
    module, card = load_model(run_training(options))
    assert "Fine-tuned from mine" in card.description
    assert len(card.training) == 2
    before = load_model(trained)[0]
    assert module.config == before.config
    assert torch.equal(module.transforms["morphometry"].centre,
                       before.transforms["morphometry"].centre)  # fmt: skip


def test_fine_tuning_on_other_measures_is_refused(trained, array_folder, tmp_path):
    np.save(array_folder / "features1.npy", np.zeros((60, 3)))
    options = TrainOptions(array_folder, tmp_path / "tuned", RECIPE, start=str(trained))
    with pytest.raises(ModelError, match="not those of model mine"):
        run_training(options)


def test_card_lists_only_the_modalities_that_were_trained(array_folder, tmp_path):
    recipe = RECIPE.changed(single_modality="morphometry")
    folder = run_training(TrainOptions(array_folder, tmp_path / "one", recipe, n_folds=2))
    _, card = load_model(folder)
    assert set(card.inputs) == {"morphometry"}
    assert set(card.age_range) == {"morphometry"}
    assert "connectivity" not in card.metrics
