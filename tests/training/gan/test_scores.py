import numpy as np
import pytest
import torch

from bids_brainage.models.brain_readers import SexClassifier
from bids_brainage.training.gan.classify import NAMES
from bids_brainage.training.gan.distances import (
    kernel_distance,
    mean_of_pairs,
    memorised,
    nearest,
)
from bids_brainage.training.gan.gaussian import fit_components
from bids_brainage.training.gan.scores import Judges, agreement, floor, judge, one_scale
from bids_brainage.training.gan.similarity import ms_ssim_matrix, n_scales


@pytest.fixture(scope="module")
def cubes():
    generator = np.random.default_rng(0)
    base = generator.random((16, 16, 16))
    return np.clip(base + 0.2 * generator.standard_normal((40, 16, 16, 16)), 0, 1)


@pytest.fixture(scope="module")
def judges(cubes):
    torch.manual_seed(0)
    classifiers = {name: SexClassifier(0.1, 16).eval() for name in NAMES}
    return Judges(classifiers, fit_components(cubes[:20]), cubes[:20], cubes[20:30])


def test_similarity_is_1_with_itself_and_falls_with_noise():
    generator = torch.Generator().manual_seed(0)
    volume = torch.rand(1, 32, 32, 32, generator=generator)
    noise = torch.rand(1, 32, 32, 32, generator=generator)
    cubes = torch.cat([volume, volume, 0.9 * volume + 0.1 * noise, 0.5 * volume + 0.5 * noise])
    found = ms_ssim_matrix(cubes)
    assert found[0, 1] == pytest.approx(1, abs=1e-5)
    assert 1 > found[0, 2] > found[0, 3] > 0
    np.testing.assert_allclose(found, found.T)


def test_background_is_not_counted_as_likeness():
    blocks = torch.rand(2, 4, 4, 4, generator=torch.Generator().manual_seed(0)).round()
    cubes = blocks.repeat_interleave(4, 1).repeat_interleave(4, 2).repeat_interleave(4, 3)
    padded = torch.zeros(2, 48, 48, 48)
    padded[:, 16:32, 16:32, 16:32] = cubes
    empty = torch.zeros(2, 16, 16, 16)
    assert ms_ssim_matrix(padded)[0, 1] < 0.6
    assert ms_ssim_matrix(empty)[0, 1] == 1


def test_small_cubes_have_fewer_scales():
    assert [n_scales(side) for side in (8, 16, 32, 64)] == [1, 2, 3, 3]


def test_kernel_distance_is_unbiased_and_grows_with_the_shift():
    generator = np.random.default_rng(0)
    alike = [kernel_distance(*generator.standard_normal((2, 15, 5))).value for _ in range(60)]
    assert abs(np.mean(alike)) < 3 * np.std(alike) / np.sqrt(60)
    first, second = generator.standard_normal((2, 15, 5))
    assert kernel_distance(first + 2, second).value > kernel_distance(first + 1, second).value > 0


def test_kernel_distance_is_that_of_its_definition():
    generator = np.random.default_rng(1)
    x, y = generator.standard_normal((4, 3)), generator.standard_normal((5, 3))

    def k(a, b):
        return (a @ b / 3 + 1) ** 3

    expected = (
        np.mean([k(a, b) for i, a in enumerate(x) for j, b in enumerate(x) if i != j])
        + np.mean([k(a, b) for i, a in enumerate(y) for j, b in enumerate(y) if i != j])
        - 2 * np.mean([k(a, b) for a in x for b in y])
    )
    found = kernel_distance(x, y)
    assert found.value == pytest.approx(expected)
    low, high = np.nanquantile(found.draws, [0.01, 0.99])
    assert low < expected < high


def test_a_member_makes_no_pair_with_itself():
    matrix = np.array([[9.0, 2.0], [2.0, 9.0]])
    assert mean_of_pairs(matrix, np.array([1.0, 1.0])) == 2.0
    assert mean_of_pairs(matrix, np.array([3.0, 1.0])) == 2.0
    assert np.isnan(mean_of_pairs(matrix, np.array([2.0, 0.0])))


def test_copies_of_training_people_are_found(cubes):
    training, held, new = cubes[:20], cubes[20:30], cubes[30:]
    copies = memorised(training[:10] + 0.001, held, training)
    assert copies["nearest_auc"].value == 1.0
    assert copies["closer"].value == 1.0
    assert copies["ratio"].value < 0.05 < 0.9 < copies["ratio_held"].value
    assert copies["nearest_p"].value < 0.001
    fresh = memorised(new, held, training)
    assert 0.2 < fresh["nearest_auc"].value < 0.8
    assert fresh["nearest_p"].value > 0.01


def test_the_nearest_person_is_named(cubes):
    distance, who = nearest(cubes[[3, 5]], cubes[:10])
    assert who.tolist() == [3, 5]
    np.testing.assert_allclose(distance, 0, atol=1e-6)


def test_components_give_people_back_and_draw_new_ones(cubes):
    components = fit_components(cubes[:20])
    assert components.axes.shape == (19, 16**3)
    scores = components.scores(cubes[:20])
    np.testing.assert_allclose(scores.std(axis=0, ddof=1), 1, rtol=1e-3)
    flat = components.mean + (scores * components.spreads) @ components.axes
    np.testing.assert_allclose(flat.reshape(20, 16, 16, 16), cubes[:20], atol=1e-3)
    drawn = components.draw(5, 0)
    assert drawn.shape == (5, 16, 16, 16)
    assert drawn.min() >= 0 and drawn.max() <= 1


def test_judging_does_not_depend_on_the_scale_of_what_was_generated(judges, cubes):
    first, second = judge(cubes[30:], judges), judge(255 * cubes[30:] + 7, judges)
    for name, score in first.items():
        assert score.value == pytest.approx(second[name].value, rel=1e-2, abs=1e-2), name


def test_real_and_generated_cubes_come_to_one_range(cubes):
    for made in (cubes[:3], 0.2 * cubes[:3] + 0.4, -5 + cubes[:3]):
        found = one_scale(made)
        assert found.min(axis=(1, 2, 3)).tolist() == [0.0] * 3
        assert found.max(axis=(1, 2, 3)).tolist() == [1.0] * 3


def test_new_people_are_as_like_as_training_people(judges, cubes):
    best, shifted = floor(judges), judge(cubes[30:].transpose(0, 3, 1, 2), judges)
    assert shifted["kid_voxels"].value > best["kid_voxels"].value
    assert best["ms_ssim"].value == pytest.approx(best["ms_ssim_held"].value, abs=0.05)


def test_classifiers_that_are_one_agree_on_everything(judges, cubes):
    twice = dict.fromkeys(NAMES, judges.classifiers[NAMES[0]])
    found = agreement(cubes[30:], Judges(twice, judges.components, cubes[:2], cubes[:2]))
    assert found["agree"].value == 1.0
    assert found["female_plain"].value == found["female_noisy"].value
    assert found["agree_chance"].value >= 0.5
