import pytest
import torch
from torch import nn

from bids_brainage.models import packed
from bids_brainage.models.packed import PackedConv, can_pack, fold, pack
from bids_brainage.models.scaledense import ScaleDense
from tests.models.test_scaledense import SMALL, lively


@pytest.mark.skipif(not can_pack(), reason="this torch has no oneDNN")
@pytest.mark.parametrize(
    "options",
    [
        {"kernel_size": 3, "padding": 1},
        {"kernel_size": 3, "padding": 1, "groups": 4, "stride": 2},
        {"kernel_size": 1, "bias": False, "stride": 2},
        {"kernel_size": (7, 7, 7), "padding": 3, "stride": (1, 2, 2)},
        {"kernel_size": 4, "padding": 1, "dilation": 2},
    ],
)
@pytest.mark.parametrize("count", [1, 3])
def test_packed_convolution_gives_the_same_numbers(options, count):
    network = nn.Sequential(nn.Conv3d(8, 12, **options)).eval()
    x = torch.randn(count, 8, 9, 10, 11)
    with torch.inference_mode():
        wanted = network(x)
        pack(network)
        assert isinstance(network[0], PackedConv)
        torch.testing.assert_close(network(x), wanted)


@pytest.mark.parametrize("able", [True, False])
def test_packed_network_tells_the_same_age(able, monkeypatch):
    if not able:
        monkeypatch.setattr(packed, "can_pack", lambda: False)
    torch.manual_seed(0)
    network = lively(ScaleDense(SMALL))
    network.centre.fill_(50.0)
    network.scale.fill_(15.0)
    image = torch.randn(2, 1, 32, 32, 32)
    with torch.inference_mode():
        before = network(image)[0]
        pack(network.fuse())
        torch.testing.assert_close(network(image)[0], before, rtol=1e-4, atol=1e-3)


def test_weights_are_not_kept_twice():
    network = ScaleDense(SMALL).fuse()
    assert not any("branches" in name for name, _ in network.named_parameters())
    pack(network)
    if can_pack():
        assert not [p for p in network.parameters() if p.dim() == 5]


def test_convolutions_that_pad_otherwise_are_left_alone():
    network = nn.Sequential(
        nn.Conv3d(2, 2, 3, padding="same"), nn.Conv3d(2, 2, 3, padding=1, padding_mode="circular")
    )
    pack(network)
    assert all(isinstance(part, nn.Conv3d) for part in network)


def test_normalisations_are_folded_into_the_convolutions_before_them():
    network = nn.Sequential(
        nn.Conv3d(2, 3, 3, bias=False), nn.BatchNorm3d(3), nn.ReLU(), nn.Conv3d(3, 2, 1),
        nn.BatchNorm3d(2),
    )  # fmt: skip
    lively(network)
    x = torch.randn(2, 2, 5, 6, 7)
    with torch.inference_mode():
        wanted = network(x)
        fold(network)
        torch.testing.assert_close(network(x), wanted, rtol=1e-5, atol=1e-5)
    assert not [part for part in network if isinstance(part, nn.BatchNorm3d)]


def test_normalisations_in_training_are_left_alone():
    network = nn.Sequential(nn.Conv3d(2, 3, 3), nn.BatchNorm3d(3)).train()
    fold(network)
    assert isinstance(network[1], nn.BatchNorm3d)
