import json
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest

from bids_brainage.bids.outputs import read_tsv
from bids_brainage.errors import OutputError
from bids_brainage.preprocessing.anatomical.fields import grid_points, jacobian, make_field
from bids_brainage.preprocessing.anatomical.outputs import write_anatomical
from bids_brainage.preprocessing.image_files import scaled_image, write_nifti
from bids_brainage.records.raw import AnatomicalResult, RawT1w

SOURCES = ["bids:raw:sub-1/anat/sub-1_T1w.nii.gz"]
SPACE = "space-MNI152NLin6Asym_res-2"
IMAGES = [
    "desc-preproc_T1w",
    "desc-brain_mask",
    "dseg",
    "desc-regions_dseg",
    *(f"label-{tissue}_probseg" for tissue in ("GM", "WM", "CSF")),
    "space-MNI152NLin6Asym_res-1_desc-linear_T1w",
    f"{SPACE}_desc-preproc_T1w",
    f"{SPACE}_desc-brain_mask",
    f"{SPACE}_dseg",
    *(f"{SPACE}_label-{tissue}_probseg" for tissue in ("GM", "WM", "CSF")),
    "from-T1w_to-MNI152NLin6Asym_mode-image_xfm",
    "from-MNI152NLin6Asym_to-T1w_mode-image_xfm",
]


@pytest.fixture
def result(head, template):
    found = head.segment()
    field = make_field(grid_points(template.brain.shape, template.affine), template.affine)
    return AnatomicalResult(
        source=RawT1w("sub-1_T1w.nii.gz"),
        skull_stripped=False,
        preproc=head.image,
        segmentation=found,
        space="MNI152NLin6Asym",
        mni=nib.Nifti1Image(template.brain, template.affine),
        mni_segmentation=np.stack([~template.mask, template.mask, *[template.mask * 0] * 2]).astype(
            np.float32
        ),
        jacobian=jacobian(field),
        to_mni=field,
        from_mni=field,
        template="a template",
        details={"BiasField": {"WhiteMatterMedian": 600.0}},
        notes=("a note",),
        affine=np.eye(4),
    )


def test_all_files_are_named_by_bids_and_have_sidecars(result, tmp_path):
    paths = write_anatomical(result, tmp_path, "sub-1_ses-2", SOURCES)
    expected = {f"sub-1_ses-2_{name}.{end}" for name in IMAGES for end in ("nii.gz", "json")}
    expected |= {"sub-1_ses-2_dseg.tsv", "sub-1_ses-2_desc-regions_dseg.tsv"}
    assert {path.name for path in paths} == expected
    assert {path.name for path in tmp_path.iterdir()} == expected
    for path in tmp_path.glob("*.json"):
        sidecar = json.loads(path.read_text())
        assert sidecar["Sources"] == SOURCES
        assert ("Resolution" in sidecar) == ("_res-" in path.name)
    sidecar = json.loads((tmp_path / "sub-1_ses-2_desc-preproc_T1w.json").read_text())
    assert sidecar["SkullStripped"] is False
    assert sidecar["BiasField"]["WhiteMatterMedian"] == 600


def test_values_survive_in_small_types(result, tmp_path, template):
    write_anatomical(result, tmp_path, "sub-1", SOURCES)

    def read(name):
        return nib.load(tmp_path / f"sub-1_{name}.nii.gz")

    t1w = read("desc-preproc_T1w")
    assert t1w.get_data_dtype() == np.int16
    np.testing.assert_allclose(t1w.get_fdata(), result.preproc.get_fdata(), atol=0.31)
    gm = read("label-GM_probseg")
    assert gm.get_data_dtype() == np.uint8
    np.testing.assert_allclose(gm.get_fdata(), result.segmentation.probabilities[1], atol=2e-3)
    assert read("dseg").get_data_dtype() == np.uint8
    np.testing.assert_array_equal(read("dseg").get_fdata(), result.segmentation.tissue)
    standard = read(f"{SPACE}_desc-brain_mask")
    assert standard.header["sform_code"] == 4
    assert standard.get_fdata().sum() == pytest.approx(template.mask.sum(), rel=0.02)
    field = read("from-T1w_to-MNI152NLin6Asym_mode-image_xfm")
    assert field.header.get_intent()[0] == "vector"


def test_lookup_tables_name_every_label(result, tmp_path):
    write_anatomical(result, tmp_path, "sub-1", SOURCES)
    rows = read_tsv(tmp_path / "sub-1_dseg.tsv")
    assert [row["abbreviation"] for row in rows] == ["BG", "GM", "WM", "CSF"]
    regions = read_tsv(tmp_path / "sub-1_desc-regions_dseg.tsv")
    assert [int(row["index"]) for row in regions] == list(range(1, len(regions) + 1))


def test_the_same_image_gives_the_same_bytes(head, tmp_path):
    first, second = (write_nifti(tmp_path / f"{n}.nii.gz", head.image) for n in "ab")
    assert first.read_bytes() == second.read_bytes()


def test_steps_grow_where_integers_do_not_reach():
    data = np.array([0, 1, 100.0]).reshape(3, 1, 1)
    image = scaled_image(data, np.eye(4), 0.1, np.uint8)
    assert image.header["scl_slope"] == pytest.approx(100 / 255)


def test_an_unwritable_folder_is_told(head, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot write"):
        write_nifti(tmp_path / "file" / "x.nii.gz", head.image)


def test_linear_image_is_the_brain_where_the_affine_puts_it(result, tmp_path):
    shift = np.eye(4)
    shift[0, 3] = 10.0  # from the template's world to that of the T1w
    write_anatomical(replace(result, affine=shift), tmp_path, "sub-1", SOURCES)
    linear = nib.load(tmp_path / "sub-1_space-MNI152NLin6Asym_res-1_desc-linear_T1w.nii.gz")
    assert linear.shape == (182, 218, 182)
    points = np.argwhere(result.segmentation.brain)
    native = nib.affines.apply_affine(result.preproc.affine, points).mean(axis=0)
    moved = nib.affines.apply_affine(linear.affine, np.argwhere(linear.get_fdata() > 0))
    np.testing.assert_allclose(moved.mean(axis=0), native - [10, 0, 0], atol=1.0)
