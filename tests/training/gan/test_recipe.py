import pytest

from bids_brainage.errors import UsageError
from bids_brainage.models.gan import GanConfig
from bids_brainage.training.gan.recipe import GanRecipe


def test_full_recipe_has_the_steps_of_the_specification():
    recipe = GanRecipe.full()
    assert recipe.model_config == GanConfig()
    assert (recipe.learning_rate, recipe.batch_size) == (5e-5, 10)
    assert (recipe.n_pairs, recipe.encoder_batch, recipe.encoder_rate) == (2000, 5, 1e-4)
    assert (recipe.classifier_epochs, recipe.classifier_rate) == (50, 5e-3)


def test_compact_recipe_is_narrower_on_coarser_cubes():
    recipe = GanRecipe.compact()
    assert recipe.width < 1
    assert recipe.side < GanRecipe.full().side == 64


@pytest.mark.parametrize(
    ("option", "value"),
    [("stabiliser", "magic"), ("side", 40), ("epochs", 0), ("skip", 1.0), ("quantile", 1.5),
     ("n_pairs", 5), ("epochs", 2.5), ("noise", -1.0), ("seed", 2**32), ("flip", True)],
)  # fmt: skip
def test_options_out_of_range_are_refused_by_name(option, value):
    with pytest.raises(UsageError, match=option):
        GanRecipe().changed(**{option: value})
