"""Training of a small cascade on invented brains that darken with age."""

import csv
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
import torch

from bids_brainage.app.image_scores import score_images
from bids_brainage.cli.tool_command import main
from bids_brainage.errors import InputError, UsageError
from bids_brainage.models.store import load_any
from bids_brainage.preprocessing.brain_image import grid_affine, grid_shape
from bids_brainage.training.tsan.augment import augment
from bids_brainage.training.tsan.crossval import TsanCrossval, person_folds, run_tsan_crossval
from bids_brainage.training.tsan.people import load_people
from bids_brainage.training.tsan.recipe import TsanRecipe
from bids_brainage.training.tsan.run import TsanTraining, run_tsan_training, split_people

ZOOMS = 8.0
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


def brain(age, generator):
    """An ellipsoid with a bright core that shrinks with age."""
    shape, affine = grid_shape(ZOOMS), grid_affine(ZOOMS)
    world = nib.affines.apply_affine(affine, np.stack(np.indices(shape), axis=-1))
    radius = (((world - [0, -18, 10]) / [65, 85, 60]) ** 2).sum(axis=-1)
    data = np.where(radius < 1, 100 + 5 * generator.standard_normal(shape), 0)
    data[radius < 0.9 - age / 100] += 60
    return nib.Nifti1Image(data.astype(np.float32), affine)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Folder of 16 brains, its table, and the people."""
    folder = tmp_path_factory.mktemp("brains")
    generator = np.random.default_rng(0)
    rows = []
    for number, age in enumerate(np.linspace(20, 80, 16)):
        brain(age, generator).to_filename(folder / f"p{number:02d}.nii.gz")
        rows.append(f"p{number:02d}\t{age:.1f}\t{number % 2}")
    table = folder / "people.tsv"
    table.write_text("\n".join(rows) + "\n")
    return folder, table, load_people(folder, table)


@pytest.fixture(scope="module")
def trained(source, tmp_path_factory):
    output = tmp_path_factory.mktemp("model") / "mine"
    lines: list[str] = []
    run_tsan_training(TsanTraining(source[2], output, RECIPE, source="brains"), lines.append)
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
    assert [(row["stage"], row["epoch"]) for row in rows] == [
        (s, e) for s in "12" for e in "123"
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

    options = TsanTraining(source[2], tmp_path / "mine", RECIPE, source="brains")
    with pytest.raises(Killed):
        run_tsan_training(options, kill)
    lines: list[str] = []
    run_tsan_training(replace(options, resume=True), lines.append)
    assert [line[:16] for line in lines] == ["stage 2, epoch 2", "stage 2, epoch 3"]
    weights = [
        (folder / "model.safetensors").read_bytes() for folder in (trained[0], options.output)
    ]
    assert weights[0] == weights[1]


def test_finished_first_stage_is_kept_where_the_second_is_trained_alone(source, trained, tmp_path):
    import shutil

    shutil.copytree(trained[0], tmp_path / "mine")
    lines: list[str] = []
    recipe = RECIPE.changed(discretise=10.0)
    run_tsan_training(
        TsanTraining(source[2], tmp_path / "mine", recipe, source="b", second_only=True),
        lines.append,
    )
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
    output = run_tsan_training(TsanTraining(source[2], tmp_path / "m", recipe, source="b"))
    found = score_images(source[2], str(output), tmp_path / "t", "cpu")
    assert 0 <= found["sex_auc"] <= 1


def test_too_few_people_and_broken_images_are_named(source, tmp_path):
    with pytest.raises(InputError, match="3 people"):
        run_tsan_training(TsanTraining(source[2][:3], tmp_path, RECIPE))
    broken = tmp_path / "broken.nii.gz"
    broken.write_bytes(b"no image")
    people = [*source[2], replace(source[2][0], image=broken)]
    with pytest.raises(InputError, match=r"1 images are unusable: .*broken\.nii\.gz"):
        run_tsan_training(TsanTraining(people, tmp_path / "m", RECIPE))


def test_one_person_is_on_one_side_of_the_split(source):
    twice = [*source[2], *source[2]]
    training, validation = split_people(twice, 0.25, 0)
    labels = [{twice[i].label for i in side} for side in (training, validation)]
    assert not labels[0] & labels[1]
    assert len(validation) == 8


def test_augmentation_keeps_the_background_and_depends_on_its_generator_only():
    images = torch.zeros(2, 1, 12, 14, 10)
    images[:, :, 3:9, 3:11, 3:8] = torch.randn(2, 1, 6, 8, 5)
    recipe = RECIPE.changed(shift=1.0)
    first, second = (
        augment(images, recipe, torch.Generator().manual_seed(seed)) for seed in (3, 3)
    )
    torch.testing.assert_close(first, second)
    assert not first[:, :, 0, 0].any()
    still = RECIPE.changed(shift=0.0, flip=0.0, rotation=0.0, zoom=0.0, noise=0.0, gamma=0.0)
    torch.testing.assert_close(
        augment(images, still, torch.Generator().manual_seed(0)), images, atol=1e-4, rtol=0
    )


def test_flip_exchanges_left_and_right():
    images = torch.randn(1, 1, 6, 7, 8)
    flip = RECIPE.changed(shift=0.0, flip=1.0, rotation=0.0, zoom=0.0, noise=0.0, gamma=0.0)
    found = augment(images, flip, torch.Generator().manual_seed(0))
    torch.testing.assert_close(found, images.flip(2), atol=1e-3, rtol=0)


@pytest.mark.parametrize(
    "options",
    [{"width": "huge"}, {"sex": "both"}, {"epochs": 0}, {"validation": 1.0}, {"stages": 3},
     {"zooms": 8.0}],
)  # fmt: skip
def test_impossible_recipes_are_refused(options):
    with pytest.raises(UsageError, match=next(iter(options))):
        TsanRecipe(**options)


def test_crossval_keeps_people_apart_and_resumes(source, tmp_path):
    recipe = RECIPE.changed(epochs=1, stages=2)
    options = TsanCrossval(
        source[2], tmp_path, recipe, n_folds=2, only=("tsan", "voxels"), resume=True
    )
    for training, test in person_folds(source[2], 2):
        assert not {source[2][i].label for i in training} & {source[2][i].label for i in test}
    lines: list[str] = []
    run_tsan_crossval(options, lines.append)
    table = (tmp_path / "crossval.tsv").read_text()
    run_tsan_crossval(options, lines.append)
    assert (tmp_path / "crossval.tsv").read_text() == table
    rows = [row.split("\t") for row in table.splitlines()]
    assert [row[0] for row in rows[1:]] == ["median", "voxels", "tsan", "first", "rounded"]
    assert {row[2] for row in rows[1:]} == {"16"}
    # A finished fold is not trained again.
    assert sum("fold 1: stage 1" in line for line in lines) == 1
    assert "Second stage" in (tmp_path / "crossval.md").read_text()


def test_rows_that_do_not_exist_are_named(source, tmp_path):
    with pytest.raises(UsageError, match="forest"):
        run_tsan_crossval(TsanCrossval(source[2], tmp_path, RECIPE, only=("forest",)))
