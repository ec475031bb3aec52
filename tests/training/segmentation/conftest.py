import json

import nibabel as nib
import numpy as np
import pytest

from bids_brainage.preprocessing import tissue_network
from bids_brainage.training.segmentation.data import Head
from bids_brainage.training.segmentation.recipe import SegmentationRecipe

LEFT_HIPPOCAMPUS, RIGHT_HIPPOCAMPUS, LEFT_FRONTAL_WM, EXTERNAL_CSF = 48, 47, 82, 1


def toy_codes(shift: int = 0) -> np.ndarray:
    """A ball of white matter in grey halves (left, right) in CSF, as MUSE codes in RAS+."""
    axes = [np.arange(n) - (n - 1) / 2 for n in (32, 32, 32)]
    x, y, z = np.meshgrid(*axes, indexing="ij")
    far = np.sqrt(x**2 + (y - shift) ** 2 + z**2)
    codes = np.zeros(far.shape, np.int16)
    codes[far < 13] = EXTERNAL_CSF
    codes[(far < 11) & (x < 0)] = LEFT_HIPPOCAMPUS
    codes[(far < 11) & (x >= 0)] = RIGHT_HIPPOCAMPUS
    codes[far < 7] = LEFT_FRONTAL_WM
    return codes


def toy_image(codes: np.ndarray, *, skull: bool) -> np.ndarray:
    values = {0: 3, EXTERNAL_CSF: 25, LEFT_HIPPOCAMPUS: 60, RIGHT_HIPPOCAMPUS: 60,
              LEFT_FRONTAL_WM: 100}  # fmt: skip
    image = np.zeros(codes.shape, np.float32)
    for code, value in values.items():
        image[codes == code] = value
    image += np.random.default_rng(0).normal(0, 2, codes.shape).astype(np.float32)
    if skull:
        image[:, :, :3] = 90 + image[:, :, :3] / 5
        return np.abs(image)
    return np.where(codes > 0, np.abs(image) + 1, 0)


@pytest.fixture(autouse=True)
def small_close_up(monkeypatch):
    """A box for toy heads; that for real ones would make every test slow."""
    monkeypatch.setattr(tissue_network, "CLOSE_UP", (16, 16, 16))


@pytest.fixture
def recipe():
    return SegmentationRecipe(
        steps=6, warm_up=2, widths=(4, 6), small_patch=(16, 16, 16), patch=(24, 24, 24),
        wide_patch=(32, 32, 32), region_voxels=500,
    )  # fmt: skip


@pytest.fixture
def heads():
    from bids_brainage.preprocessing.regions import regions_of_codes
    from bids_brainage.training.segmentation.data import surrounding_classes

    made = []
    for name, shift in (("sub-a", 0), ("sub-b", 2)):
        codes = toy_codes(shift)
        image, regions = toy_image(codes, skull=True), regions_of_codes(codes)
        around = surrounding_classes(image, regions > 0)
        made.append(Head(name, "heads", image, regions, around))
    bare = toy_image(toy_codes(1), skull=False)
    regions = regions_of_codes(toy_codes(1))
    made.append(Head("sub-c", "brains", bare, regions, np.zeros_like(regions), False, "sub-a"))
    return made


@pytest.fixture
def datasets(tmp_path):
    """Two datasets: heads with labels, in PSR order, and a skull-stripped brain without."""
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    for name, shift, skull in (("a", 0, True), ("b", 2, True), ("c", 1, False)):
        root = tmp_path / "data" / ("heads" if skull else "brains")
        codes = toy_codes(shift)
        anat = root / f"sub-{name}" / "anat"
        anat.mkdir(parents=True)
        turned = nib.Nifti1Image(toy_image(codes, skull=skull), affine)
        turned = turned.as_reoriented([[2, 1], [0, -1], [1, 1]])
        nib.save(turned, anat / f"sub-{name}_T1w.nii.gz")
        if skull:
            folder = root / "derivatives" / "labels" / f"sub-{name}" / "anat"
            folder.mkdir(parents=True)
            labels = nib.Nifti1Image(codes.astype(np.uint8), affine)
            labels = labels.as_reoriented([[2, 1], [0, -1], [1, 1]])
            nib.save(labels, folder / f"sub-{name}_desc-muse_dseg.nii.gz")
        description = {"Name": root.name, "BIDSVersion": "1.10.0", "License": "CC0"}
        (root / "dataset_description.json").write_text(json.dumps(description))
        (root / "participants.tsv").write_text(
            "participant_id\tage\tsex\nsub-a\t20\tF\nsub-b\t40\tM\nsub-c\tn/a\tF\n"
        )
    return tmp_path / "data"
