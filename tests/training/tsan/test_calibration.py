"""The line of age on predicted age: by hand, from validation people alone, and on the card."""

import numpy as np
import pytest
import torch

from bids_brainage.models.store import load_any
from bids_brainage.report.model_card import as_text
from bids_brainage.training.images.run import ImageTraining, run_image_training
from bids_brainage.training.images.sample import load_sample
from bids_brainage.training.tsan import calibration
from bids_brainage.training.tsan.calibration import calibrate, describe_line, fit_line
from bids_brainage.training.tsan.recipe import TsanRecipe
from bids_brainage.training.tsan.train import TSAN, new_cascade
from tests.training.drawn_brains import ZOOMS

RECIPE = TsanRecipe(
    zooms=ZOOMS, filters=2, layers=2, stages=1, epochs=1, batch_size=4, validation=0.25
)


@pytest.fixture
def few(monkeypatch):
    """As if four people were enough."""
    monkeypatch.setattr(calibration, "FEWEST", 4)


def test_line_is_that_of_age_on_predicted_age():
    predicted = np.linspace(30, 60, 30)
    assert fit_line(1.5 * predicted - 20, predicted) == pytest.approx((1.5, -20.0))


@pytest.mark.parametrize(
    ("age", "predicted"),
    [
        (np.linspace(20, 80, 29), np.linspace(30, 60, 29)),
        (np.linspace(20, 80, 30), np.full(30, 50.0)),
        (np.linspace(80, 20, 30), np.linspace(30, 60, 30)),
        (np.tile([20.0, 80.0], 15), 50 + np.linspace(0, 0.01, 30)),
    ],
    ids=["few", "constant", "falling", "unclear"],
)
def test_ages_stay_as_they_are_without_a_line_to_trust(age, predicted):
    assert fit_line(age, predicted) == (1.0, 0.0)


def test_only_validation_people_make_the_line(source, tmp_path, few):
    sample = load_sample(source[2], RECIPE, tmp_path)
    cascade = new_cascade(RECIPE).eval()
    torch.manual_seed(0)
    torch.nn.init.normal_(cascade.first.head_with_sex[-1].weight)
    validation = np.arange(0, 16, 2)
    inputs = {
        "image": sample.brains(validation, torch.device("cpu"))[:, 0],
        "sex": sample.sex[validation],
    }
    with torch.no_grad():
        sample.age[validation] = 2 * cascade(inputs)[0] + 5
    for other in (20.0, 90.0):
        sample.age[1::2] = other
        calibrate(cascade, sample, validation)
        assert cascade.slope.item() == pytest.approx(2, abs=1e-3)
        assert cascade.intercept.item() == pytest.approx(5, abs=1e-3)
        with torch.no_grad():
            torch.testing.assert_close(cascade(inputs)[0], sample.age[validation])
        cascade.slope.fill_(1.0)
        cascade.intercept.fill_(0.0)


def test_card_tells_the_line(source, tmp_path, few):
    options = ImageTraining(TSAN, source[2], tmp_path / "m", RECIPE)
    module, card = load_any(run_image_training(options))
    told = card.metrics["calibration"]
    assert told["n"] == 4
    assert told["note"] in " ".join(as_text(card).split())
    assert (told["slope"], told["intercept"]) == (module.slope.item(), module.intercept.item())


def test_card_tells_why_there_is_none(source, tmp_path):
    options = ImageTraining(TSAN, source[2], tmp_path / "m", RECIPE)
    module, card = load_any(run_image_training(options))
    assert card.metrics["calibration"]["note"] == "none: 4 validation people, 30 are needed"
    assert (module.slope.item(), module.intercept.item()) == (1.0, 0.0)
    assert "does not clearly rise" in describe_line(module, 30)["note"]
