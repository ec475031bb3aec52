import numpy as np
import pytest
import torch

from bids_brainage.errors import InputError
from bids_brainage.training.crossval import predict_table
from bids_brainage.training.ensemble import train_models
from bids_brainage.training.recipe import Recipe, quick

RECIPE = quick().changed(epochs=40, batch_size=32, batch_single=32, members=2)


def test_the_model_learns_age_from_each_input(table):
    test = np.arange(len(table)) % 4 == 0
    module = train_models(table, [~test], RECIPE)[0]
    for name in ("morphometry", "connectivity", "both"):
        log_age, _ = predict_table(module, table, np.flatnonzero(test), name)
        error = np.nanmean(np.abs(np.exp(log_age) - table.age[test]))
        assert error < 0.75 * np.abs(np.median(table.age) - table.age[test]).mean()


def test_models_of_several_training_sets_do_not_mix(table):
    halves = [np.arange(len(table)) % 2 == k for k in range(2)]
    recipe = RECIPE.changed(epochs=2)
    together = train_models(table, halves, recipe)
    changed = table.subset(np.arange(len(table)))
    changed.measures["morphometry"][halves[1]] *= 1.5
    again = train_models(changed, halves, recipe)
    first, second = (m.transforms["morphometry"].centre for m in (together[0], again[0]))
    assert torch.equal(first, second)
    x = {name: torch.from_numpy(v[:9]) for name, v in table.measures.items()}
    with torch.inference_mode():
        ages = [m.double()(x)[0] for m in (together[0], again[0])]
    assert torch.equal(*ages)


def test_lifespan_members_are_trained_beside(table):
    recipe = RECIPE.changed(epochs=2, lifespan_members=2, lifespan={"epochs": 2})
    module = train_models(table, [np.ones(len(table), bool)], recipe)[0]
    assert module.config.members == 4
    assert torch.equal(module.joint_weight, torch.tensor([0.5, 0.5, 0, 0]))
    assert torch.equal(module.lifespan_weight, torch.tensor([0, 0, 0.5, 0.5]))


@pytest.mark.parametrize("single", ["morphometry", "connectivity"])
def test_one_modality_can_be_trained_alone(table, single):
    recipe = RECIPE.changed(epochs=2, single_modality=single)
    module = train_models(table, [np.ones(len(table), bool)], recipe)[0]
    log_age, _ = predict_table(module, table, np.arange(20), single)
    assert np.isfinite(log_age[table.has(single)[:20]]).all()


def test_fine_tuning_starts_from_the_model(table):
    import copy

    everyone = np.ones(len(table), bool)
    module = train_models(table, [everyone], RECIPE.changed(epochs=20))[0]
    tuned = train_models(
        table, [everyone], Recipe(epochs=1, learning_rate=1e-5, batch_size=32, lambda_site=0.0),
        start=copy.deepcopy(module),
    )[0]  # fmt: skip
    rows = np.arange(len(table))
    before = predict_table(module, table, rows, "morphometry")[0]
    after = predict_table(tuned, table, rows, "morphometry")[0]
    assert 0 < np.abs(after - before).max() < 0.1


def test_too_few_people_are_refused(table):
    with pytest.raises(InputError, match="too few to train"):
        train_models(table.subset(np.arange(1)), [np.ones(1, bool)], RECIPE)


def test_a_handful_of_people_is_enough(table):
    few = table.subset(np.arange(12))
    module = train_models(few, [np.ones(12, bool)], RECIPE.changed(epochs=1))[0]
    assert np.isfinite(predict_table(module, few, np.arange(12), "morphometry")[0]).all()
