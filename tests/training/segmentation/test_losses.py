import math

import numpy as np
import pytest
import torch

from bids_brainage.models.resunet_compact import CompactConfig, CompactResUNet
from bids_brainage.training.segmentation.evaluate import tissue_scores, volume_agreement
from bids_brainage.training.segmentation.losses import (
    dice,
    dice_per_class,
    region_loss,
    soft_dice_loss,
    tissue_loss,
)


def test_dice_of_a_worked_example():
    found, truth = np.array([1, 1, 1, 0, 0, 0]) > 0, np.array([0, 1, 1, 1, 1, 0]) > 0
    assert dice(found, truth) == pytest.approx(2 * 2 / (3 + 4))
    assert dice_per_class(found * 2, truth * 2, [2]) == {2: pytest.approx(4 / 7)}


def test_dice_of_nothing_is_unknown():
    assert math.isnan(dice(np.zeros(3, bool), np.zeros(3, bool)))


def test_the_best_scores_have_no_loss():
    tissue = torch.randint(4, (6, 6, 6), generator=torch.Generator().manual_seed(0))
    scores = torch.nn.functional.one_hot(tissue, 4).movedim(-1, 0)[None] * 50.0
    assert tissue_loss(scores, tissue).item() == pytest.approx(0, abs=1e-4)
    assert tissue_loss(scores.flip(1), tissue) > 5


def test_soft_dice_is_low_where_shares_are_right():
    truth = torch.eye(3).repeat(100, 1)
    assert soft_dice_loss(truth, truth).item() == pytest.approx(0, abs=1e-6)
    assert soft_dice_loss(truth.roll(1, dims=1), truth) > 0.8


def test_regions_are_judged_within_their_tissue():
    torch.manual_seed(0)
    model = CompactResUNet(CompactConfig((0, 1, 2, 3), (4, 6)))
    regions = torch.randint(4, (8, 8, 8))
    features = model(torch.randn(1, 1, 8, 8, 8))
    generator = torch.Generator().manual_seed(0)
    # One region per tissue leaves nothing to confuse.
    assert region_loss(model, features, regions, 200, generator).item() == pytest.approx(0)
    assert region_loss(model, features, regions * 0, 200, generator).item() == 0


def test_volumes_are_in_millilitres():
    truth = np.zeros((10, 10, 10), np.int8)
    truth[:5] = 2
    scores = tissue_scores(truth, truth)
    assert (scores["WM_dice"], scores["WM_ml"], scores["brain_dice"]) == (1, 4.0, 1)
    assert math.isnan(scores["GM_dice"])
    assert tissue_scores(truth, truth, 3.0)["WM_ml"] == pytest.approx(13.5)


def test_agreement_of_volumes():
    agreement = volume_agreement([2.0, 4.0, 6.0], [1.0, 2.0, 3.0])
    assert agreement == {"ratio": pytest.approx(2), "r": pytest.approx(1)}
    assert math.isnan(volume_agreement([1.0], [1.0])["r"])
