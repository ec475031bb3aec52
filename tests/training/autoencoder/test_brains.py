from dataclasses import replace

import numpy as np
import pytest

from bids_brainage.errors import InputError
from bids_brainage.training.aegan import AeganOptions
from bids_brainage.training.autoencoder.brains import SHAPE, load_brains, to_cube


@pytest.fixture(scope="module")
def options(source, tmp_path_factory):
    folder, table, _ = source
    return AeganOptions(data=(folder,), output=tmp_path_factory.mktemp("kept"), table=table)


@pytest.fixture(scope="module")
def brains(options):
    return load_brains(options)


def test_folder_with_a_table_becomes_brains_on_the_grid(brains):
    assert brains.images.shape == (16, *SHAPE)
    assert brains.images.dtype == np.float16
    assert brains.labels[0] == "p00"
    assert brains.age[0] == 20
    assert brains.female[:4].tolist() == [1, 0, 1, 0]
    assert np.isnan(brains.head).all()
    assert not any(brains.bins)


def test_background_is_zero_and_the_median_of_the_brain_one(brains):
    image = brains.block([3])[0]
    assert np.median(image[image != 0]) == pytest.approx(1, abs=2e-3)
    assert not image[0].any()


def test_code_of_women_in_the_table_can_be_another(options):
    other = load_brains(replace(options, female="1"))
    assert other.female[:4].tolist() == [0, 1, 0, 1]


def test_folds_leave_out_every_person_once(brains):
    folds = brains.folds(4)
    assert sorted(i for _, test in folds for i in test) == list(range(16))
    assert all(not set(training) & set(test) for training, test in folds)
    with pytest.raises(InputError, match="16 people for 17 folds"):
        brains.folds(17)


def test_cube_has_values_from_zero_to_one_and_the_brain_in_its_middle(brains):
    cube = to_cube(brains.images[:2], 32)
    assert cube.shape == (2, 32, 32, 32)
    assert cube.dtype == np.float32
    assert (cube.min(), cube.max()) == (0, 1)
    image = brains.block([0])[0]
    middle = np.argwhere(image).mean(axis=0) + [6, 0, 6]
    found = np.argwhere(cube[0] > 0.2).mean(axis=0)
    np.testing.assert_allclose((found + 0.5) * 70 / 32 - 0.5, middle, atol=0.7)
