import pytest
import torch

from bids_brainage.models.fusion import Fusion

LOG = torch.log(torch.tensor(20.0, dtype=torch.float64))


def table(*rows):
    return torch.tensor(rows, dtype=torch.float64)


def test_both_modalities_go_through_the_joint_weights():
    fusion = Fusion().double()
    weight = torch.tensor([[0.0, 0.5, 0.5, 0.0], [1.0, 0.0, 0.0, 0.0]])
    fusion.set_joint(weight, torch.tensor([0.0, -1.0]))
    ages = torch.log(table([30.0, 10.0, 40.0, 99.0]))
    age, logit = fusion(ages, table([2.0, 0, 0, 0]))
    assert age.item() == pytest.approx(20)
    assert logit.item() == pytest.approx(1)


def test_one_modality_uses_its_own_head():
    fusion = Fusion().double()
    nan = float("nan")
    ages = torch.log(table([30.0, 10.0, nan, nan], [nan, nan, 40.0, nan]))
    logits = table([1.0, 5.0, nan, nan], [nan, nan, -2.0, nan])
    age, logit = fusion(ages, logits)
    assert age.tolist() == pytest.approx([30, 40])
    assert logit.tolist() == pytest.approx([1, -2])


def test_the_line_applies_to_connectivity_alone():
    fusion = Fusion().double()
    fusion.set_single(2.0, -LOG.item())
    nan = float("nan")
    age, _ = fusion(torch.log(table([nan, nan, 40.0, nan])), table([nan, nan, 0.0, nan]))
    assert age.item() == pytest.approx(80)


def test_old_people_are_read_from_morphometry():
    fusion = Fusion().double()
    fusion.set_gate(40.0, 1.0)
    age, _ = fusion(torch.log(table([70.0, 30.0, 20.0, 25.0])), table([0.0, 0, 0, 0]))
    assert age.item() == pytest.approx(70, abs=0.01)


def test_young_people_are_read_by_the_joint_members():
    fusion = Fusion().double()
    fusion.set_youth(18.0, 1.0)
    nan = float("nan")
    ages = torch.log(table([8.0, 10.0, nan, nan], [60.0, 10.0, nan, nan]))
    age, _ = fusion(ages, table([0.0, 0, nan, nan], [0.0, 0, nan, nan]))
    assert age.tolist() == pytest.approx([10, 60], abs=0.01)


def test_sex_from_connectivity_is_freed_of_the_training_share_and_of_overconfidence():
    fusion = Fusion().double()
    fusion.set_sex(1.5, 0.5)
    nan = float("nan")
    ages = torch.log(table([30.0, 30.0, nan, nan], [nan, nan, 30.0, nan]))
    _, logit = fusion(ages, table([2.0, 2.0, nan, nan], [nan, nan, -1.0, nan]))
    assert logit.tolist() == pytest.approx([1.0, 0.25])
