import pytest
import torch

from bids_brainage.models.cards import InputSpec, names_hash
from bids_brainage.models.mavae import Mavae
from bids_brainage.models.mavae_attribution import attribute
from bids_brainage.models.mavae_core import MavaeConfig
from bids_brainage.models.scaling import InputConfig
from bids_brainage.models.store import load_any
from tests.models.test_cards import make_card

MEASURES = ("a", "b", "c", "d", "e")


def card_of(typical):
    specs = {
        "morphometry": InputSpec(MEASURES, names_hash(MEASURES), typical=typical),
        "connectivity": InputSpec((), names_hash(())),
    }
    return make_card(inputs=specs)


@pytest.fixture
def card(inputs):
    middle = inputs["morphometry"].nanmedian(dim=0).values
    return card_of(dict(zip(MEASURES, middle.tolist(), strict=True)))


def person(inputs, i):
    return {name: values[i] for name, values in inputs.items()}


@pytest.mark.parametrize("i", [0, 3, 4, 5])
def test_contributions_add_up_to_the_prediction(module, card, inputs, i):
    one = person(inputs, i)
    found = attribute(module, card, one)
    with torch.no_grad():
        age = module({name: values[None] for name, values in one.items()})[0].item()
    assert found.predicted == pytest.approx(age, abs=1e-9)
    assert abs(found.residual) < 0.001
    assert sum(float(p.abs().sum()) for p in found.years.values()) > 0.01
    assert all(torch.isfinite(part).all() for part in found.years.values())


def test_what_is_missing_adds_nothing(module, card, inputs):
    one = person(inputs, 0)
    one["morphometry"] = one["morphometry"].clone()
    one["morphometry"][2] = torch.nan
    one["connectivity"] = one["connectivity"].clone()
    one["connectivity"][7] = torch.nan
    found = attribute(module, card, one)
    assert found.years["morphometry"][2] == 0
    assert found.years["connectivity"][7] == 0
    assert abs(found.residual) < 0.001


def test_a_modality_that_is_absent_has_no_contributions(module, card, inputs):
    assert set(attribute(module, card, person(inputs, 3)).years) == {"connectivity"}


def test_the_typical_person_is_explained_by_nothing(module, card):
    known = card.inputs["morphometry"].typical
    typical = torch.tensor([known[name] for name in MEASURES], dtype=torch.float64)
    found = attribute(module, card, {"morphometry": typical})
    assert found.predicted == pytest.approx(found.typical_age)
    assert found.years["morphometry"].abs().max() == 0


def test_measures_far_outside_are_clipped_and_still_add_up(module, card, inputs):
    one = person(inputs, 0)
    found = attribute(module, card, {**one, "morphometry": one["morphometry"] * 1e4})
    assert abs(found.residual) < 0.001


def test_relative_volumes_count_for_the_structure():
    shape = InputConfig("morphometry", 5, 8, volumes=(1, 2, 3), reference=(4,))
    config = MavaeConfig(shape, InputConfig("connectivity", 3, 3), hidden_morphometry=(8,),
                         hidden_connectivity=(4,))  # fmt: skip
    module = Mavae(config, seed=1).double().eval()
    generator = torch.Generator().manual_seed(2)
    people = 1 + torch.rand(30, 5, generator=generator, dtype=torch.float64)
    module.transforms["morphometry"].fit(people)
    typical = dict(zip(MEASURES, people.median(dim=0).values.tolist(), strict=True))
    one = people[0].clone()
    one[2] = torch.nan
    found = attribute(module, card_of(typical), {"morphometry": one})
    assert abs(found.residual) < 1e-6
    assert found.years["morphometry"][2] == 0


def test_the_shipped_model_is_explained_within_its_tolerance():
    module, card = load_any("mavae")
    module = module.double()
    spec = card.inputs["morphometry"]
    typical = torch.tensor([spec.typical[name] for name in spec.names], dtype=torch.float64)
    waves = torch.sin(torch.arange(len(typical)).double())
    edges = 0.3 + 0.4 * torch.sin(torch.arange(len(card.inputs["connectivity"].names)).double())
    found = attribute(module, card, {"morphometry": typical * (1 + 0.1 * waves),
                                     "connectivity": edges})  # fmt: skip
    assert abs(found.residual) < 0.05
    assert torch.allclose(found.typical["morphometry"], typical)
    assert found.typical["connectivity"].abs().max() < 1
