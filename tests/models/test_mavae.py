import pytest
import torch

from bids_brainage.models.mavae import Mavae
from bids_brainage.models.mavae_core import MavaeConfig, MavaeCore
from bids_brainage.models.scaling import InputConfig


def predict(module, inputs):
    with torch.inference_mode():
        return torch.stack(module(inputs), dim=1)


def test_everyone_with_a_modality_gets_an_age_and_a_sex(module, inputs):
    result = predict(module, inputs)
    assert result.shape == (12, 2)
    assert result.isfinite().all()
    assert (result[:, 0] > 0).all()


@pytest.mark.parametrize("name", ["morphometry", "connectivity"])
def test_an_absent_modality_is_the_same_as_all_missing(module, inputs, name):
    alone = {name: inputs[name]}
    empty = {k: v if k == name else torch.full_like(v, torch.nan) for k, v in inputs.items()}
    known = ~inputs[name].isnan().all(dim=1)
    assert torch.equal(predict(module, alone)[known], predict(module, empty)[known])
    assert predict(module, alone)[~known].isnan().all()


def test_predictions_do_not_depend_on_company_or_order(module, inputs):
    whole = predict(module, inputs)
    order = torch.randperm(12, generator=torch.Generator().manual_seed(0))
    shuffled = predict(module, {k: v[order] for k, v in inputs.items()})
    assert torch.allclose(shuffled, whole[order], atol=1e-9)
    for i in range(12):
        single = predict(module, {k: v[i : i + 1] for k, v in inputs.items()})
        assert torch.allclose(single[0], whole[i], atol=1e-9)


def test_no_modality_at_all_is_refused(module):
    with pytest.raises(ValueError, match="morphometry, connectivity"):
        module({})


def test_out_of_range_is_the_share_of_the_worse_modality(module, inputs):
    strange = {k: v.clone() for k, v in inputs.items()}
    strange["morphometry"][0, 0] = 1e6
    share = module.out_of_range(strange)
    assert share[0] == pytest.approx(1 / 5)
    assert share[1] == 0
    assert module.out_of_range({"morphometry": strange["morphometry"]})[0] == pytest.approx(1 / 5)


def test_the_specified_width_builds_with_its_parameter_count():
    plain = InputConfig("plain", 800, 800)
    core = MavaeCore(MavaeConfig(morphometry=plain, connectivity=plain))
    encoder = 800 * 500 + 500 + 500 * 200 + 200 + 200 * 120 + 120 + 2 * (120 * 60 + 60)
    assert sum(p.numel() for p in core.encoders["morphometry"].parameters()) == encoder
    decoder = 60 * 120 + 120 + 120 * 200 + 200 + 200 * 500 + 500 + 500 * 800 + 800
    assert sum(p.numel() for p in core.decoders["connectivity"].parameters()) == decoder
    mean, log_variance = core.encode("morphometry", torch.zeros(1, 4, 800))
    assert mean.shape == log_variance.shape == (1, 4, 60)
    code = core.split(mean)
    assert code.shared.shape == code.unique.shape == (1, 4, 30)
    assert core.decoders["connectivity"](mean).shape == (1, 4, 800)
    assert core.heads(code, code).age.shape == (1, 4)


def test_reconstructions_can_be_negative():
    plain = InputConfig("plain", 20, 20)
    core = MavaeCore(MavaeConfig(morphometry=plain, connectivity=plain))
    assert (core.decoders["morphometry"](torch.randn(1, 50, 60)) < 0).any()


def test_members_differ_and_can_be_taken_apart(module, inputs):
    core = module.core.float()
    x = module.transforms["morphometry"](inputs["morphometry"]).float()
    both = core.encode("morphometry", x.expand(2, -1, -1))[0]
    second = core.take(torch.tensor([1])).encode("morphometry", x[None])[0]
    assert not torch.allclose(both[0], both[1])
    assert torch.allclose(both[1], second[0], atol=1e-6)


def test_the_configuration_survives_its_json_form(module):
    values = module.config.as_dict()
    assert MavaeConfig.from_dict(values) == module.config
    assert isinstance(Mavae(MavaeConfig.from_dict(values)), Mavae)
