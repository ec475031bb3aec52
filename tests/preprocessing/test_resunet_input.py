import numpy as np
import pytest

from bids_brainage.preprocessing.resunet_input import normalise_in_mask, specified_grid


def test_the_mask_has_zero_mean_and_unit_variance():
    rng = np.random.default_rng(0)
    image, mask = rng.normal(700, 90, (12, 12, 12)), np.zeros((12, 12, 12), bool)
    mask[3:9, 3:9, 3:9] = True
    out = normalise_in_mask(image, mask)
    assert out[mask].mean() == pytest.approx(0, abs=1e-5)
    assert out[mask].std() == pytest.approx(1, abs=1e-5)
    assert not out[~mask].any()


def test_an_empty_mask_and_a_flat_image_give_zeros():
    flat = np.ones((4, 4, 4))
    assert not normalise_in_mask(flat, flat > 2).any()
    assert not normalise_in_mask(flat, flat > 0).any()


@pytest.mark.parametrize("order", [0, 1, 3])
def test_resampling_keeps_the_physical_centre(order):
    image = np.zeros((41, 41, 41))
    image[14:27, 14:27, 14:27] = 1
    out = specified_grid(image, [2.0] * 3, order)
    assert out.shape == (64, 64, 64)
    place = (np.arange(64) - 31.5) * 3
    for axis in range(3):
        profile = out.sum(axis=tuple(k for k in range(3) if k != axis))
        assert (profile * place).sum() / profile.sum() == pytest.approx(
            0, abs=1.6 * (order == 0) + 0.01
        )


def test_the_cubic_spline_rings_at_an_edge_and_linear_does_not():
    image = np.zeros((40, 40, 40))
    image[10:30, 10:30, 10:30] = 1
    assert specified_grid(image, [2.0] * 3, 3).min() < -0.01
    assert specified_grid(image, [2.0] * 3, 1).min() >= 0
