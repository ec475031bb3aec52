import json
from pathlib import Path

import pytest

from bids_brainage.errors import ModelError, UsageError
from bids_brainage.training.aegan import AeganOptions
from bids_brainage.training.aegan_parts import PARTS, part_of_model
from tests.models.test_cards import make_card

FOLDER = Path("people")


@pytest.mark.parametrize(
    ("changed", "message"),
    [({"data": ()}, "no data"), ({"n_folds": 1}, "1 folds"), ({"age_codes": "z"}, "codes of age"),
     ({"female": "F"}, "code of women"),
     ({"output": FOLDER / "."}, "the output is a folder of the data"),
     ({"data": (FOLDER, FOLDER), "table": FOLDER / "people.tsv"}, "a table with 2 folders")],
)  # fmt: skip
def test_options_that_cannot_be_are_refused(changed, message):
    with pytest.raises(UsageError, match=message):
        AeganOptions(**({"data": (FOLDER,), "output": Path("out")} | changed))


def test_a_model_has_the_name_of_its_folder_unless_another_is_given(tmp_path):
    assert AeganOptions((FOLDER,), tmp_path / "mine").model_name == "mine"
    assert AeganOptions((FOLDER,), tmp_path / "mine", name="other").model_name == "other"


@pytest.mark.parametrize("part", PARTS)
def test_every_part_has_a_recipe_and_three_verbs(part):
    found = PARTS[part]
    recipe = found.recipe_class()
    for name in ("epochs", "batch_size", "learning_rate", "seed"):
        assert recipe.changed(**{name: getattr(recipe, name)}) == recipe
    json.dumps(recipe.as_dict())
    for verb in ("run_training", "run_crossval", "run_test"):
        assert callable(getattr(found, verb))


def write_card(folder, **changes):
    folder.mkdir(exist_ok=True)
    make_card(**changes).write(folder)
    return str(folder)


@pytest.mark.parametrize("part", PARTS)
def test_a_card_tells_the_part(part, tmp_path):
    model = write_card(tmp_path / "m", family="aegan", config={"kind": part})
    assert part_of_model(model) == part


@pytest.mark.parametrize("changes", [{"family": "mavae"}, {"config": {"kind": "tables"}}])
def test_other_models_are_no_part(changes, tmp_path):
    model = write_card(tmp_path / "m", **({"family": "aegan"} | changes))
    with pytest.raises(ModelError, match="not aegan"):
        part_of_model(model)
