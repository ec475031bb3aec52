"""Cross-validation of small networks on invented brains."""

from dataclasses import replace

import pytest

from bids_brainage.errors import InputError, UsageError
from bids_brainage.training.images.crossval import ImageCrossval, run_image_crossval
from bids_brainage.training.images.run import ImageTraining, run_image_training
from bids_brainage.training.resnext.recipe import ResNeXtRecipe
from bids_brainage.training.resnext.train import RESNEXT
from bids_brainage.training.tsan.recipe import TsanRecipe
from bids_brainage.training.tsan.train import TSAN
from tests.training.drawn_brains import ZOOMS

RECIPE = TsanRecipe(zooms=ZOOMS, filters=4, layers=3, epochs=1, batch_size=4, validation=0.25)


def rows_of(folder):
    return [row.split("\t") for row in (folder / "crossval.tsv").read_text().splitlines()]


def test_finished_folds_are_not_trained_again(source, tmp_path):
    options = ImageCrossval(
        TSAN, source[2], tmp_path, RECIPE, n_folds=2, only=("tsan", "voxels"), resume=True
    )
    lines: list[str] = []
    run_image_crossval(options, lines.append)
    first = rows_of(tmp_path)
    run_image_crossval(options, lines.append)
    assert rows_of(tmp_path) == first
    assert [row[0] for row in first[1:]] == [
        "median", "voxels", "tsan", "first", "rounded", "averaged"
    ]  # fmt: skip
    assert {row[2] for row in first[1:]} == {"16"}
    assert sum("fold 1: stage 1" in line for line in lines) == 1
    assert "Second stage" in (tmp_path / "crossval.md").read_text()


def test_folds_of_other_images_are_trained_again(source, tmp_path):
    options = ImageCrossval(
        TSAN, source[2], tmp_path, RECIPE, n_folds=2, only=("tsan",), resume=True
    )
    lines: list[str] = []
    run_image_crossval(options, lines.append)
    changed = list(source[2])
    changed[0], changed[1] = (
        replace(changed[0], image=changed[1].image), replace(changed[1], image=changed[0].image)
    )  # fmt: skip
    run_image_crossval(replace(options, people=changed), lines.append)
    assert sum("fold 1: stage 1" in line for line in lines) == 2


def test_rows_are_compared_with_the_median_and_the_main_network(source, tmp_path):
    recipe = ResNeXtRecipe(blocks=(1, 1), planes=(4, 8), groups=4, stem=4, side=24, zooms=8.0,
                           epochs=1, pretrain_epochs=1)  # fmt: skip
    run_image_crossval(ImageCrossval(RESNEXT, source[2], tmp_path, recipe, 2, 1))
    header, *rows = rows_of(tmp_path)
    found = {row[0]: dict(zip(header, row, strict=True)) for row in rows}
    # Brains of a folder with a table have no volumes.
    assert list(found) == ["median", "voxels", "resnext", "resnext-averaged", "resnext-images"]
    assert (found["median"]["gain"], found["resnext"]["gain_over_main"]) == ("n/a", "n/a")
    assert float(found["resnext-images"]["gain_over_main_lower"]) < 20
    assert [found[name]["folds"] for name in ("resnext", "resnext-images")] == ["2", "1"]
    assert found["resnext-images"]["n"] == "8"


def test_rows_that_do_not_exist_are_named(source, tmp_path):
    with pytest.raises(UsageError, match="forest"):
        run_image_crossval(ImageCrossval(TSAN, source[2], tmp_path, RECIPE, only=("forest",)))


def test_one_fold_is_none(source, tmp_path):
    with pytest.raises(UsageError, match="--folds 1"):
        run_image_crossval(ImageCrossval(TSAN, source[2], tmp_path, RECIPE, 1))


def test_too_few_people_and_broken_images_are_named(source, tmp_path):
    with pytest.raises(InputError, match="3 people"):
        run_image_training(ImageTraining(TSAN, source[2][:3], tmp_path, RECIPE))
    broken = tmp_path / "broken.nii.gz"
    broken.write_bytes(b"no image")
    people = [*source[2], replace(source[2][0], image=broken)]
    with pytest.raises(InputError, match=r"1 images are unusable: .*broken\.nii\.gz"):
        run_image_training(ImageTraining(TSAN, people, tmp_path / "m", RECIPE))
