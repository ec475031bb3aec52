import numpy as np
import pytest

from bids_brainage.errors import DatasetError
from bids_brainage.preprocessing.regions import region_table, region_tissues, regions_of_codes
from bids_brainage.training.segmentation import data
from bids_brainage.training.segmentation.card import describe_samples
from bids_brainage.training.segmentation.carry import brain_box, carry_labels, prior_maps, refine
from tests.training.segmentation.conftest import toy_codes, toy_image


@pytest.fixture
def quick_labels(monkeypatch):
    """Labels of the donor as they are, in the place of registration and Atropos."""
    calls = []

    def carry(image, donor, donor_regions):
        calls.append(1)
        codes = toy_codes(1)[brain_box(toy_codes(1))]
        return np.where(image > 0, regions_of_codes(codes), 0)

    monkeypatch.setattr(data, "carry_labels", carry)
    monkeypatch.setattr(
        data, "ants_tissues", lambda image, carried: np.asarray(region_tissues(), np.int8)[carried]
    )
    return calls


def test_labelled_heads_are_read_in_ras(datasets):
    head = data.load_heads(datasets, ["heads"], datasets / "labels")[0]
    assert (head.name, head.whole, head.donor) == ("sub-a", True, "")
    assert np.array_equal(head.regions, regions_of_codes(toy_codes()))
    assert set(np.unique(head.tissue)) == {0, 1, 2, 3}
    assert not head.surroundings[head.regions > 0].any() and head.surroundings.max() == 5


def test_other_brains_get_labels_once(datasets, tmp_path, quick_labels):
    for _ in range(2):
        heads = data.load_heads(datasets, data.find_datasets(datasets), tmp_path / "labels")
    brain = next(h for h in heads if h.name == "sub-c")
    assert (brain.whole, brain.donor) == (False, "sub-a")
    assert brain.regions[16, 16, 16] > 0 and not brain.regions[brain.image == 0].any()
    assert len(quick_labels) == 1


def test_without_labelled_heads_there_is_nothing_to_learn(datasets, tmp_path):
    with pytest.raises(DatasetError, match="no T1w with a label image"):
        data.load_heads(datasets, ["brains"], tmp_path)
    with pytest.raises(DatasetError, match="no dataset with a T1w"):
        data.find_datasets(tmp_path / "nowhere")


def test_samples_are_described(datasets):
    heads = data.load_heads(datasets, ["heads"], datasets / "labels")
    sample = describe_samples(datasets, heads)[0]
    assert (sample.n, sample.n_female, sample.n_male, sample.licence) == (2, 1, 1, "CC0")
    assert (sample.age_min, sample.age_max) == (20, 40)


def test_registration_carries_labels():
    donor, target = toy_codes(), toy_codes(3)
    image = toy_image(target, skull=False)
    carried = carry_labels(image, toy_image(donor, skull=True), regions_of_codes(donor))
    wanted = regions_of_codes(target)
    white = wanted == regions_of_codes(np.array([82]))[0]
    found = carried == regions_of_codes(np.array([82]))[0]
    assert 2 * (white & found).sum() / (white.sum() + found.sum()) > 0.9


def test_regions_follow_the_tissue_but_deep_structures_keep_theirs():
    numbers = {region.name: region.number for region in region_table()}
    insula, white, putamen = (numbers[n] for n in ("Left-Insula", "Left-FrontalWM", "Left-Putamen"))
    carried = np.array([[[insula, insula, white, white, putamen, putamen]]])
    tissue = np.array([[[1, 2, 2, 1, 2, 0]]], np.int8)
    assert refine(carried, tissue).tolist() == [[[insula, white, white, putamen, putamen, 0]]]


def test_priors_sum_to_one_in_the_brain():
    regions = regions_of_codes(toy_codes())
    total = np.sum(prior_maps(regions, regions > 0), axis=0)
    assert np.allclose(total[regions > 0], 1, atol=1e-5) and not total[regions == 0].any()


def test_the_box_has_a_margin_within_the_image():
    image = np.zeros((20, 20, 20))
    image[1:4, 8:10, 17:20] = 1
    assert brain_box(image) == (slice(0, 7), slice(5, 13), slice(14, 23))
