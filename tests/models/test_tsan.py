from types import SimpleNamespace

import pytest
import torch

from bids_brainage.errors import ModelError
from bids_brainage.models.cards import InputSpec, names_hash
from bids_brainage.models.scaledense import ScaleDenseConfig
from bids_brainage.models.tsan import Tsan, TsanConfig, build, check, discretise
from bids_brainage.models.views import views

NETWORK = ScaleDenseConfig(filters=4, layers=2, growth=1, stem="strided", features=16)
CONFIG = TsanConfig(NETWORK, shape=(24, 24, 24), zooms=8.0)


@pytest.mark.parametrize(("age", "rounded"), [(73.6, 75), (72.5, 75), (72.49, 70), (2.4, 0)])
def test_ages_are_rounded_to_fives_and_halves_go_up(age, rounded):
    assert discretise(torch.tensor(age)).item() == rounded


def test_second_stage_adds_to_the_rounded_age():
    cascade = Tsan(CONFIG).eval()
    cascade.first.centre.fill_(41.0)
    cascade.second.head[-1].bias.data.fill_(0.5)
    cascade.second.scale.fill_(2.0)
    first, final, _ = cascade.stages(torch.randn(2, 1, 24, 24, 24))
    torch.testing.assert_close(first, torch.full((2,), 41.0))
    torch.testing.assert_close(final, torch.full((2,), 41.0))  # 40, and half of two years


def test_calibration_is_a_straight_line():
    cascade = Tsan(CONFIG).eval()
    cascade.slope.fill_(2.0)
    cascade.intercept.fill_(3.0)
    age, logit = cascade({"image": torch.randn(1, 24, 24, 24)})
    assert age.item() == 3.0
    assert logit.isnan().all()


def test_configuration_survives_its_json():
    assert build(CONFIG.as_dict()).config == CONFIG


def test_card_must_name_the_image_that_goes_in():
    spec = InputSpec((), names_hash(()), shape=(24, 24, 23))
    with pytest.raises(ModelError, match="24, 24, 24"):
        check(Tsan(CONFIG), SimpleNamespace(inputs={"image": spec}))


def test_both_stages_are_averaged_over_the_same_copies():
    torch.manual_seed(0)
    cascade = Tsan(CONFIG).eval()
    for network in (cascade.first, cascade.second):
        torch.nn.init.ones_(network.head[-1].weight)
        network.scale.fill_(9.0)
    image = torch.randn(1, 1, 24, 24, 24)
    with torch.no_grad():
        plain = [cascade.first(copy)[0] for copy in views(image)]
        cascade.average = True
        first, final, _ = cascade.stages(image)
        rest = [cascade.second(copy, None, discretise(first))[0] for copy in views(image)]
    torch.testing.assert_close(first, torch.stack(plain).mean(dim=0))
    torch.testing.assert_close(final, discretise(first) + torch.stack(rest).mean(dim=0))
