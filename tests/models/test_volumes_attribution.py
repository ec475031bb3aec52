from dataclasses import replace

import pytest
import torch

from bids_brainage.models.cards import InputSpec, names_hash
from bids_brainage.models.volumes import Volumes, VolumesConfig
from bids_brainage.models.volumes_attribution import attribute
from tests.models.test_cards import make_card
from tests.models.test_volumes import NAMES, people

LINE = VolumesConfig(6, (0,), ((1,), (2,), (4, 5)))


def fitted(config, weight):
    module = Volumes(config).double()
    module.fit_scaling(people(), torch.tensor([20.0, 80.0], dtype=torch.float64))
    module.weight.copy_(torch.tensor(weight))
    module.intercept.fill_(3.5 if config.log_age else 45.0)
    return module.eval()


@pytest.fixture
def card():
    middle = people().median(dim=0).values.tolist()
    typical = dict(zip(NAMES, middle, strict=True))
    return make_card(
        inputs={"volumes": InputSpec(NAMES, names_hash(NAMES), "mm3", typical=typical)}
    )


def test_a_straight_line_gives_weight_times_difference(card):
    module = fitted(LINE, [-6.0, 1.0, -3.0])
    raw = people()[1]
    found = attribute(module, card, {"volumes": raw})
    typical = torch.tensor(list(card.inputs["volumes"].typical.values())).double()
    difference = raw / raw[0] - typical / typical[0]
    slope = module.weight / module.scale
    wanted = [0, slope[0], slope[1], 0, slope[2], slope[2]]
    expected = torch.stack([torch.as_tensor(w).double() for w in wanted]) * difference
    assert torch.allclose(found.years["volumes"], expected)
    assert abs(found.residual) < 1e-9


@pytest.mark.parametrize(
    ("config", "weight"),
    [
        (replace(LINE, degree=2), [-6.0, 1.0, -3.0, 0.5, -0.5, 1.0, 0.3, 0.2, -0.8]),
        (replace(LINE, logarithm=True), [-6.0, 1.0, -3.0]),
        (replace(LINE, logarithm=True, log_age=True, clip=0.7), [-0.2, 0.1, -0.1]),
    ],
)
@pytest.mark.parametrize("i", [0, 5, 9])
def test_contributions_add_up(card, config, weight, i):
    module = fitted(config, weight)
    raw = people()[i]
    found = attribute(module, card, {"volumes": raw})
    assert found.predicted == pytest.approx(module({"volumes": raw[None]})[0].item())
    assert abs(found.residual) < 1e-6
    assert found.years["volumes"][[0, 3]].abs().max() == 0


def test_a_missing_part_leaves_its_feature_out(card):
    raw = people()[1].clone()
    raw[4] = torch.nan
    found = attribute(fitted(LINE, [-6.0, 1.0, -3.0]), card, {"volumes": raw})
    assert found.years["volumes"][4:].abs().max() == 0
    assert abs(found.residual) < 1e-9


def test_the_end_of_the_ages_told_is_no_measure(card):
    module = fitted(LINE, [-600.0, 1.0, -3.0])
    ends = [attribute(module, card, {"volumes": raw}) for raw in people()]
    clamped = [found for found in ends if found.elsewhere]
    assert clamped
    assert all(found.predicted in (10.0, 90.0) for found in clamped)
    assert all(abs(found.residual) < 1e-6 for found in ends)
