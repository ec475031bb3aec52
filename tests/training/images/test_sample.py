import os
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest

from bids_brainage.errors import InputError
from bids_brainage.training.images.sample import load_sample, person_folds, split_people
from bids_brainage.training.images.volumes import load_volumes
from bids_brainage.training.tsan.recipe import TsanRecipe
from tests.training.drawn_brains import ZOOMS


def test_one_person_is_on_one_side_of_the_split(source):
    twice = [*source[2], *source[2]]
    training, validation = split_people(twice, 0.25, 0)
    labels = [{twice[i].label for i in side} for side in (training, validation)]
    assert not labels[0] & labels[1]
    assert len(validation) == 8


def test_every_person_is_in_one_test_fold(source):
    twice = [*source[2], *source[2]]
    folds = person_folds(twice, 3)
    assert sorted(np.concatenate([test for _, test in folds])) == list(range(32))
    for training, test in folds:
        assert not {twice[i].label for i in training} & {twice[i].label for i in test}


def test_images_are_kept_for_the_next_run(source, tmp_path):
    recipe = TsanRecipe(zooms=ZOOMS, layers=2)
    first = load_sample(source[2], recipe, tmp_path)
    written = (tmp_path / "volumes.npy").stat().st_mtime_ns
    second = load_sample(source[2], recipe, tmp_path)
    assert (tmp_path / "volumes.npy").stat().st_mtime_ns == written
    np.testing.assert_array_equal(first.images, second.images)
    assert first.sex.tolist()[:2] == [[1, 0], [0, 1]]
    assert first.measures.shape == (16, 0)


def test_images_of_an_attempt_that_failed_are_not_those_of_the_one_before(source, tmp_path):
    people = source[2][:3]
    wanted = load_volumes(people, ZOOMS, "mask", tmp_path).copy()
    broken = tmp_path / "broken.nii.gz"
    broken.write_bytes(b"no image")
    with pytest.raises(InputError, match=r"1 images are unusable.*broken"):
        load_volumes([source[2][9], replace(people[1], image=broken), people[2]], ZOOMS, "mask",
                     tmp_path)  # fmt: skip
    np.testing.assert_array_equal(load_volumes(people, ZOOMS, "mask", tmp_path), wanted)


def test_changed_mask_makes_the_images_again(source, tmp_path):
    mask = tmp_path / "mask.nii.gz"
    image = nib.load(source[2][0].image)
    inside = (np.asarray(image.dataobj) != 0).astype(np.uint8)
    people = [replace(source[2][0], mask=mask)]
    found = []
    for time in (1, 2):
        nib.Nifti1Image(inside, image.affine).to_filename(mask)
        os.utime(mask, (time, time))
        found.append(int((load_volumes(people, ZOOMS, "mask", tmp_path) != 0).sum()))
        inside[:, :, :8] = 0
    assert found[1] < found[0]


def test_brains_for_sfcn_are_divided_by_the_mean_of_its_grid(source, tmp_path):
    (image,) = load_volumes(source[2][:1], 1.0, "mean", tmp_path, (160, 192, 160))
    assert image.shape == (160, 192, 160)
    assert image.min() == 0
    assert image.mean(dtype=float) * image.size / (182 * 218 * 182) == pytest.approx(1, abs=0.05)
