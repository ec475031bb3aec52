import json

import nibabel as nib
import numpy as np
import pytest

from bids_brainage.errors import InputError
from bids_brainage.preprocessing.regions import region_table
from bids_brainage.records.segmentation import Segmentation
from bids_brainage.training.volumes import agreement, images
from bids_brainage.training.volumes.sources import left_out_measures
from bids_brainage.training.volumes.table import IMAGES, join

AFFINE = np.diag([2.0, 2.0, 2.0, 1.0])


def labels():
    """One block of voxels per region."""
    numbers = np.zeros((60, 12, 12), np.int16)
    for region in region_table():
        numbers[region.number + 2, 2:10, 2:10] = region.number
    return numbers


def segment(image):
    regions = labels()
    tissue_of = np.array([0, *({"GM": 1, "WM": 2, "CSF": 3}[r.tissue] for r in region_table())])
    tissue = tissue_of[regions]
    probabilities = np.stack([tissue == k for k in range(4)]).astype(np.float32)
    return Segmentation(tissue.astype(np.int8), probabilities, tissue > 0, regions, image.affine)


@pytest.fixture
def dataset(tmp_path, monkeypatch):
    root = tmp_path / "heads"
    for name in ("a", "b", "c"):
        folder = root / f"sub-{name}" / "anat"
        folder.mkdir(parents=True)
        zoom = 2.0 if name != "c" else 4.0
        image = nib.Nifti1Image(np.ones((60, 12, 12), np.float32), np.diag([zoom] * 3 + [1]))
        nib.save(image, folder / f"sub-{name}_T1w.nii.gz")
    (root / "dataset_description.json").write_text(
        json.dumps({"Name": "heads", "BIDSVersion": "1.10.0"})
    )
    (root / "participants.tsv").write_text(
        "participant_id\tage\tsex\nsub-a\t30\tF\nsub-b\tn/a\tM\nsub-c\t40\tM\n"
    )
    made = []

    def measure(path, segmenter, threads=1):
        made.append(path.name)
        return images.tissue_volumes(segmenter(nib.load(path)))

    monkeypatch.setattr(images, "measure_t1w", measure)
    return root, made


def test_people_of_known_age_are_measured_once(dataset, tmp_path):
    root, made = dataset
    store = tmp_path / "kept.tsv"
    for _ in range(2):
        table = images.measure_dataset(root, segment, store)
        assert table.participants.tolist() == ["sub-a"]
        assert table.methods.tolist() == [IMAGES]
        assert table.measures[0, table.names.index("Left-Amygdala")] == pytest.approx(512)
    assert made == ["sub-a_T1w.nii.gz"]


def test_a_replaced_image_is_measured_again(dataset, tmp_path):
    root, made = dataset
    store = tmp_path / "kept.tsv"
    images.measure_dataset(root, segment, store)
    path = root / "sub-a" / "anat" / "sub-a_T1w.nii.gz"
    nib.save(nib.Nifti1Image(np.zeros((60, 12, 13), np.float32), AFFINE), path)
    images.measure_dataset(root, segment, store)
    assert len(made) == 2


def test_a_broken_image_is_left_out(dataset, monkeypatch):
    def fail(path, segmenter, threads=1):
        raise InputError("empty", place=path)

    monkeypatch.setattr(images, "measure_t1w", fail)
    assert images.measure_dataset(dataset[0], segment) is None


def test_datasets_are_found_in_a_folder_of_datasets(dataset):
    root, _ = dataset
    assert images.find_datasets(root) == [root]
    assert images.find_datasets(root.parent) == [root]


def test_agreement_compares_the_same_people(dataset):
    root, _ = dataset
    table = images.measure_dataset(root, segment)
    codes = np.zeros(len(region_table()) + 1, np.int16)
    for region in region_table():
        codes[region.number] = region.muse_codes[0]
    folder = root / "derivatives" / "muse" / "sub-a" / "anat"
    folder.mkdir(parents=True)
    half = np.diag([1.0, 2.0, 2.0, 1.0])
    nib.save(nib.Nifti1Image(codes[labels()], half), folder / "sub-a_desc-x_dseg.nii.gz")
    twins = agreement.labelled_twins(table, root)
    rows = agreement.agreement(table, twins)
    ratios = {row["measure"]: row["median_ratio"] for row in rows}
    assert ratios["Left-Amygdala"] == pytest.approx(2)
    assert ratios["GM"] == pytest.approx(2)
    joined = join([table, twins], root)
    moved = agreement.aligned(joined, rows)
    assert moved.measures[1] == pytest.approx(table.measures[0])


def test_heads_are_measured_by_the_network_that_had_not_seen_them(dataset, tmp_path, monkeypatch):
    root, _ = dataset
    place = tmp_path / "folds" / "fold-sub-a" / "model"
    place.mkdir(parents=True)
    (place / "card.json").write_text("{}")
    asked = []

    def cut(image, *, model, device):
        asked.append(model)
        return segment(image)

    monkeypatch.setattr("bids_brainage.preprocessing.segmentation.segment", cut)
    found = left_out_measures(root, tmp_path / "folds")
    assert asked == [str(place)]
    table = images.measure_dataset(root, segment)
    rows = agreement.agreement(table, table, {"sub-a": found["sub-a"] | {"GM": 1.0}})
    ratios = {row["measure"]: row["median_ratio"] for row in rows}
    assert ratios["GM"] < 0.01
    assert ratios["WM"] == 1
