import numpy as np
from nilearn.datasets import load_mni152_wm_template

from bids_brainage.preprocessing.harvard_oxford import lateral_ventricles
from bids_brainage.preprocessing.templates import at_2_mm, labels_on_grid
from bids_brainage.preprocessing.tissues import (
    MAXIMUM_VOXELS,
    noise_components,
    polynomial_trend,
    template_brain,
    thin_out,
    tissue_masks,
)
from tests.features.synthetic_run import grid


def test_masks_are_deep_white_matter_and_ventricles(atlas):
    reference = grid(3.0)
    brain = template_brain(reference)
    masks = tissue_masks(reference, brain)
    assert 1000 < masks.white_matter.sum() < 0.15 * brain.sum()
    assert 50 < masks.csf.sum() < 1500
    assert not (masks.white_matter & masks.csf).any()
    grey = np.asarray(labels_on_grid(atlas.labels, reference).dataobj) > 0
    assert (masks.white_matter & grey).sum() < 0.2 * masks.white_matter.sum()
    assert (masks.csf & grey).sum() < 0.1 * masks.csf.sum()


def test_coarse_grids_still_have_white_matter():
    reference = grid(8.0)
    masks = tissue_masks(reference, template_brain(reference))
    assert masks.white_matter.sum() >= 20


def test_ventricles_are_probabilities():
    data = np.asarray(lateral_ventricles().dataobj)
    assert 0.9 < data.max() <= 1 and data.min() == 0


def test_templates_at_2_mm_are_those_of_nilearn():
    ours = at_2_mm(load_mni152_wm_template(resolution=1))
    nilearns = load_mni152_wm_template(resolution=2)
    np.testing.assert_array_equal(ours.affine, nilearns.affine)
    np.testing.assert_allclose(ours.get_fdata(), nilearns.get_fdata(), atol=1e-6)


def test_components_ignore_unsteady_volumes_and_scale():
    generator = np.random.default_rng(0)
    voxels = generator.standard_normal((80, 50)).astype(np.float32)
    voxels += 2 * np.sin(np.arange(80))[:, None]
    steady = np.ones(80, dtype=bool)
    steady[:4] = False
    spoiled = voxels.copy()
    spoiled[:4] = 1e6
    scaled = voxels * np.linspace(1, 100, 50, dtype=np.float32) + 500
    expected = noise_components(voxels, 3, steady)
    assert (expected[:4] == 0).all()
    np.testing.assert_array_equal(noise_components(spoiled, 3, steady), expected)
    np.testing.assert_allclose(noise_components(scaled, 3, steady), expected, atol=1e-3)


def test_components_are_free_of_linear_and_quadratic_trend():
    voxels = np.random.default_rng(0).standard_normal((60, 40)).astype(np.float32)
    trend = polynomial_trend(60, 2)
    components = noise_components(voxels + 30 * trend[:, [0]], 4, np.ones(60, dtype=bool))
    np.testing.assert_allclose(trend.T @ components, 0, atol=1e-6)


def test_large_masks_are_thinned_evenly():
    indices = thin_out(np.ones((100, 100, 10), dtype=bool))
    assert len(indices) <= MAXIMUM_VOXELS
    assert set(np.diff(indices)) == {5}
    assert len(thin_out(np.zeros(5, dtype=bool))) == 0
