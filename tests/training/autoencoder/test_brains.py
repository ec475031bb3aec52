from dataclasses import replace

import numpy as np
import pytest

from bids_brainage.errors import InputError, UsageError
from bids_brainage.models.image_autoencoder import SHAPE
from bids_brainage.training.aegan import AeganOptions
from bids_brainage.training.autoencoder.brains import load_brains


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


class TestOwnForm:
    @pytest.fixture
    def own(self, brains, tmp_path):
        np.save(tmp_path / "tensors.npy", 700 * brains.block(range(6)))
        np.save(tmp_path / "age.npy", np.array([0, 1, 2, 3, 0, 1]))
        np.save(tmp_path / "sex.npy", np.array([0, 1, 0, 1, 0, 1], np.uint8))
        return AeganOptions(data=(tmp_path,), output=tmp_path / "out", age_codes="appearance")

    def test_array_of_any_scale_is_normalised_volume_by_volume(self, own, brains):
        found = load_brains(own)
        np.testing.assert_allclose(found.block(range(6)), brains.block(range(6)), atol=2e-3)
        assert found.bins.tolist() == ["26-30", "22-25", "31-35", "36+", "26-30", "22-25"]
        assert np.isnan(found.age).all()
        assert found.female.tolist() == [1, 0, 1, 0, 1, 0]

    def test_kept_brains_are_used_again_until_the_array_changes(self, own):
        first = load_brains(own).block(range(6))
        stamp = (own.output / "images" / "volumes.npy").stat().st_mtime_ns
        load_brains(own)
        assert (own.output / "images" / "volumes.npy").stat().st_mtime_ns == stamp
        np.save(own.data[0] / "tensors.npy", first[::-1])
        np.testing.assert_array_equal(load_brains(own).block([0])[0], first[5])

    def test_numbers_of_bins_without_a_coding_are_refused(self, own):
        with pytest.raises(UsageError, match="no coding is named"):
            load_brains(replace(own, age_codes=""))

    def test_ages_in_years_need_no_coding(self, own):
        np.save(own.data[0] / "age.npy", np.linspace(22, 36, 6))
        found = load_brains(replace(own, age_codes=""))
        assert found.age[-1] == 36
        assert not any(found.bins)

    def test_too_few_labels_are_refused(self, own):
        np.save(own.data[0] / "sex.npy", np.array([0, 1]))
        with pytest.raises(InputError, match="2 labels for 6 volumes"):
            load_brains(own)

    def test_volumes_of_another_shape_or_without_background_are_refused(self, own):
        np.save(own.data[0] / "tensors.npy", np.ones((6, *SHAPE), np.float32))
        with pytest.raises(InputError, match="6 volumes are unusable: volume 0: it is not zero"):
            load_brains(own)
        np.save(own.data[0] / "tensors.npy", np.ones((6, 9, 9, 9)))
        with pytest.raises(InputError, match="shape"):
            load_brains(own)

    def test_array_beside_other_data_is_refused(self, own, source):
        with pytest.raises(UsageError, match="beside other data"):
            load_brains(replace(own, data=(*own.data, source[0])))
        with pytest.raises(UsageError, match=r"a table with tensors.npy"):
            load_brains(replace(own, table=source[1]))

    def test_volumes_without_a_brain_are_named(self, own, brains):
        volumes = brains.block(range(6))
        volumes[2], volumes[4] = 0, -volumes[4]
        np.save(own.data[0] / "tensors.npy", volumes)
        with pytest.raises(InputError, match="2 volumes are unusable: volume 2: no voxel is above"):
            load_brains(own)
