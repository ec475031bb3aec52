import json

import pytest

from bids_brainage.errors import UsageError
from bids_brainage.training.recipe import Recipe, quick, recipe_from, specified


def test_a_recipe_survives_json():
    recipe = Recipe(hidden_head=(8, 4), seed=3)
    assert recipe_from(json.loads(json.dumps(recipe.as_dict()))) == recipe


def test_an_unknown_option_is_refused():
    with pytest.raises(UsageError, match="unknown option 'wings'"):
        recipe_from({"wings": 2})


@pytest.mark.parametrize(
    "options",
    [{"selected_connectivity": 801}, {"epochs": 0}, {"learning_rate": 0}, {"fusion": "magic"},
     {"single_modality": "smell"}],
)  # fmt: skip
def test_impossible_options_are_refused(options):
    with pytest.raises(UsageError):
        Recipe(**options)


def test_the_specified_recipe_has_the_original_widths():
    assert specified().hidden_connectivity == (500, 200, 120)
    assert specified().n_shared + specified().n_unique == 60


def test_lifespan_members_have_their_own_options():
    assert Recipe().for_lifespan().members == Recipe().lifespan_members
    assert Recipe().for_lifespan().lambda_site == 0
    assert quick().lifespan_members == 0
