import nibabel as nib
import numpy as np
import pytest

from bids_brainage.errors import InputError, MissingInputError, UsageError
from bids_brainage.models.resunet_compact import CompactConfig, CompactResUNet
from bids_brainage.models.store import save_model
from bids_brainage.preprocessing.regions import region_tissues
from bids_brainage.training.segmentation.card import bare_card
from bids_brainage.training.segmentation.recipe import SegmentationRecipe
from bids_brainage.training.segmentation.score import read, score_images


@pytest.fixture
def model(tmp_path):
    network = CompactResUNet(CompactConfig(region_tissues(), (4, 6)))
    save_model(network, bare_card("tiny", network, SegmentationRecipe()), tmp_path / "tiny")
    return str(tmp_path / "tiny")


def head(datasets, name="a"):
    folder = datasets / "heads" / f"sub-{name}" / "anat"
    labels = datasets / "heads" / "derivatives" / "labels" / f"sub-{name}" / "anat"
    return folder / f"sub-{name}_T1w.nii.gz", labels / f"sub-{name}_desc-muse_dseg.nii.gz"


def test_images_are_segmented_and_scored(datasets, model, tmp_path):
    image, labels = head(datasets)
    rows = score_images([image], [labels], tmp_path / "out", model, "cpu")
    assert rows[0]["image"] == image.name and 0 <= rows[0]["brain_dice"] <= 1
    written = nib.load(tmp_path / "out" / "sub-a_dseg.nii.gz")
    assert written.shape == nib.as_closest_canonical(nib.load(image)).shape
    assert (tmp_path / "out" / "scores.tsv").is_file()
    assert (tmp_path / "out" / "sub-a_desc-regions_dseg.nii.gz").is_file()


def test_labels_must_match_the_images(datasets, model, tmp_path):
    image, labels = head(datasets)
    with pytest.raises(UsageError, match="2 label images for 1 images"):
        score_images([image], [labels, labels], tmp_path, model, "cpu")
    small = tmp_path / "small.nii.gz"
    nib.save(nib.Nifti1Image(np.zeros((3, 3, 3), np.uint8), np.eye(4)), small)
    with pytest.raises(InputError, match="labels of"):
        score_images([image], [small], tmp_path, model, "cpu")


def test_unusable_images_are_told(tmp_path):
    with pytest.raises(MissingInputError):
        read(tmp_path / "none.nii.gz")
    broken = tmp_path / "broken.nii.gz"
    broken.write_bytes(b"not an image")
    with pytest.raises(InputError, match="unreadable"):
        read(broken)
    series = tmp_path / "series.nii.gz"
    nib.save(nib.Nifti1Image(np.zeros((3, 3, 3, 2), np.float32), np.eye(4)), series)
    with pytest.raises(InputError, match="4 axes"):
        read(series)
