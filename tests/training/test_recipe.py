import pytest

from bids_brainage.errors import UsageError
from bids_brainage.training.recipe import Recipe, quick, specified


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
