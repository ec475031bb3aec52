import pytest
import torch
from safetensors.torch import load_file, save_file

from bids_brainage.errors import ModelError
from bids_brainage.models.cards import InputSpec, names_hash
from bids_brainage.models.find import WEIGHTS_NAME, find_model, list_models
from bids_brainage.models.store import load_any, load_kind, load_model, save_model
from tests.models.test_cards import make_card


@pytest.fixture
def folder(module, tmp_path):
    specs = {}
    for name, width in (("morphometry", 5), ("connectivity", 10)):
        names = tuple(f"{name}{i}" for i in range(width))
        specs[name] = InputSpec(names, names_hash(names))
    card = make_card(inputs=specs, config=module.config.as_dict())
    save_model(module, card, tmp_path / "small")
    return tmp_path / "small"


def test_a_saved_model_predicts_the_same(folder, module, inputs):
    loaded, card = load_model(folder)
    assert card.sha256
    with torch.inference_mode():
        before, after = module(inputs)[0], loaded.double()(inputs)[0]
    assert torch.allclose(before, after, atol=0.01 * before.max().item())


def test_damaged_weights_are_refused(folder):
    path = folder / WEIGHTS_NAME
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(ModelError, match="hash"):
        load_model(folder)


def test_missing_weights_are_refused(folder):
    (folder / WEIGHTS_NAME).unlink()
    with pytest.raises(ModelError, match="no weights file"):
        load_model(folder)


def test_weights_of_another_shape_are_refused(folder):
    from dataclasses import replace

    from bids_brainage.models.cards import read_card
    from bids_brainage.models.store import file_hash

    path = folder / WEIGHTS_NAME
    state = load_file(path)
    state.pop("core.age_head.layers.0.weight")
    save_file(state, path)
    replace(read_card(folder / "card.json"), sha256=file_hash(path)).write(folder)
    with pytest.raises(ModelError, match="do not fit"):
        load_model(folder)


def test_an_unknown_name_is_told_with_the_known_ones():
    with pytest.raises(ModelError, match="no model 'nothing-like-it'"):
        find_model("nothing-like-it")


def test_models_of_a_folder_are_listed(folder):
    assert [card.name for card in list_models(folder.parent)] == ["small"]


def test_a_family_knows_how_it_is_built_and_checked(folder):
    from dataclasses import replace

    from bids_brainage.models.cards import read_card

    card = read_card(folder / "card.json")
    names = card.inputs["morphometry"].names[:-1]
    spec = replace(card.inputs["morphometry"], names=names, sha256=names_hash(names))
    replace(card, inputs={**card.inputs, "morphometry": spec}).write(folder)
    with pytest.raises(ModelError, match=r"names 4 morphometry inputs.*small.card\.json"):
        load_any(folder)


def test_a_model_of_another_kind_is_refused(folder):
    with pytest.raises(ModelError, match="'small' is of family mavae"):
        load_kind(folder, torch.nn.Conv3d)


def test_an_unknown_family_is_told(folder):
    from dataclasses import replace

    from bids_brainage.models.cards import read_card

    replace(read_card(folder / "card.json"), family="forest").write(folder)
    with pytest.raises(ModelError, match="unknown family 'forest'"):
        load_any(folder)
