import json

import numpy as np
import pytest

from bids_brainage.app.generative import draw_figures
from bids_brainage.errors import InputError


@pytest.fixture
def folder(tmp_path):
    """What a training leaves."""
    (tmp_path / "training.csv").write_text(
        "part,epoch,training_loss,validation_loss,accuracy\n"
        "everyone,1,1.0,1.1,\neveryone,2,0.5,0.7,\nsex,1,,,0.5\n"
    )
    (tmp_path / "components.tsv").write_text(
        "features\tfirst\tsecond\tsex\tage\n"
        "initial\t1\t2\tF\t20\ninitial\t2\t1\tM\tn/a\nlatent\t0\t0\tF\t20\nlatent\t1\t1\tM\tn/a\n"
    )
    shares = {"initial": [0.3, 0.1], "latent": [0.2, 0.1]}
    (tmp_path / "components.json").write_text(json.dumps(shares))
    (tmp_path / "importance.tsv").write_text(
        "target\trank\tmeasures\tn_measures\timportance\timportance_sd\tunit\n"
        "sex\t1\ta; b\t2\t0.1\t0.01\tAUC\nage\t1\tc\t1\t0.5\tn/a\tyears of error\n"
    )
    volume = np.zeros((8, 9, 8), np.float32)
    volume[2:6, 2:7, 2:6] = 1
    np.savez_compressed(tmp_path / "brains.npz", women=volume, difference_men=volume * 0.1)
    told = [{"name": "women", "title": "Women", "row": "all", "column": "women"},
            {"name": "difference_men", "title": "Less", "row": "all", "column": "men"}]  # fmt: skip
    (tmp_path / "brains.json").write_text(json.dumps(told))
    np.savez_compressed(tmp_path / "generated.npz", real=volume[None], generated=volume[None])
    return tmp_path


def test_each_file_of_data_becomes_a_figure(folder):
    drawn = draw_figures(folder)
    names = ["losses.svg", "components.png", "importance.svg", "mean_brains.png", "generated.png"]
    assert drawn == [folder / "figures" / name for name in names]
    assert all(path.stat().st_size > 500 for path in drawn)


def test_every_course_of_losses_has_a_figure(tmp_path):
    for name in ("training.csv", "training_plain.csv"):
        (tmp_path / name).write_text("part,epoch,training_loss\nfold 1,1,2\nfold 2,1,3\n")
    assert [path.name for path in draw_figures(tmp_path)] == ["losses.svg", "losses_plain.svg"]


def test_drawing_again_gives_the_same_bytes(folder):
    first = [path.read_bytes() for path in draw_figures(folder)]
    assert [path.read_bytes() for path in draw_figures(folder)] == first


def test_a_folder_without_data_gives_no_figure(tmp_path):
    (tmp_path / "training.csv").write_text("part,epoch\n")
    assert draw_figures(tmp_path) == []
    assert not (tmp_path / "figures").exists()


@pytest.mark.parametrize(
    ("name", "content"),
    [("components.tsv", "features\tfirst\nlatent\tx\n"), ("importance.tsv", "target\trank\na\t1\n"),
     ("training.csv", "part,epoch,a_loss\nall,one,2\n"), ("brains.npz", "no archive"),
     ("generated.npz", ""), ("brains.json", "[1]")],
)  # fmt: skip
def test_files_that_are_not_what_they_should_be_are_named(folder, name, content):
    (folder / name).write_text(content)
    with pytest.raises(InputError, match="brains" if "brains" in name else name):
        draw_figures(folder)
