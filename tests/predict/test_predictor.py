import numpy as np
import pytest
import torch

from bids_brainage.errors import ModelError, UsageError
from bids_brainage.models.cards import InputSpec, names_hash
from bids_brainage.models.store import save_model
from bids_brainage.models.volumes import Volumes, VolumesConfig
from bids_brainage.predict.device import resolve_device
from bids_brainage.predict.load import load_predictor
from tests.models.test_cards import make_card


@pytest.fixture(scope="module")
def predictor():
    return load_predictor("mavae", resolve_device("cpu"), batch_size=4)


@pytest.fixture(scope="module")
def sessions(predictor):
    rng = np.random.default_rng(0)
    typical = np.array(list(predictor.card.inputs["morphometry"].typical.values()))
    edges = len(predictor.card.inputs["connectivity"].names)
    found = []
    for number in range(9):
        vectors = {}
        if number % 3 != 1:
            vectors["morphometry"] = typical * rng.normal(1, 0.05, size=typical.shape)
        if number % 3 != 2:
            vectors["connectivity"] = np.tanh(rng.normal(0.3, 0.2, size=edges))
        found.append(vectors)
    found[0]["morphometry"][:20] = np.nan
    return found


def test_prediction_does_not_depend_on_batch_order_or_company(predictor, sessions):
    together = predictor.predict(sessions)
    alone = [predictor.predict([one])[0] for one in sessions]
    backwards = predictor.predict(sessions[::-1])[::-1]
    large = load_predictor("mavae", resolve_device("cpu"), batch_size=64).predict(sessions)
    assert together == alone == backwards == large


def test_prediction_names_what_it_rests_on(predictor, sessions):
    found = predictor.predict(sessions)
    assert [one.modalities for one in found[:3]] == [
        ("morphometry", "connectivity"), ("connectivity",), ("morphometry",)]  # fmt: skip
    assert all(0 <= one.probability_female <= 1 and one.age > 0 for one in found)
    assert found[0].missing["morphometry"] > 0


def test_session_without_measures_is_refused(predictor):
    with pytest.raises(ModelError, match="morphometry or connectivity"):
        predictor.predict([{}])


def test_vector_of_another_length_is_refused(predictor):
    with pytest.raises(ModelError, match=r"\(3,\)"):
        predictor.predict([{"morphometry": np.zeros(3)}])


def test_device_that_is_not_there_is_refused():
    with pytest.raises(UsageError, match="cuda:99"):
        resolve_device("cuda:99")


@pytest.fixture
def volumes(tmp_path):
    config = VolumesConfig(3, (0,), ((1,), (2,)))
    module = Volumes(config)
    module.intercept.fill_(40.0)
    names = ("ICV", "GM", "WM")
    card = make_card(
        family="volumes", name="v", config=config.as_dict(),
        inputs={"volumes": InputSpec(names, names_hash(names))},
    )  # fmt: skip
    save_model(module, card, tmp_path / "v")
    return load_predictor(str(tmp_path / "v"), resolve_device("cpu"))


def test_a_model_without_sex_says_so(volumes):
    one, two = volumes.predict([{"volumes": np.array([1e6, 5e5, np.nan])}] * 2)
    assert one.age == two.age
    assert np.isnan(one.probability_female)
    assert (one.age, one.sex, one.modalities) == (40.0, None, ("volumes",))
    assert one.missing["volumes"] == pytest.approx(1 / 3, abs=1e-4)


def test_volumes_without_head_size_have_no_age(volumes):
    (found,) = volumes.predict([{"volumes": np.array([np.nan, 5e5, 4e5])}])
    assert np.isnan(found.age)


def test_a_model_that_does_not_tell_age_is_refused(monkeypatch):
    card = make_card(family="resunet", name="cutter")
    monkeypatch.setattr(
        "bids_brainage.predict.load.load_any", lambda name: (torch.nn.Linear(1, 1), card)
    )
    with pytest.raises(ModelError, match="does not predict age"):
        load_predictor("cutter", resolve_device("cpu"))
