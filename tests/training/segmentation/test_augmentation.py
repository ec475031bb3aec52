import dataclasses

import pytest
import torch

from bids_brainage.preprocessing.regions import mirrored_regions, region_tissues
from bids_brainage.training.segmentation.appearance import (
    blur,
    cut_away,
    scan,
    strip_mask,
    synthesise,
)
from bids_brainage.training.segmentation.patches import as_sources, draw_patch
from bids_brainage.training.segmentation.spatial import (
    mirror_labels,
    random_matrix,
    sample,
    sampling_points,
    smooth_field,
)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_mirroring_twice_is_nothing_and_once_swaps_sides():
    labels = torch.arange(len(region_tissues()))
    once = mirror_labels(labels)
    assert once.tolist() == list(mirrored_regions())
    assert torch.equal(mirror_labels(once), labels)
    assert once[1] == 2 and once[2] == 1


def test_a_mirrored_patch_has_mirrored_places_and_labels(heads, recipe):
    still = dataclasses.replace(recipe, still=1.0)
    sources, extent = as_sources(heads), torch.tensor([32.0, 32.0, 32.0])
    plain, turned = (
        sampling_points((16, 16, 16), torch.tensor([15.5] * 3), extent, still, seeded(), flip)
        for flip in (False, True)
    )
    assert torch.allclose(plain.flip(0), turned)
    image = sample(sources[0].image, plain)
    assert torch.allclose(image.flip(0), sample(sources[0].image, turned))


def test_an_image_moved_by_whole_voxels_stays_as_it_was(heads, recipe):
    still = dataclasses.replace(recipe, still=1.0)
    centre, extent = torch.tensor([15.5] * 3), torch.tensor([32.0] * 3)
    points = sampling_points((16, 16, 16), centre, extent, still, seeded(1), False)
    assert torch.allclose(points, points.round(), atol=1e-5)


def test_sampling_beyond_the_image_gives_zero():
    points = torch.tensor([[[[0.0, 0, 0], [1, 1, 1], [-5, 0, 0]]]])
    volume = torch.arange(8.0).view(2, 2, 2)
    assert sample(volume, points)[0, 0].tolist() == [0.0, 7.0, 0.0]


def test_rotations_keep_their_size(recipe):
    rigid = dataclasses.replace(recipe, shear=0.0, zoom=0.0)
    for seed in range(5):
        matrix = random_matrix(rigid, seeded(seed), False)
        assert torch.allclose(matrix @ matrix.T, torch.eye(3), atol=1e-5)
        assert torch.det(random_matrix(rigid, seeded(seed), True)) == pytest.approx(-1, abs=1e-4)


def test_fields_are_smooth():
    field = smooth_field((40, 40, 40), 4, 1, seeded())[0]
    assert field.diff(dim=0).abs().max() < 0.5 * field.std() + 0.3


def test_synthesised_tissues_differ_and_brains_have_no_surroundings():
    regions = torch.zeros(16, 16, 16, dtype=torch.long)
    regions[:8] = 1
    around = torch.zeros_like(regions)
    image = synthesise(regions, around, seeded(3))
    assert (image[1:6].mean() - image[10:15].mean()).abs() > 0.1
    assert image.min() >= 0 and torch.isfinite(image).all()


@pytest.mark.parametrize("seed", range(6))
def test_scans_are_finite_and_of_the_same_size(seed):
    image = torch.rand(20, 24, 16, generator=seeded())
    out = scan(image, seeded(seed))
    assert out.shape == image.shape and torch.isfinite(out).all() and out.min() >= 0


def test_blurring_keeps_a_constant_inside():
    assert blur(torch.ones(12, 12, 12), 0.8)[5, 5, 5] == pytest.approx(1, abs=1e-5)


def test_masks_keep_most_of_the_brain():
    brain = torch.zeros(30, 30, 30, dtype=torch.bool)
    brain[5:25, 5:25, 5:25] = True
    for seed in range(5):
        mask = strip_mask(brain, seeded(seed))
        assert (mask & brain).sum() > 0.75 * brain.sum()
        assert mask[0].float().mean() < 0.2


def test_a_removed_face_spares_most_of_the_brain():
    brain = torch.zeros(20, 20, 20, dtype=torch.bool)
    brain[5:15, 5:15, 8:18] = True
    kept = [cut_away(brain, seeded(seed)) for seed in range(40)]
    assert any(not k.all() for k in kept)
    assert all((k & brain).any() for k in kept)


def test_the_same_seed_draws_the_same_patch(heads, recipe):
    sources = as_sources(heads)
    for seed in range(12):
        one, two = (draw_patch(sources, recipe, seeded(seed)) for _ in range(2))
        assert torch.equal(one.image, two.image) and torch.equal(one.regions, two.regions)
        assert one.image.shape == one.regions.shape
        assert torch.isfinite(one.image).all()


def test_small_patches_are_small_and_carried_labels_weigh_less(heads, recipe):
    sources = as_sources(heads)
    patches = [draw_patch(sources, recipe, seeded(s), small=True) for s in range(20)]
    assert {tuple(p.image.shape) for p in patches} == {(16, 16, 16)}
    assert {p.weight for p in patches} == {1.0, recipe.carried_weight}
