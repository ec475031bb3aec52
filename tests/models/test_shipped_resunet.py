import pytest
import torch

from bids_brainage.models.find import WEIGHTS_NAME, shipped_folder
from bids_brainage.models.resunet_compact import CompactResUNet
from bids_brainage.models.store import file_hash, load_kind

TARGETS = {"brain": 0.96, "WM": 0.88, "GM": 0.85}


@pytest.fixture(scope="module")
def shipped():
    return load_kind("resunet", CompactResUNet)


def test_weights_match_the_card_and_are_small(shipped):
    path = shipped_folder() / "resunet" / WEIGHTS_NAME
    assert file_hash(path) == shipped[1].sha256
    assert path.stat().st_size < 4e6


def test_the_card_tells_samples_terms_limits_and_command(shipped):
    card = shipped[1]
    assert {(s.n, s.licence) for s in card.training} == {(5, "CC BY-SA 3.0"), (48, "CC0")}
    assert "20 to 55" in card.metrics["limits"]
    assert card.command.startswith("brainage train resunet")
    assert card.recipe["steps"] == 1500 and card.seed == 0


def test_heads_left_out_reach_the_targets_of_brain_white_and_grey(shipped):
    scores = shipped[1].metrics["tissues"]["compact"]
    for name, target in TARGETS.items():
        assert scores[f"{name}_dice_mean"] >= target


def test_regions_are_numbered_as_in_the_table(shipped):
    from bids_brainage.preprocessing.regions import region_tissues

    module = shipped[0]
    assert module.config.region_tissues == region_tissues()
    assert module.region_tissues.tolist() == list(region_tissues())
    assert all(torch.isfinite(p).all() for p in module.parameters())
