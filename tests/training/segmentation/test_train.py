import csv

import pytest
import torch

from bids_brainage.errors import UsageError
from bids_brainage.training.segmentation import train
from bids_brainage.training.segmentation.recipe import SegmentationRecipe
from bids_brainage.training.segmentation.specified import run_specified, train_specified


def weights(model):
    return torch.cat([p.flatten() for p in model.parameters()])


def test_a_training_learns_and_is_logged(heads, recipe, tmp_path):
    longer = recipe.changed(steps=40, learning_rate=0.01, wide=0.0)
    model = train.train_network(heads, longer, tmp_path)
    assert not model.training
    with (tmp_path / "training.csv").open() as handle:
        rows = list(csv.DictReader(handle))
    assert [row["step"] for row in rows] == ["20", "40"]
    assert float(rows[1]["tissue_loss"]) < float(rows[0]["tissue_loss"])


def test_a_resumed_training_gives_the_same_network(heads, recipe, tmp_path, monkeypatch):
    whole = train.train_network(heads, recipe, tmp_path / "whole")
    monkeypatch.setattr(train, "SAVE_EVERY", 2)
    step = train._step

    def stop(model, optimiser, sources, recipe, number):
        if number == 4:
            raise KeyboardInterrupt
        return step(model, optimiser, sources, recipe, number)

    monkeypatch.setattr(train, "_step", stop)
    with pytest.raises(KeyboardInterrupt):
        train.train_network(heads, recipe, tmp_path / "parts")
    monkeypatch.setattr(train, "_step", step)
    resumed = train.train_network(heads, recipe, tmp_path / "parts", resume=True)
    assert torch.equal(weights(whole), weights(resumed))
    assert not (tmp_path / "parts" / "checkpoint.json").exists()


def test_another_recipe_does_not_go_on_from_a_checkpoint(heads, recipe, tmp_path, monkeypatch):
    monkeypatch.setattr(train, "SAVE_EVERY", 2)
    monkeypatch.setattr(train, "remove_checkpoint", lambda folder: None)
    train.train_network(heads, recipe, tmp_path)
    other = recipe.changed(seed=1)
    fresh = train.train_network(heads, other, tmp_path / "fresh")
    assert torch.equal(weights(train.train_network(heads, other, tmp_path, resume=True)),
                       weights(fresh))  # fmt: skip


def test_the_rate_rises_and_falls_to_zero():
    recipe = SegmentationRecipe(steps=100, warm_up=10)
    rates = [train.schedule(step, recipe) for step in range(100)]
    assert rates[9] == max(rates) == 1 and rates[0] == 0.1
    assert 0 <= rates[-1] < 0.001


@pytest.mark.parametrize("options", [{"steps": 0}, {"learning_rate": 0.0}, {"patch": (80, 90, 80)}])
def test_impossible_options_are_refused(options):
    with pytest.raises(UsageError):
        SegmentationRecipe(**options)


def test_the_specified_training_runs_on_its_own_grid(heads):
    model = train_specified(heads[:2], steps=1, pooling="isotropic", channels=(2, 3, 4, 5, 6))
    found, truth = run_specified(model, heads[0])
    assert found.shape == truth.shape == (64, 64, 64)
    assert set(truth[truth > 0]) == {1, 2, 3}
