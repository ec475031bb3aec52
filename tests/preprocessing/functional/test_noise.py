import numpy as np
import pytest

from bids_brainage.preprocessing.functional.noise import dvars, noise_masks, noisiest
from tests.preprocessing.functional import phantom


@pytest.fixture(scope="module")
def bold():
    random = np.random.default_rng(0)
    return 1000 + 10 * random.standard_normal((12, 12, 12, 60))


def test_masks_hold_pure_tissue(anatomy):
    affine = phantom.FINE_AFFINE @ np.diag([1.5, 1.5, 1.5, 1])
    shape = tuple(n * 2 // 3 for n in phantom.FINE_SHAPE)
    truth = phantom.tissues(phantom.world(shape, affine)).reshape(4, *shape)
    masks = noise_masks(anatomy.mni_segmentation, phantom.FINE_AFFINE, truth[0] < 0.5, affine)
    assert masks.white_matter.sum() > 100
    assert masks.csf.sum() >= 20
    assert truth[2][masks.white_matter].min() > 0.9
    assert truth[3][masks.csf].mean() > 0.85
    assert not (masks.white_matter & masks.csf).any()


def test_absent_tissue_gives_an_empty_mask(anatomy):
    maps = anatomy.mni_segmentation.copy()
    maps[3] = 0
    mask = maps[0] < 0.5
    masks = noise_masks(maps, phantom.FINE_AFFINE, mask, phantom.FINE_AFFINE)
    assert not masks.csf.any()
    assert masks.white_matter.any()


def test_standardised_dvars_of_plain_noise_is_one(bold):
    plain, standard = dvars(bold, np.ones(bold.shape[:3], bool), 0)
    assert np.isnan(plain[0])
    assert np.isnan(standard[0])
    assert plain[1:] == pytest.approx(10 * np.sqrt(2), rel=0.1)
    assert standard[1:] == pytest.approx(1, rel=0.1)


def test_dvars_does_not_depend_on_the_scale(bold):
    mask = np.ones(bold.shape[:3], bool)
    np.testing.assert_allclose(dvars(bold, mask, 0)[0], dvars(7 * bold, mask, 0)[0], rtol=1e-4)


def test_dvars_sees_a_jump(bold):
    jumped = bold.copy()
    jumped[..., 30:] += 60
    _, standard = dvars(jumped, np.ones(bold.shape[:3], bool), 0)
    assert np.nanargmax(standard) == 30
    assert standard[30] > 1.5


def test_noisiest_voxels_are_found(bold):
    loud = bold.copy()
    loud[3:6, 3:6, 3:6] += 100 * np.random.default_rng(1).standard_normal((3, 3, 3, 60))
    found = noisiest(loud, np.ones(bold.shape[:3], bool), np.empty((60, 0)), 0)
    assert found.sum() == round(0.02 * 12**3)
    assert found[3:6, 3:6, 3:6].sum() == 27
