import pytest
import torch

from bids_brainage.errors import ModelError
from bids_brainage.models.cards import InputSpec, names_hash
from bids_brainage.models.resunet import ResidualBlock, ResUNet, ResUNetConfig
from bids_brainage.models.resunet_compact import CompactConfig, CompactResUNet
from bids_brainage.models.resunet_family import build, check
from bids_brainage.models.store import load_kind, save_model
from tests.models.test_cards import make_card

NARROW = (2, 3, 4, 5, 6)


def test_the_specified_network_has_the_published_number_of_parameters():
    with torch.device("meta"):
        model = ResUNet()
    assert sum(p.numel() for p in model.parameters()) == 24_322_148


@pytest.mark.parametrize(
    ("pooling", "shape", "deepest"),
    [("in-plane", (6, 16, 32), (6, 1, 2)), ("isotropic", (32, 16, 32), (2, 1, 2))],
)
def test_both_poolings_give_a_score_per_voxel(pooling, shape, deepest):
    model = ResUNet(ResUNetConfig(pooling, channels=NARROW)).eval()
    seen = []
    model.down[-1].register_forward_hook(lambda _m, _i, out: seen.append(out.shape[2:]))
    with torch.inference_mode():
        scores = model(torch.randn(1, 1, *shape))
    assert scores.shape == (1, 4, *shape)
    assert tuple(seen[0]) == deepest


def test_the_shortcut_is_added_after_the_last_rectification():
    block = ResidualBlock(1, 2).eval()
    torch.nn.init.constant_(block.shortcut.weight, -1000.0)
    assert (block(torch.ones(1, 1, 4, 4, 4)) < 0).all()


@pytest.mark.parametrize(
    "module",
    [ResUNet(ResUNetConfig("isotropic", channels=NARROW)),
     CompactResUNet(CompactConfig((0, 1, 2, 3), (4, 6)))],
)  # fmt: skip
def test_both_variants_survive_their_files(module, tmp_path):
    inputs = {"T1w": InputSpec(("T1w",), names_hash(("T1w",)))}
    card = make_card(family="resunet", inputs=inputs, config=module.config.as_dict())
    save_model(module, card, tmp_path, half=False)
    loaded = load_kind(tmp_path, type(module))[0]
    assert loaded.config == module.config
    for name, value in module.state_dict().items():
        assert torch.equal(value, loaded.state_dict()[name])


def test_weights_of_the_family_are_stored_in_half_precision(tmp_path):
    from safetensors.torch import load_file

    module = CompactResUNet(CompactConfig((0, 1, 2, 3), (4, 6)))
    inputs = {"T1w": InputSpec(("T1w",), names_hash(("T1w",)))}
    save_model(module, make_card(family="resunet", inputs=inputs), tmp_path)
    stored = load_file(tmp_path / "model.safetensors")
    assert {value.dtype for value in stored.values()} == {torch.float16}


def test_other_inputs_are_refused():
    with pytest.raises(ModelError, match="morphometry"):
        check(torch.nn.Identity(), make_card(family="resunet"))


def test_an_unknown_variant_is_refused():
    with pytest.raises(ValueError, match="no variant 'wide'"):
        build({"variant": "wide"})
