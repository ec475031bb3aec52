"""``brainage train|crossval|test cvae``; trainings themselves are tested where they live."""

from pathlib import Path

import pytest

from bids_brainage.cli.tool_command import build_parser, main
from bids_brainage.training.cvae import run


@pytest.fixture
def asked(monkeypatch, tmp_path):
    """What the verbs ask of the training, which does nothing."""
    found = {}

    def record(name, result):
        def call(*given):
            found[name] = given
            return result

        return call

    (tmp_path / "crossval.md").write_text("a table of rows\n")
    monkeypatch.setattr(run, "run_training", record("train", tmp_path))
    monkeypatch.setattr(run, "run_crossval", record("crossval", tmp_path))
    monkeypatch.setattr(run, "run_test", record("test", {"model": "m", "mae": 5.25}))
    return found


def test_options_reach_the_training(asked, tmp_path, capsys):
    words = ["train", "cvae", "data", "--output", str(tmp_path), "--epochs", "3", "--latent", "7",
             "--seed", "4", "--folds", "2", "--name", "mine", "--resume", "--threads", "1",
             "--set", "contrast=0", "members=2"]  # fmt: skip
    assert main(words) == 0
    (options,) = asked["train"]
    recipe = options.recipe
    assert (recipe.epochs, recipe.n_latent, recipe.seed) == (3, 7, 4)
    assert (recipe.contrast, recipe.members) == (0, 2)
    assert (options.data, options.output) == (Path("data"), tmp_path)
    assert (options.name, options.n_folds, options.resume) == ("mine", 2, True)
    assert f"--models {tmp_path}" in capsys.readouterr().out


def test_a_cross_validation_says_its_table(asked, tmp_path, capsys):
    words = ["crossval", "cvae", "data", "--output", str(tmp_path), "--only", "median", "--threads",
             "1"]  # fmt: skip
    assert main(words) == 0
    assert asked["crossval"][0].only == ("median",)
    assert "a table of rows" in capsys.readouterr().out


def test_a_test_says_its_scores(asked, tmp_path, capsys):
    assert main(["test", "cvae", "data", "--output", str(tmp_path / "s.json")]) == 0
    assert asked["test"] == ([Path("data")], "cvae", tmp_path / "s.json")
    assert capsys.readouterr().out == "model\tm\nmae\t5.2500\n"


@pytest.mark.parametrize("setting", ["nothing=1", "epochs=0", "contrast"])
def test_settings_that_cannot_be_are_told(asked, setting, capsys):
    words = ["train", "cvae", "data", "--output", "there", "--threads", "1", "--set", setting]
    assert main(words) == 2
    assert "error" in capsys.readouterr().err and not asked


def test_verbose_comes_after_the_family():
    options = build_parser().parse_args(["test", "cvae", "data", "-v"])
    assert options.verbose and options.model == "cvae"
