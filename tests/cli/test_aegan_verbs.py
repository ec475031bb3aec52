from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import pytest

from bids_brainage.cli import aegan_verbs
from bids_brainage.cli.tool_command import build_parser, main
from bids_brainage.errors import UsageError
from bids_brainage.training import aegan_parts


def options(*words, verb="train"):
    return build_parser().parse_args([verb, "aegan", "data", "--output", "there", *words])


@pytest.mark.parametrize("verb", ["train", "crossval", "test"])
def test_the_family_has_the_verbs(verb):
    chosen = options(*(["--model", "m"] if verb == "test" else []), verb=verb)
    assert (chosen.family, callable(chosen.work)) == ("aegan", True)


def test_the_parts_of_the_command_are_those_that_can_be_trained():
    assert set(aegan_verbs.PARTS) == set(aegan_parts.PARTS)


def test_options_of_the_recipe_are_read():
    words = ("--bottleneck", "7", "--epochs", "3", "--batch-size", "5", "--seed", "2")
    recipe = aegan_verbs._recipe(options(*words, "--set", "learning_rate=0.5"))
    told = (recipe.bottleneck, recipe.epochs, recipe.batch_size, recipe.seed, recipe.learning_rate)
    assert told == (7, 3, 5, 2, 0.5)


def test_images_have_a_compact_width_and_others_can_be_set_beside_it():
    recipe = aegan_verbs._recipe(options("--part", "images", "--width", "compact", "--epochs", "2"))
    assert recipe.width < 1
    assert recipe.epochs == 2
    assert aegan_verbs._recipe(options("--part", "images", "--width", "full")).width == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [(("--width", "compact"), "--width: part morphometry has no such option"),
     (("--part", "gan", "--bottleneck", "5"), "--bottleneck: part gan has no such option"),
     (("--set", "colour=1"), "no such option")],
)  # fmt: skip
def test_options_that_a_part_lacks_are_refused(words, message):
    with pytest.raises(UsageError, match=message):
        aegan_verbs._recipe(options(*words))


@pytest.mark.parametrize("words", [("--table", "people.tsv"), ("--female", "2")])
def test_morphometry_takes_no_table_of_images(words, tmp_path, capsys):
    there = str(tmp_path / "out")
    assert main(["train", "aegan", str(tmp_path), "--output", there, *words]) == 2
    assert f"{words[0]}: part morphometry has no such option" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@dataclass(frozen=True)
class Recipe:
    epochs: int = 1
    batch_size: int = 2
    learning_rate: float = 0.1
    seed: int = 0

    def changed(self, **changes):
        return replace(self, **changes)


class Part:
    """Takes options, and leaves a table of losses."""

    recipe_class = Recipe
    seen: ClassVar[dict] = {}

    @staticmethod
    def run_training(chosen, progress):
        progress("begun")
        Part.seen = {"train": chosen}
        chosen.output.mkdir(parents=True)
        (chosen.output / "training.csv").write_text("part,epoch,training_loss\nall,1,2\nall,2,1\n")
        return chosen.output

    @staticmethod
    def run_crossval(chosen, progress):
        Part.seen = {"crossval": chosen}
        chosen.output.mkdir(parents=True)
        (chosen.output / "crossval.md").write_text("| row | age |\n")
        return chosen.output

    @staticmethod
    def run_test(chosen, progress):
        Part.seen = {"test": chosen}
        return {"n": 3.0, "model": "m"}


@pytest.fixture
def part(monkeypatch):
    monkeypatch.setitem(aegan_parts.PARTS, "gan", Part)
    return Part


def test_training_draws_its_losses_and_says_where(part, tmp_path, capsys):
    folder = tmp_path / "new"
    words = ["--part", "gan", "--name", "mine", "--seed", "4", "--resume", "--age-codes", "years",
             "--bins", "20-29", "30+", "--table", "people.tsv", "--female", "2"]  # fmt: skip
    assert main(["train", "aegan", str(tmp_path), "--output", str(folder), *words]) == 0
    chosen = part.seen["train"]
    assert (chosen.name, chosen.resume, chosen.recipe.seed) == ("mine", True, 4)
    assert (chosen.age_codes, chosen.bins, chosen.female) == ("years", ("20-29", "30+"), "2")
    assert (chosen.data, chosen.table) == ((tmp_path,), Path("people.tsv"))
    told = capsys.readouterr().out
    assert str(folder / "figures" / "losses.svg") in told
    assert (folder / "figures" / "losses.svg").is_file()
    assert f"model written to {folder}" in told


def test_a_cross_validation_tells_its_table(part, tmp_path, capsys):
    words = ["--part", "gan", "--folds", "3", "--only", "latent", "--output", str(tmp_path / "c")]
    assert main(["crossval", "aegan", str(tmp_path), *words]) == 0
    assert (part.seen["crossval"].n_folds, part.seen["crossval"].only) == (3, ("latent",))
    assert "| row | age |" in capsys.readouterr().out


def test_a_test_takes_the_part_of_the_model(part, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(aegan_parts, "part_of_model", lambda model: "gan")
    words = ["test", "aegan", str(tmp_path), "--model", "m", "--output", str(tmp_path / "t")]
    assert main(words) == 0
    assert part.seen["test"].model == "m"
    assert "n\t3.0000" in capsys.readouterr().out
    assert main([*words, "--part", "images"]) == 2
    assert "the model is one of part gan" in capsys.readouterr().err
