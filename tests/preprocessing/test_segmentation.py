import nibabel as nib
import numpy as np
import pytest

from bids_brainage.errors import InputError
from bids_brainage.preprocessing.regions import region_table, region_tissues
from bids_brainage.preprocessing.segmentation import segment
from bids_brainage.training.segmentation.losses import dice


@pytest.fixture(scope="module")
def template():
    from nilearn.datasets import load_mni152_brain_mask, load_mni152_template

    image = nib.as_closest_canonical(load_mni152_template(resolution=2))
    mask = nib.as_closest_canonical(load_mni152_brain_mask(resolution=2))
    return image, np.asarray(mask.dataobj) > 0


@pytest.fixture(scope="module")
def found(template):
    return segment(template[0])


def test_a_template_brain_is_found(found, template):
    assert dice(found.brain, template[1]) > 0.9
    assert found.tissue.shape == template[0].shape and np.array_equal(
        found.affine, template[0].affine
    )


def test_masks_tissues_and_regions_agree(found):
    assert np.array_equal(found.brain, found.tissue > 0)
    assert np.array_equal(np.asarray(region_tissues())[found.regions], found.tissue)
    assert np.allclose(found.probabilities.sum(axis=0), 1, atol=1e-4)
    assert found.probabilities.dtype == np.float32


def test_a_template_has_plausible_tissues_and_all_regions(found):
    grey, white, fluid = (float((found.tissue == k).sum()) * 8 / 1000 for k in (1, 2, 3))
    assert 600 < grey < 1200 and 400 < white < 900 and 40 < fluid < 500
    assert set(np.unique(found.regions)) == set(range(len(region_table()) + 1))


def test_left_is_left(found):
    numbers = {region.name: region.number for region in region_table()}
    for name in ("Putamen", "FrontalWM", "CerebellumGM", "LateralVentricle"):
        for side, sign in (("Left", -1), ("Right", 1)):
            voxels = np.argwhere(found.regions == numbers[f"{side}-{name}"])
            assert sign * nib.affines.apply_affine(found.affine, voxels).mean(axis=0)[0] > 0


def test_larger_voxels_give_the_same_volumes(found, template):
    from nilearn.image import resample_img

    small = resample_img(template[0], np.diag([3.0, 3.0, 4.0]), copy_header=True)
    coarse = segment(nib.as_closest_canonical(small))
    volume = float(coarse.brain.sum()) * 36
    assert volume == pytest.approx(float(found.brain.sum()) * 8, rel=0.08)


@pytest.mark.parametrize("kind", ["noise", "uniform", "empty", "not a number"])
def test_images_without_brain_do_not_fail(kind):
    data = np.random.default_rng(0).random((24, 24, 24), np.float32)
    data = {"noise": data, "uniform": data * 0 + 7, "empty": data * 0,
            "not a number": data * np.nan}[kind]  # fmt: skip
    result = segment(nib.Nifti1Image(data, np.diag([4.0, 4.0, 4.0, 1.0])))
    assert result.brain.shape == data.shape
    assert np.isfinite(result.probabilities).all()


def test_a_series_is_refused():
    with pytest.raises(InputError, match="4 axes"):
        segment(nib.Nifti1Image(np.zeros((4, 4, 4, 2), np.float32), np.eye(4)))


def test_labelled_heads_are_segmented_well(shared):
    from bids_brainage.preprocessing.regions import regions_of_codes

    root = shared / "bids" / "ixi-2mm"
    image = nib.as_closest_canonical(nib.load(next(root.glob("sub-IXI049/anat/*_T1w.nii.gz"))))
    labels = next(root.glob("derivatives/dlmuse/sub-IXI049/anat/*_dseg.nii.gz"))
    truth = np.asarray(nib.as_closest_canonical(nib.load(labels)).dataobj)
    head = segment(nib.Nifti1Image(image.get_fdata(dtype=np.float32), image.affine))
    # This head was trained on; the scores of heads that were not are in docs/resunet.md.
    assert dice(head.brain, truth > 0) > 0.97
    tissue = np.asarray(region_tissues())[regions_of_codes(truth)]
    assert dice(head.tissue == 1, tissue == 1) > 0.87
