"""What a network learns before age, from the training people alone."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from bids_brainage.errors import InputError
from bids_brainage.models.resnext import ResNeXt
from bids_brainage.training.images.pretrain import PretextTask, pretrain
from bids_brainage.training.images.sample import load_sample, make_sample
from bids_brainage.training.resnext.recipe import ResNeXtRecipe

CPU = torch.device("cpu")
RECIPE = ResNeXtRecipe(
    blocks=(1, 1), planes=(8, 8), groups=4, stem=4, side=24, zooms=8.0, pretrain="volumes",
    pretrain_epochs=2, batch_size=4,
)  # fmt: skip
TRAINING = np.arange(8)


@pytest.fixture
def sample():
    people = [type("P", (), {"sex": "F", "age": 30.0})()] * 10
    images = np.random.default_rng(0).standard_normal((10, 24, 24, 24)).astype(np.float16)
    measures = torch.from_numpy(np.random.default_rng(1).standard_normal((10, 3))).float()
    return replace(make_sample(people, images), measures=measures)


@pytest.mark.parametrize("pretext", ["volumes", "images"])
def test_pretraining_changes_the_trunk_and_looks_at_training_people_only(sample, tmp_path, pretext):
    recipe = RECIPE.changed(pretrain=pretext)
    found = []
    for others in (0.0, 5.0):
        sample.images[8:] += others
        sample.measures[8:] += others
        torch.manual_seed(0)
        network = ResNeXt(recipe.model_config)
        before = network.stem[0].weight.clone()
        course = pretrain(network, sample, TRAINING, recipe, tmp_path / str(others), device=CPU)
        assert [row[:2] for row in course] == [["pretraining", 1], ["pretraining", 2]]
        assert not torch.equal(network.stem[0].weight, before)
        found.append(network.state_dict())
    for name, value in found[0].items():
        torch.testing.assert_close(value, found[1][name])


def test_without_a_pretext_nothing_is_done(sample, tmp_path):
    network = ResNeXt(RECIPE.model_config)
    recipe = RECIPE.changed(pretrain="none")
    assert pretrain(network, sample, TRAINING, recipe, tmp_path, device=CPU) == []
    assert not list(tmp_path.iterdir())


def test_volumes_are_learnt_as_standard_scores(sample):
    task = PretextTask(ResNeXt(RECIPE.model_config), sample, TRAINING, RECIPE)
    scores = task.network.standard(sample.measures[TRAINING])
    torch.testing.assert_close(scores.mean(dim=0), torch.zeros(3), atol=1e-5, rtol=0)
    assert task.network.standard(torch.full((1, 3), 99.0)).tolist() == [[3.0, 3.0, 3.0]]


def test_folder_with_a_table_has_no_volumes_to_learn(source, tmp_path):
    with pytest.raises(InputError, match="no volumes"):
        load_sample(source[2], RECIPE, tmp_path)
