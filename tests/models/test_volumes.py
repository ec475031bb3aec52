import math

import pytest
import torch

from bids_brainage.errors import ModelError
from bids_brainage.models.cards import InputSpec, names_hash
from bids_brainage.models.store import load_any, save_model
from bids_brainage.models.volumes import Volumes, VolumesConfig
from tests.models.test_cards import make_card

NAMES = ("ICV", "GM", "WM", "CSF", "Left-Hippocampus", "Right-Hippocampus")
CONFIG = VolumesConfig(6, (0,), ((1,), (2,), (4, 5)), logarithm=True)


def people(n=40, seed=0):
    generator = torch.Generator().manual_seed(seed)
    icv = 1.4e6 + 1e5 * torch.randn(n, generator=generator, dtype=torch.float64)
    shares = torch.tensor([1.0, 0.5, 0.3, 0.2, 0.003, 0.003], dtype=torch.float64)
    noise = 1 + 0.05 * torch.randn(n, 6, generator=generator, dtype=torch.float64)
    return icv[:, None] * shares * torch.where(shares == 1, 1.0, noise)


@pytest.fixture
def module():
    module = Volumes(CONFIG).double()
    module.fit_scaling(people(), torch.tensor([20.0, 80.0], dtype=torch.float64))
    module.weight.copy_(torch.tensor([-6.0, 1.0, -3.0]))
    module.intercept.fill_(45.0)
    return module.eval()


def test_head_size_cancels_out(module):
    raw = people()
    age, sex = module({"volumes": raw})
    assert torch.allclose(age, module({"volumes": 1.7 * raw})[0])
    assert age.std() > 1
    assert sex.isnan().all()


def test_a_missing_region_counts_as_typical(module):
    raw = people()
    typical = raw.clone()
    raw[:, 4] = torch.nan
    typical[:, 4:] = 0.5 * module.centre[2].exp() * typical[:, :1]
    assert torch.allclose(module({"volumes": raw})[0], module({"volumes": typical})[0])
    assert torch.equal(module.out_of_range({"volumes": raw}), torch.zeros(len(raw)))


def test_wild_volumes_stay_in_bounds_and_are_flagged(module):
    raw = people(4)
    raw[0, 1] *= 1e6
    raw[1, 1:] = 1e-9
    age = module({"volumes": raw})[0]
    assert ((age >= 10) & (age <= 90)).all()
    beyond = module.out_of_range({"volumes": raw})
    assert beyond[0] == pytest.approx(1 / 3)
    assert beyond[1] == 1
    assert beyond[2] == 0


def test_without_a_head_size_there_is_no_age(module):
    raw = people(2)
    raw[0, 0] = torch.nan
    raw[1, 0] = 0
    assert module({"volumes": raw})[0].isnan().all()


def test_the_polynomial_has_all_terms_to_its_degree():
    module = Volumes(VolumesConfig(4, (0,), ((1,), (2,), (3,)), degree=3)).double()
    raw = torch.tensor([[1.0, 0.5, 0.3, 0.2]], dtype=torch.float64)
    terms = module.terms(raw)
    assert terms.shape == (1, 19)
    assert terms[0, 0] == pytest.approx(0.5)
    assert terms[0, -1] == pytest.approx(0.2**3)


def test_log_age_is_turned_into_years(module):
    config = VolumesConfig(6, (0,), ((1,),), log_age=True)
    other = Volumes(config).double()
    other.intercept.fill_(math.log(33.0))
    assert other({"volumes": people(1)})[0].item() == pytest.approx(33.0)


def test_saved_and_loaded_it_predicts_the_same(module, tmp_path):
    spec = InputSpec(NAMES, names_hash(NAMES))
    card = make_card(family="volumes", inputs={"volumes": spec}, config=CONFIG.as_dict())
    save_model(module, card, tmp_path / "v")
    loaded = load_any(tmp_path / "v")[0].double()
    raw = people()
    assert torch.allclose(loaded({"volumes": raw})[0], module({"volumes": raw})[0], atol=1e-3)


def test_a_card_with_other_inputs_is_refused(module, tmp_path):
    spec = InputSpec(NAMES[:3], names_hash(NAMES[:3]))
    card = make_card(family="volumes", inputs={"volumes": spec}, config=CONFIG.as_dict())
    save_model(module, card, tmp_path / "v")
    with pytest.raises(ModelError, match="6 measures of volumes"):
        load_any(tmp_path / "v")
