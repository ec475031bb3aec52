import numpy as np
import pytest

from bids_brainage.errors import InputError, MissingInputError
from bids_brainage.training.array_files import load_arrays
from bids_brainage.training.sources import load_table


def test_the_systems_own_files_load(array_folder):
    table = load_table(array_folder)
    assert table.kind == "arrays"
    assert table.has_both().all()
    assert np.array_equal(table.female, np.load(array_folder / "labels_Gender.npy"))


def test_test_files_have_their_prefix(array_folder):
    assert len(load_arrays(array_folder, "Test_")) == 60


def test_one_modality_is_enough(array_folder):
    (array_folder / "features2.npy").unlink()
    table = load_arrays(array_folder)
    assert not table.has("connectivity").any()


def test_an_unknown_sex_code_is_refused(array_folder):
    np.save(array_folder / "labels_Gender.npy", np.full(60, 2))
    with pytest.raises(InputError, match="sex code 2"):
        load_arrays(array_folder)


def test_lengths_must_agree(array_folder):
    np.save(array_folder / "labels_Age.npy", np.arange(1.0, 10.0))
    with pytest.raises(InputError):
        load_arrays(array_folder)


def test_pickled_objects_are_refused(array_folder):
    np.save(array_folder / "features1.npy", np.array([{}], dtype=object))
    with pytest.raises(InputError, match="cannot read"):
        load_arrays(array_folder)


def test_missing_ages_are_told(array_folder):
    (array_folder / "labels_Age.npy").unlink()
    with pytest.raises(MissingInputError):
        load_arrays(array_folder)
