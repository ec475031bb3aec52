"""Training of a small cascade on invented brains."""

import csv
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from bids_brainage.app.image_scores import score_images
from bids_brainage.cli.tool_command import main
from bids_brainage.errors import InputError, UsageError
from bids_brainage.evaluation import intervals
from bids_brainage.models.store import load_any
from bids_brainage.preprocessing.brain_image import grid_shape
from bids_brainage.training.images.run import ImageTraining, run_image_training
from bids_brainage.training.tsan.recipe import TsanRecipe
from bids_brainage.training.tsan.train import TSAN, with_first_stage_of
from tests.training.drawn_brains import ZOOMS

RECIPE = TsanRecipe(
    zooms=ZOOMS,
    filters=4,
    layers=3,
    epochs=3,
    batch_size=4,
    validation=0.25,
    patience=9,
    jitter=2.0,
)


def options(data, output, recipe=RECIPE, **others):
    return ImageTraining(TSAN, data[2], output, recipe, **others)


@pytest.fixture(scope="module")
def trained(source, tmp_path_factory):
    output = tmp_path_factory.mktemp("model") / "mine"
    lines: list[str] = []
    run_image_training(options(source, output, source="brains"), lines.append)
    return output, lines


def test_model_loads_with_a_card_that_names_its_image(trained):
    module, card = load_any(trained[0])
    assert card.inputs["image"].shape == module.config.shape == grid_shape(ZOOMS)
    assert card.age_range["image"][0] >= 20
    assert card.training[0].n == 12
    assert card.experimental


def test_course_of_both_stages_is_kept(trained):
    with (trained[0] / "training.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["part"], row["epoch"]) for row in rows] == [
        (f"stage {s}", e) for s in "12" for e in "123"
    ]  # fmt: skip
    assert len(trained[1]) == 6


def test_checkpoints_are_gone_after_training(trained):
    assert not list(trained[0].rglob("checkpoint*"))


def test_same_seed_gives_the_same_weights_also_after_a_kill(source, trained, tmp_path):
    class Killed(Exception):
        pass

    def kill(text: str) -> None:
        if text.startswith("stage 2, epoch 2"):
            raise Killed

    started = options(source, tmp_path / "mine", source="brains")
    with pytest.raises(Killed):
        run_image_training(started, kill)
    lines: list[str] = []
    run_image_training(replace(started, resume=True), lines.append)
    assert [line[:16] for line in lines] == ["stage 2, epoch 2", "stage 2, epoch 3"]
    weights = [
        (folder / "model.safetensors").read_bytes() for folder in (trained[0], started.output)
    ]
    assert weights[0] == weights[1]


def test_finished_first_stage_is_kept_where_the_second_is_trained_alone(source, trained, tmp_path):
    shutil.copytree(trained[0], tmp_path / "mine")
    lines: list[str] = []
    recipe = RECIPE.changed(discretise=10.0)
    second = with_first_stage_of(tmp_path / "mine", recipe)
    started = replace(options(source, tmp_path / "mine", recipe), family=second)
    run_image_training(started, lines.append)
    assert all(line.startswith("stage 2") for line in lines)
    before, after = load_any(trained[0])[0], load_any(tmp_path / "mine")[0]
    for name, value in before.first.state_dict().items():
        torch.testing.assert_close(after.first.state_dict()[name], value)
    assert after.config.step == 10.0


def test_scores_and_files_of_a_test(source, trained, tmp_path):
    found = score_images(source[2], str(trained[0]), tmp_path, "cpu")
    assert found["n"] == 16
    assert {"mae", "spearman", "sd", "first_mae", "mae_median"} <= set(found)
    kept = np.load(tmp_path / "predictions.npz")
    assert kept["target"].tolist() == pytest.approx([p.age for p in source[2]])
    assert kept["ID"][0] == "p00.nii.gz"
    assert (tmp_path / "scatter.svg").is_file()
    header = (tmp_path / "predictions.tsv").read_text().splitlines()[0].split("\t")
    assert header[5:7] == ["rounded_age", "predicted_age"]


def test_commands_train_and_test_on_a_folder_and_a_table(source, tmp_path, capsys):
    folder, table, _ = source
    words = [str(folder), "--table", str(table)]
    model = tmp_path / "m"
    recipe = ["zooms=8", "filters=4", "layers=3", "patience=2"]
    assert main(["train", "tsan", *words, "--output", str(model), "--stage", "1", "--epochs", "1",
                 "--device", "cpu", "--threads", "1", "--set", *recipe]) == 0  # fmt: skip
    assert main(["test", "tsan", *words, "--model", str(model), "--output",
                 str(tmp_path / "t"), "--device", "cpu"]) == 0  # fmt: skip
    assert "mae\t" in capsys.readouterr().out


def test_network_that_tells_sex_is_scored_on_it(source, tmp_path):
    recipe = RECIPE.changed(sex="tells", stages=1, epochs=1)
    output = run_image_training(options(source, tmp_path / "m", recipe))
    found = score_images(source[2], str(output), tmp_path / "t", "cpu")
    assert 0 <= found["sex_auc"] <= 1


@pytest.mark.parametrize("change", [{"filters": 8}, {"scaling": "whole"}])
def test_first_stage_of_another_shape_or_image_is_refused(trained, change):
    with pytest.raises(InputError, match="another shape"):
        with_first_stage_of(trained[0], RECIPE.changed(**change))


def test_training_that_loses_its_numbers_ends(source, tmp_path):
    recipe = RECIPE.changed(learning_rate=1e30, stages=1, epochs=9)
    with pytest.raises(InputError, match=r"the loss of stage 1 is (nan|inf) in epoch"):
        run_image_training(options(source, tmp_path / "m", recipe))


def test_share_that_leaves_nobody_is_refused(source, tmp_path):
    with pytest.raises(InputError, match=r"validation = 0\.99"):
        run_image_training(options(source, tmp_path / "m", RECIPE.changed(validation=0.99)))


def test_image_that_is_trained_on_does_not_choose_the_epoch(source, tmp_path):
    with pytest.raises(InputError, match=r"1 images are .*p03\.nii\.gz"):
        run_image_training(options(source, tmp_path / "m", validation_people=source[2][3:4]))


@pytest.mark.parametrize(
    "options",
    [
        {"width": "huge"},
        {"sex": "both"},
        {"stages": 3},
        {"zooms": 8.0},
        {"light": "maybe"},
        {"epochs": "many"},
        {"shift": float("nan")},
        {"learning_rate": float("inf")},
        {"seed": -1},
        {"batch_size": 1.5},
        {"filters": True},
    ],
)
def test_impossible_recipes_are_refused(options):
    with pytest.raises(UsageError, match=next(iter(options))):
        TsanRecipe(**options)


def test_ages_have_intervals_where_enough_people_chose_the_epoch(source, tmp_path, monkeypatch):
    none = load_any(run_image_training(options(source, tmp_path / "few")))[1]
    assert none.intervals == {}
    monkeypatch.setattr(intervals, "MIN_PEOPLE", 4)
    card = load_any(run_image_training(options(source, tmp_path / "many")))[1]
    fitted = intervals.Intervals.from_dict(card.intervals["image"])
    assert fitted.n == card.metrics["calibration"]["n"]
    lower, upper = fitted.limits(np.array([40.0]))
    assert lower < upper
