import nibabel as nib
import numpy as np
import pytest

from bids_brainage.cli.segmentation_verbs import _datasets, _recipe
from bids_brainage.cli.tool_command import build_parser, main
from bids_brainage.errors import DatasetError, UsageError


def options(*words, verb="train"):
    return build_parser().parse_args([verb, "resunet", "data", "--output", "there", *words])


def test_recipe_options_are_read():
    recipe = _recipe(options("--steps", "7", "--seed", "3", "--set", "ema=0.9", "strip=0"))
    assert (recipe.steps, recipe.seed, recipe.ema, recipe.strip) == (7, 3, 0.9, 0)


@pytest.mark.parametrize(
    ("setting", "message"),
    [("epochs=3", "no such option"), ("ema", "write option=value|Write option=value"),
     ("steps=0", "steps = 0"), ("patch=80,90,80", "patch")],
)  # fmt: skip
def test_wrong_settings_are_told(setting, message):
    with pytest.raises(UsageError, match=message):
        _recipe(options("--set", setting))


def test_datasets_are_those_named_or_all_with_images(tmp_path):
    assert _datasets(options("--datasets", "a", "b")) == ("a", "b")
    chosen = build_parser().parse_args(["train", "resunet", str(tmp_path), "--output", "there"])
    with pytest.raises(DatasetError):
        _datasets(chosen)


def test_crossval_can_run_parts():
    chosen = options("--folds", "2", "--only", "compact", "--people", "sub-1", verb="crossval")
    assert (chosen.folds, chosen.only, chosen.people) == (2, ["compact"], ["sub-1"])


def test_an_image_is_segmented_from_the_command_line(tmp_path, capsys):
    path = tmp_path / "sub-1_T1w.nii.gz"
    nib.save(nib.Nifti1Image(np.zeros((12, 12, 12), np.float32), np.diag([4, 4, 4, 1.0])), path)
    assert main(["test", "resunet", str(path), "--output", str(tmp_path / "out")]) == 0
    assert capsys.readouterr().out.splitlines()[1].startswith("sub-1_T1w.nii.gz\t0\t0")
    assert (tmp_path / "out" / "sub-1_dseg.nii.gz").is_file()
