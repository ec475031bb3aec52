import numpy as np
import pytest
import torch

from bids_brainage.features.tissue_volumes import volume_names
from bids_brainage.models.cards import CARD_NAME, read_card
from bids_brainage.models.find import shipped_folder
from bids_brainage.models.store import load_kind
from bids_brainage.models.volumes import Volumes


@pytest.fixture(scope="module")
def shipped():
    module, card = load_kind("volumes", Volumes)
    return module.double().eval(), card


def typical(card):
    known = card.inputs["volumes"].typical
    values = [known.get(name, np.nan) for name in card.inputs["volumes"].names]
    return torch.tensor([values], dtype=torch.float64)


def test_it_takes_what_the_participant_level_measures(shipped):
    assert shipped[1].inputs["volumes"].names == volume_names()


def test_it_is_marked_and_its_use_follows_from_its_scores(shipped):
    card = shipped[1]
    assert card.experimental
    assert card.default == (card.metrics["volumes"]["out_of_fold"]["gain_lower"] > 0)
    assert "Experimental" in card.caveat
    assert card.metrics["volumes"]["out_of_fold"]["n"] == 53


def test_its_images_were_measured_by_the_segmentation_that_ships(shipped):
    cutter = read_card(shipped_folder() / "resunet" / CARD_NAME)
    assert shipped[1].recipe["segmentation_sha256"] == cutter.sha256


def test_the_card_tells_samples_terms_and_ages(shipped):
    card = shipped[1]
    assert all(s.n and s.licence and s.sites and s.source for s in card.training)
    assert {"ds002748-2mm", "ixi-2mm", "ixi_muse"} <= {s.dataset for s in card.training}
    low, high = card.age_range_of("volumes")
    assert low <= 20
    assert high > 80
    assert set(card.bias_correction) == {"volumes"}


def test_a_typical_head_has_a_typical_age_at_any_size(shipped):
    module, card = shipped
    for size in (0.8, 1.0, 1.25):
        age, sex = module({"volumes": size * typical(card)})
        assert 25 < age.item() < 42
        assert sex.isnan().all()
        assert module.out_of_range({"volumes": size * typical(card)}).item() == 0


def test_absurd_volumes_stay_bounded_and_are_flagged(shipped):
    module, card = shipped
    person = typical(card)
    person[0, ::2] *= 50
    age, _ = module({"volumes": person})
    assert 0 < age.item() < 110
    assert module.out_of_range({"volumes": person}).item() > card.out_of_range_limit


def test_older_people_come_out_older(shipped, shared):
    from bids_brainage.training.volumes.published import load_muse

    table = load_muse(shared / "data")
    with torch.inference_mode():
        ages = shipped[0]({"volumes": torch.from_numpy(table.measures)})[0].numpy()
    assert np.corrcoef(ages, table.age)[0, 1] > 0.5
