"""Training of a small ResNeXt on invented brains."""

from dataclasses import replace

import pytest

from bids_brainage.app.image_scores import score_images
from bids_brainage.cli.tool_command import main
from bids_brainage.errors import ModelError, UsageError
from bids_brainage.models.store import load_any
from bids_brainage.training.images.run import ImageTraining, run_image_training
from bids_brainage.training.resnext.recipe import COMPACT, ResNeXtRecipe
from bids_brainage.training.resnext.train import RESNEXT

RECIPE = ResNeXtRecipe(
    blocks=(1, 1), planes=(4, 8), groups=4, stem=4, side=24, zooms=8.0, epochs=2, validation=0.25
)


def test_recipe_of_full_width_is_the_published_one():
    recipe = ResNeXtRecipe()
    assert recipe.model_config.as_dict() == ResNeXtRecipe().model_config.as_dict()
    assert (recipe.learning_rate, recipe.batch_size, recipe.epochs) == (1e-4, 4, 12)
    assert (recipe.shape, recipe.zooms) == ((64, 64, 64), 3.0)
    assert ResNeXtRecipe(**COMPACT).shape == (48, 48, 48)


def test_model_loads_and_predicts_the_same_after_a_kill(source, tmp_path):
    class Killed(Exception):
        pass

    def kill(text: str) -> None:
        if "epoch 1" in text:
            raise Killed

    plain = ImageTraining(RESNEXT, source[2], tmp_path / "a", RECIPE, name="mine")
    run_image_training(plain)
    killed = replace(plain, output=tmp_path / "b")
    with pytest.raises(Killed):
        run_image_training(killed, kill)
    run_image_training(replace(killed, resume=True))
    module, card = load_any(tmp_path / "b")
    assert card.inputs["image"].shape == module.config.shape == (24, 24, 24)
    assert (card.family, card.inputs["image"].zooms) == ("resnext", 8.0)
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in "ab"]
    assert weights[0] == weights[1]


def test_commands_train_and_test(source, tmp_path, capsys):
    folder, table, _ = source
    words = [str(folder), "--table", str(table)]
    model = str(tmp_path / "m")
    assert main(["train", "resnext", *words, "--output", model, "--width", "compact",
                 "--epochs", "1", "--device", "cpu", "--threads", "1", "--average", "--set",
                 "side=24", "zooms=8", "planes=8,8", "blocks=1,1"]) == 0  # fmt: skip
    assert load_any(model)[0].config.average
    assert main(["test", "resnext", *words, "--model", model, "--output", str(tmp_path / "t"),
                 "--device", "cpu"]) == 0  # fmt: skip
    said = capsys.readouterr().out
    assert "mae\t" in said
    assert "first_mae" not in said
    assert {f.name for f in (tmp_path / "t").iterdir()} >= {
        "predictions.npz", "predictions.tsv", "scores.json", "scatter.svg"
    }  # fmt: skip


def test_model_of_vectors_cannot_be_tested_on_images(source, tmp_path):
    with pytest.raises(ModelError, match="no age of an image"):
        score_images(source[2], "volumes", tmp_path, "cpu")


@pytest.mark.parametrize(
    "options",
    [
        {"blocks": 3},
        {"blocks": (1, "x")},
        {"planes": (8, 16)},
        {"groups": 3},
        {"side": 8},
        {"stem": 0},
        {"patience": 0},
        {"noise": -0.1},
    ],
)
def test_impossible_recipes_are_refused(options):
    with pytest.raises(UsageError, match=next(iter(options))):
        ResNeXtRecipe(**options)
