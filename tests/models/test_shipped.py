import hashlib

import numpy as np
import pytest
import torch

from bids_brainage.models.cards import COMBINATIONS
from bids_brainage.models.find import WEIGHTS_NAME, shipped_folder
from bids_brainage.models.store import load_model

MAX_BYTES = 40e6


@pytest.fixture(scope="module")
def shipped():
    module, card = load_model("mavae")
    return module.double().eval(), card


def test_all_weights_together_stay_small():
    assert sum(p.stat().st_size for p in shipped_folder().rglob("*.safetensors")) < MAX_BYTES


def test_the_card_tells_samples_terms_and_use(shipped):
    card = shipped[1]
    assert card.use == "research, non-commercial"
    assert {s.dataset for s in card.training} == {
        "abide1", "aomic_piop2", "fcon1000", "nki", "openneuro"
    }  # fmt: skip
    assert all(s.n and s.licence and s.sites for s in card.training)
    assert set(card.bias_correction) == set(card.age_range) == set(COMBINATIONS)
    assert card.metrics["morphometry"]["out_of_fold"]["mae"] > 0
    assert card.metrics["morphometry"]["per_site"]


def test_the_inputs_are_named_in_order(shipped):
    card = shipped[1]
    assert "lh_G&S_frontomargin_thickness" in card.inputs["morphometry"].names
    assert "SubCortGrayVol" not in card.inputs["morphometry"].names
    assert len(card.inputs["connectivity"].names) == 5995
    assert len(card.inputs["connectivity"].regions) == 110
    text = (shipped_folder() / "mavae" / WEIGHTS_NAME).read_bytes()
    assert hashlib.sha256(text).hexdigest() == card.sha256


def test_a_typical_person_gets_a_plausible_age(shipped):
    module, card = shipped
    spec = card.inputs["morphometry"]
    person = torch.tensor([[spec.typical[name] for name in spec.names]], dtype=torch.float64)
    age, logit = module({"morphometry": person})
    assert 10 < age.item() < 40
    assert logit.isfinite().all()
    assert module.out_of_range({"morphometry": person}).item() == 0


def test_absurd_measures_stay_bounded_and_are_flagged(shipped):
    module, card = shipped
    person = torch.full((1, len(card.inputs["morphometry"].names)), 1e7, dtype=torch.float64)
    age, _ = module({"morphometry": person})
    assert 2 < age.item() < 150
    edges = torch.full((1, len(card.inputs["connectivity"].names)), 0.3, dtype=torch.float64)
    for inputs in ({"morphometry": person}, {"morphometry": person, "connectivity": edges}):
        assert module.out_of_range(inputs).item() > 0.9


def test_real_people_are_predicted_better_than_by_the_median(shipped, shared):
    from bids_brainage.training.shared_tables import load_shared

    table = load_shared(shared / "data")
    module, card = shipped
    assert table.names["morphometry"] == card.inputs["morphometry"].names
    assert table.names["connectivity"] == card.inputs["connectivity"].names
    rows = np.flatnonzero(table.has_both())[::10]
    inputs = {name: torch.from_numpy(values[rows]) for name, values in table.measures.items()}
    with torch.inference_mode():
        together = module(inputs)[0]
        alone = torch.cat([module({k: v[i : i + 1] for k, v in inputs.items()})[0]
                           for i in range(len(rows))])  # fmt: skip
    assert torch.allclose(together, alone, atol=1e-6)
    age = table.age[rows]
    assert np.abs(together.numpy() - age).mean() < np.abs(np.median(age) - age).mean()
