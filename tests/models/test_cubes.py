import torch

from bids_brainage.models.cubes import to_cubes, unit_range


def test_every_volume_gets_the_range_from_0_to_1_by_itself():
    volumes = torch.rand(3, 5, 6, 7) * torch.tensor([1.0, 200.0, 0.01]).view(3, 1, 1, 1) - 3
    found = unit_range(volumes)
    assert found.amin(dim=(1, 2, 3)).tolist() == [0.0] * 3
    assert found.amax(dim=(1, 2, 3)).tolist() == [1.0] * 3
    torch.testing.assert_close(unit_range(7 * volumes + 2), found, atol=1e-4, rtol=1e-2)


def test_scaling_twice_changes_nothing():
    found = unit_range(torch.randn(2, 4, 4, 4), quantile=0.9)
    torch.testing.assert_close(unit_range(found, quantile=0.9), found)


def test_voxels_above_the_quantile_become_1():
    volume = torch.arange(100.0).reshape(1, 4, 5, 5)
    assert int((unit_range(volume, quantile=0.9) == 1).sum()) == 11


def test_a_volume_without_contrast_becomes_zero():
    assert not unit_range(torch.full((1, 3, 3, 3), 4.0)).any()


def test_brains_are_padded_evenly_and_keep_their_centre():
    images = torch.zeros(1, 58, 70, 58)
    images[:, 28:30, 34:36, 28:30] = 5.0
    cube = to_cubes(images)[0]
    assert cube.shape == (64, 64, 64)
    grid = torch.arange(64.0)
    for axes in ((1, 2), (0, 2), (0, 1)):
        profile = cube.sum(dim=axes)
        torch.testing.assert_close((profile * grid).sum() / profile.sum(), torch.tensor(31.5))
