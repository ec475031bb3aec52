import numpy as np
import pytest
import torch

from bids_brainage.preprocessing.separable import axis_weights, resample_axes


def test_the_same_grid_is_left_alone():
    volume = torch.randn(5, 6, 7)
    assert torch.equal(resample_axes(volume, [2.0] * 3, (5, 6, 7), [2.0] * 3), volume)


@pytest.mark.parametrize("size", [0.7, 1.0, 3.0])
def test_the_physical_centre_is_kept(size):
    x = torch.linspace(-30, 30, 31)
    blob = torch.exp(-((x - 8) ** 2) / 60)
    volume = blob[:, None, None] * torch.ones(1, 9, 9)
    n = round(62 / size)
    out = resample_axes(volume, [2.0] * 3, (n, 9, 9), [size, 2.0, 2.0])[:, 4, 4]
    place = (torch.arange(n) - (n - 1) / 2) * size
    assert float((out * place).sum() / out.sum()) == pytest.approx(8, abs=0.1)


def test_constants_stay_and_what_lies_beyond_is_zero():
    weights = axis_weights(10, 1.0, 20, 1.0)
    assert torch.allclose(weights[5:15].sum(dim=1), torch.ones(10))
    assert weights[:5].abs().sum() == weights[15:].abs().sum() == 0


def test_larger_voxels_average():
    stripes = torch.tensor([0.0, 1.0] * 20)
    out = axis_weights(40, 1.0, 10, 4.0) @ stripes
    assert torch.allclose(out[1:-1], torch.full((8,), 0.5), atol=1e-6)


def test_finer_voxels_interpolate_linearly():
    out = axis_weights(4, 2.0, 8, 1.0) @ torch.tensor([0.0, 2.0, 4.0, 6.0])
    assert np.allclose(out[1:-1], [0.5, 1.5, 2.5, 3.5, 4.5, 5.5])
