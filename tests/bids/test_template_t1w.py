"""T1w in template space of a derivative, for models of images."""

import pytest

from bids_brainage.bids.dataset import open_dataset
from bids_brainage.bids.filters import parse_filters
from bids_brainage.bids.inputs import find_inputs
from bids_brainage.bids.preferences import InputSelection
from bids_brainage.records.session import SessionKey

KEY = SessionKey("01")
SIX, NINE = "space-MNI152NLin6Asym", "space-MNI152NLin2009cAsym"


def put(tree, stem, *spaces, root="derivatives/fmriprep", mask=True):
    names = []
    for space in spaces:
        folder = f"{root}/{stem.replace('_', '/')}/anat"
        tree.put(f"{folder}/{stem}_{space}_desc-preproc_T1w.nii.gz")
        if mask:
            tree.put(f"{folder}/{stem}_{space}_desc-brain_mask.nii.gz")
        names.append(f"{stem}_{space}_desc-preproc_T1w.nii.gz")
    return names


def find(tree, key=KEY, **selection):
    return find_inputs(open_dataset(tree.root), key, InputSelection(**selection))


@pytest.mark.parametrize(
    ("spaces", "wanted"),
    [
        ((NINE, SIX), SIX),
        ((NINE, "space-MNI152Lin"), NINE),
        ((f"{SIX}_res-2", SIX), SIX),
        ((f"{SIX}_res-2", f"{SIX}_res-1"), f"{SIX}_res-1"),
        ((f"{SIX}_res-2", NINE), f"{SIX}_res-2"),
        (("space-MNIPediatricAsym_cohort-1", NINE), NINE),
    ],
)
def test_finest_image_of_the_best_space_is_chosen(tree, spaces, wanted):
    put(tree, "sub-01", *spaces)
    found = find(tree)
    assert found.usable
    assert found.template_t1w.path.name == f"sub-01_{wanted}_desc-preproc_T1w.nii.gz"
    assert found.template_t1w.mask.name == f"sub-01_{wanted}_desc-brain_mask.nii.gz"
    assert found.template_t1w.space == wanted.split("_")[0].removeprefix("space-")


def test_another_space_than_the_atlas_is_noted(tree):
    put(tree, "sub-01", NINE)
    assert any("is not MNI152NLin6Asym; they differ" in note for note in find(tree).notes)


def test_image_without_mask_or_content_is_passed_over(tree):
    put(tree, "sub-01", SIX, mask=False)
    put(tree, "sub-01", NINE)
    (broken,) = put(tree, "sub-02", SIX)
    tree.put(f"derivatives/fmriprep/sub-02/anat/{broken}", b"")
    found = find(tree)
    assert found.template_t1w.space == "MNI152NLin2009cAsym"
    assert any("has no brain mask; left out" in note for note in found.notes)
    second = find(tree, SessionKey("02"))
    assert second.template_t1w is None and not second.usable
    assert any("is empty (0 bytes); left out" in note for note in second.notes)


def test_image_outside_the_sessions_counts_for_each(tree):
    tree.fmriprep("sub-01_ses-a", "task-rest_desc-confounds_timeseries.tsv")
    put(tree, "sub-01", SIX)
    put(tree, "sub-02_ses-b", SIX)
    put(tree, "sub-02", NINE)
    first = find(tree, SessionKey("01", "a"))
    assert any("outside the sessions" in note for note in first.notes)
    assert first.template_t1w is not None
    assert find(tree, SessionKey("02", "b")).template_t1w.space == "MNI152NLin6Asym"


@pytest.mark.parametrize("named", [True, False])
def test_smriprep_is_recognised_by_description_or_name(tree, named):
    root = "derivatives/smriprep" if named else "derivatives/other"
    if not named:
        made = [{"Name": "sMRIPrep", "Version": "0.15.0"}]
        tree.describe(f"{root}/", DatasetType="derivative", GeneratedBy=made)
    put(tree, "sub-01", SIX, root=root)
    assert find(tree).template_t1w is not None


def test_native_images_and_filtered_ones_do_not_count(tree):
    folder = "derivatives/fmriprep/sub-01/anat"
    tree.put(f"{folder}/sub-01_desc-preproc_T1w.nii.gz")
    tree.put(f"{folder}/sub-01_desc-brain_mask.nii.gz")
    assert find(tree).template_t1w is None
    put(tree, "sub-01", f"acq-fast_{SIX}")
    filters = parse_filters({"t1w": {"acquisition": "slow"}})
    assert find(tree).template_t1w is not None
    assert find(tree, filters=filters).template_t1w is None
