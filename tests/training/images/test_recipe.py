import pytest

from bids_brainage.errors import UsageError
from bids_brainage.training.images.recipe import ImageRecipe


@pytest.mark.parametrize(
    "options",
    [{"epochs": 0}, {"validation": 1.0}, {"scaling": "half"}, {"pretrain": "sex"}, {"zooms": 0}],
)
def test_impossible_recipes_are_refused(options):
    with pytest.raises(UsageError, match=next(iter(options))):
        ImageRecipe(**options)


def test_changed_recipe_is_checked_again():
    with pytest.raises(UsageError, match="epochs"):
        ImageRecipe().changed(epochs=0)
