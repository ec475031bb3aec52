import numpy as np
import pytest
import torch

from bids_brainage.errors import ModelError
from bids_brainage.models.aegan import build, check
from bids_brainage.models.cards import InputSpec, ModelCard, names_hash
from bids_brainage.models.families import FAMILIES
from bids_brainage.models.morphometry_autoencoder import AutoencoderConfig, MorphometryAutoencoder
from bids_brainage.models.scaling import InputConfig
from bids_brainage.models.store import load_any, save_model
from bids_brainage.predict.predictor import AgeModel, Placed, Predictor, Ranged

N, P = 40, 6
SHAPE = InputConfig("morphometry", P, P + 3, volumes=(3, 4, 5), reference=(3, 4))
CONFIG = AutoencoderConfig(SHAPE, hidden=(8,), bottleneck=3)


@pytest.fixture
def raw():
    generator = np.random.default_rng(0)
    values = np.abs(generator.normal(2.5, 0.3, (N, P)))
    values[:, 3:] *= 1000
    return torch.from_numpy(values)


@pytest.fixture
def model(raw):
    torch.manual_seed(0)
    module = MorphometryAutoencoder(CONFIG)
    module.transform.double().fit(raw)
    module.transform.fit_limits(raw)
    module.age_weight.copy_(torch.tensor([0.05, 0.02, 0.0]))
    module.age_intercept.fill_(3.4)
    module.sex_weight.copy_(torch.tensor([1.0, 0.0, 0.5]))
    module.sex_intercept.fill_(0.1)
    return module.double().eval()


def card(p=P, **changes):
    names = tuple(f"m{i}" for i in range(p))
    values = {
        "name": "small", "version": "0", "family": "aegan", "description": "",
        "inputs": {"morphometry": InputSpec(names, names_hash(names))}, "training": (),
        "metrics": {}, "bias_correction": {}, "age_range": {"morphometry": (20.0, 50.0)},
        "sha256": "", "config": CONFIG.as_dict(), "recipe": {}, "seed": 0, "command": "",
        "versions": {},
    }  # fmt: skip
    return ModelCard(**values | changes)


def test_it_tells_age_range_and_distance_as_the_app_asks(model):
    assert isinstance(model, AgeModel)
    assert isinstance(model, Ranged)
    assert isinstance(model, Placed)


@torch.no_grad()
def test_a_person_is_told_the_same_alone_and_in_company(model, raw):
    age, logit = model({"morphometry": raw})
    alone = [model({"morphometry": row[None]}) for row in raw]
    torch.testing.assert_close(age, torch.cat([a for a, _ in alone]), rtol=0, atol=1e-12)
    torch.testing.assert_close(logit, torch.cat([b for _, b in alone]), rtol=0, atol=1e-12)
    assert age.dtype == torch.float64


@torch.no_grad()
def test_missing_measures_count_as_those_of_a_typical_person(model, raw):
    holes = raw[:2].clone()
    holes[0, 1] = torch.nan
    holes[1] = torch.nan
    age, logit = model({"morphometry": holes})
    assert torch.isfinite(age[0])
    assert age[1].isnan()
    assert logit[1].isnan()


@torch.no_grad()
def test_ages_end_ten_years_beyond_the_training_people(model, raw):
    model.youngest.fill_(18.0)
    model.oldest.fill_(60.0)
    model.age_weight.fill_(50.0)
    age, _ = model({"morphometry": raw})
    assert set(age.tolist()) == {18.0, 60.0}


def test_measures_beyond_the_training_range_are_counted(model, raw):
    wrong = raw[:1].clone()
    wrong[0, 0] = 1e6
    assert model.out_of_range({"morphometry": wrong}).item() == pytest.approx(1 / P)
    lower, upper = model.limits("morphometry")
    assert (lower < upper).all()


@torch.no_grad()
def test_the_start_rebuilds_as_principal_components_do(model, raw):
    features = model.transform(raw)
    axes = torch.linalg.svd(features, full_matrices=False).Vh[:3].T
    model.core.start_at(axes)
    decoded = model.core.decode(model.core.encode(features))
    torch.testing.assert_close(decoded, features @ axes @ axes.T)


@torch.no_grad()
def test_measures_decode_in_their_units(model, raw):
    rebuilt = model.reconstruct(raw)
    assert rebuilt.shape == raw.shape
    assert (rebuilt[:, 3:] > 100).all()
    assert (rebuilt[:, :3] < 100).all()


def test_a_model_without_heads_tells_no_age(raw):
    module = MorphometryAutoencoder(CONFIG).double().eval()
    age, logit = module({"morphometry": raw})
    assert age.isnan().all()
    assert logit.isnan().all()


def test_it_is_stored_and_loaded_as_it_predicts(model, raw, tmp_path):
    model.core.half().double()
    stored = save_model(model, card(), tmp_path)
    module, loaded = load_any(tmp_path)
    assert loaded.sha256 == stored.sha256
    sessions = [{"morphometry": row.numpy()} for row in raw]
    before = Predictor(model, stored, torch.device("cpu")).predict(sessions)
    after = Predictor(module, loaded, torch.device("cpu")).predict(sessions)
    assert [p.age for p in after] == pytest.approx([p.age for p in before], abs=1e-3)
    assert (tmp_path / "model.safetensors").stat().st_size < 12_000


def test_a_card_with_another_number_of_measures_is_refused(model):
    with pytest.raises(ModelError, match="7"):
        check(model, card(p=7))


def test_a_card_of_an_unknown_kind_is_refused():
    with pytest.raises(ModelError, match="unknown kind of aegan 'tree'"):
        build({"kind": "tree"})
    assert "aegan" in FAMILIES


def test_the_configuration_survives_its_card(tmp_path):
    assert AutoencoderConfig.from_dict(CONFIG.as_dict()) == CONFIG
    module = build(CONFIG.as_dict())
    assert isinstance(module, MorphometryAutoencoder)


def test_without_shortcuts_or_layers_it_is_a_plain_or_straight_autoencoder():
    plain = MorphometryAutoencoder(AutoencoderConfig(SHAPE, (8,), 3, shortcut=False))
    straight = MorphometryAutoencoder(AutoencoderConfig(SHAPE, (), 3))
    assert plain.core.down is None
    assert straight.core.down is None
    assert [tuple(p.shape) for p in straight.core.parameters()] == [(3, 9), (3,), (9, 3), (9,)]
