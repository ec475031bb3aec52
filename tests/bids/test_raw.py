"""Raw images to be preprocessed: only where there is no derivative, and chosen for a reason."""

import gzip

import nibabel as nib
import numpy as np
import pytest

from bids_brainage.bids.dataset import open_dataset
from bids_brainage.bids.filters import parse_filters
from bids_brainage.bids.inputs import find_inputs
from bids_brainage.bids.preferences import InputSelection
from bids_brainage.records.session import SessionKey

KEY = SessionKey("01")


def find(tree, key=KEY, **selection):
    return find_inputs(open_dataset(tree.root), key, InputSelection(**selection))


def notes_of(inputs):
    return "\n".join(inputs.notes)


def test_raw_images_alone_are_preprocessed(tree):
    tree.raw("sub-01", "T1w.nii.gz", "task-rest_bold.nii.gz", "task-rest_part-phase_bold.nii.gz")
    inputs = find(tree)
    assert inputs.usable
    assert inputs.t1w.path.name == "sub-01_T1w.nii.gz"
    assert inputs.t1w.skull_stripped is None
    assert [run.label for run in inputs.raw_runs] == ["task-rest"]
    assert inputs.raw_runs[0].repetition_time == 2.0  # of the header
    assert "to be preprocessed" in notes_of(inputs)


def test_derivatives_make_raw_images_needless(tree):
    tree.raw("sub-01", "T1w.nii.gz", "task-rest_bold.nii.gz")
    tree.fmriprep("sub-01", "task-rest_space-MNI152NLin6Asym_desc-preproc_bold.nii.gz")
    tree.recon("sub-01")
    inputs = find(tree)
    assert inputs.t1w is None and inputs.raw_runs == () and inputs.runs and inputs.freesurfer


def test_a_t1w_without_recon_is_preprocessed_beside_fmriprep(tree):
    tree.raw("sub-01", "T1w.nii.gz", "task-rest_bold.nii.gz")
    tree.fmriprep("sub-01", "task-rest_space-MNI152NLin6Asym_desc-preproc_bold.nii.gz")
    inputs = find(tree)
    assert inputs.t1w is not None and inputs.raw_runs == () and inputs.runs


def test_raw_bold_beside_a_recon_still_needs_the_t1w(tree):
    tree.raw("sub-01", "T1w.nii.gz", "task-rest_bold.nii.gz")
    tree.recon("sub-01")
    inputs = find(tree)
    assert inputs.t1w is not None and len(inputs.raw_runs) == 1 and inputs.freesurfer


@pytest.mark.parametrize(
    ("present", "chosen"),
    [
        (("run-2_T1w.nii.gz", "run-1_T1w.nii.gz"), "run-1_T1w.nii.gz"),
        (("run-10_T1w.nii.gz", "run-9_T1w.nii.gz"), "run-9_T1w.nii.gz"),
        (("ce-gadolinium_T1w.nii.gz", "run-1_T1w.nii.gz"), "run-1_T1w.nii.gz"),
        (("part-phase_T1w.nii.gz", "rec-norm_T1w.nii.gz"), "rec-norm_T1w.nii.gz"),
    ],
)
def test_one_of_several_t1w_is_chosen_and_recorded(tree, present, chosen):
    tree.raw("sub-01", *present)
    inputs = find(tree)
    assert inputs.t1w.path.name == f"sub-01_{chosen}"
    if len(inputs.raw_t1w) > 1:
        assert f"sub-01_{chosen} is used as T1w" in notes_of(inputs)


def save(tree, name: str, size: float) -> None:
    path = tree.put(name)
    nib.save(nib.Nifti1Image(np.zeros((2, 2, 2), np.int16), np.diag([1, 1, size, 1])), path)


def test_thick_slices_and_broken_images_come_after_others(tree):
    save(tree, "sub-01/anat/sub-01_acq-localizer_T1w.nii.gz", 7.0)
    save(tree, "sub-01/anat/sub-01_acq-mprage_T1w.nii.gz", 1.0)
    tree.put("sub-01/anat/sub-01_acq-broken_T1w.nii.gz", b"not an image")
    assert find(tree).t1w.path.name == "sub-01_acq-mprage_T1w.nii.gz"


def test_the_sessions_own_t1w_comes_before_one_outside_of_sessions(tree):
    tree.raw("sub-01", "T1w.nii.gz")
    tree.raw("sub-01_ses-1", "T1w.nii.gz", "task-rest_bold.nii.gz")
    tree.raw("sub-01_ses-2", "task-rest_bold.nii.gz")
    assert find(tree, SessionKey("01", "1")).t1w.path.name == "sub-01_ses-1_T1w.nii.gz"
    assert find(tree, SessionKey("01", "2")).t1w.path.name == "sub-01_T1w.nii.gz"


def test_a_combined_t1w_comes_before_a_single_echo(tree):
    tree.raw("sub-01", "echo-1_T1w.nii.gz", "echo-2_T1w.nii.gz", "rec-rms_T1w.nii.gz")
    assert find(tree).t1w.path.name == "sub-01_rec-rms_T1w.nii.gz"


def test_a_run_that_is_there_compressed_and_not_is_one_run(tree):
    tree.raw("sub-01", "T1w.nii.gz", "task-rest_bold.nii.gz")
    content = gzip.decompress((tree.root / "sub-01/func/sub-01_task-rest_bold.nii.gz").read_bytes())
    tree.put("sub-01/func/sub-01_task-rest_bold.nii", content)
    inputs = find(tree)
    assert len(inputs.raw_runs) == 1
    assert "is there twice" in notes_of(inputs)


def test_a_session_of_other_images_says_what_they_are(tree):
    for name in ("anat/sub-01_T2w", "anat/sub-01_UNIT1", "anat/sub-01_inv-1_MP2RAGE", "perf/x"):
        tree.put(f"sub-01/{name}.nii.gz")
    tree.put("sub-01/eeg/sub-01_task-rest_eeg.edf")
    inputs = find(tree)
    assert not inputs.usable
    assert "there is anat (MP2RAGE, T2w, UNIT1), eeg, perf" in notes_of(inputs)


def test_empty_images_are_left_out_with_the_reason(tree):
    tree.put("sub-01/anat/sub-01_run-1_T1w.nii.gz", "")
    tree.put("sub-01/anat/sub-01_run-2_T1w.nii.gz")
    tree.put("sub-01/func/sub-01_task-rest_bold.nii.gz", "")
    inputs = find(tree)
    assert inputs.t1w.path.name == "sub-01_run-2_T1w.nii.gz"
    assert inputs.raw_runs == ()
    assert "sub-01_run-1_T1w.nii.gz is empty (0 bytes); left out" in notes_of(inputs)


def test_sidecars_are_merged_nearest_first(tree):
    tree.raw("sub-01", "T1w.nii.gz", "task-rest_bold.nii.gz")
    tree.put("sub-01/anat/sub-01_T1w.json", {"SkullStripped": True})
    tree.put("task-rest_bold.json", {"RepetitionTime": 3.0, "SliceTiming": [0, 1, 2]})
    tree.put("sub-01/func/sub-01_task-rest_bold.json", {"RepetitionTime": 2.5})
    inputs = find(tree)
    assert inputs.t1w.skull_stripped is True
    run = inputs.raw_runs[0]
    assert run.repetition_time == 2.5
    assert run.metadata == {"RepetitionTime": 2.5, "SliceTiming": [0, 1, 2]}


def test_bold_of_a_session_without_t1w_borrows_one(tree):
    tree.raw("sub-01_ses-1", "T1w.nii.gz", "task-rest_bold.nii.gz")
    tree.raw("sub-01_ses-2", "task-rest_bold.nii.gz")
    inputs = find(tree, SessionKey("01", "2"))
    assert inputs.t1w_borrowed and inputs.t1w.path.name == "sub-01_ses-1_T1w.nii.gz"
    assert "registered to sub-01_ses-1_T1w.nii.gz" in notes_of(inputs)
    assert not find(tree, SessionKey("01", "1")).t1w_borrowed


def test_bold_without_any_t1w_is_left_out_with_the_next_step(tree):
    tree.raw("sub-01", "task-rest_bold.nii.gz")
    inputs = find(tree)
    assert not inputs.usable and inputs.raw_runs == ()
    assert "no T1w image of this participant" in inputs.problems[0]


def test_filters_apply_to_borrowed_images_too(tree):
    tree.raw("sub-01_ses-1", "acq-a_T1w.nii.gz", "acq-b_T1w.nii.gz")
    tree.raw("sub-01_ses-2", "task-rest_bold.nii.gz")
    filters = parse_filters({"t1w": {"acquisition": "b"}})
    inputs = find(tree, SessionKey("01", "2"), filters=filters)
    assert inputs.t1w.path.name == "sub-01_ses-1_acq-b_T1w.nii.gz"


def test_derivatives_can_be_ignored(tree):
    tree.raw("sub-01", "T1w.nii.gz", "task-rest_bold.nii.gz")
    tree.fmriprep("sub-01", "task-rest_space-MNI152NLin6Asym_desc-preproc_bold.nii.gz")
    tree.recon("sub-01")
    dataset = open_dataset(tree.root, search=False)
    inputs = find_inputs(dataset, KEY)
    assert inputs.t1w and inputs.raw_runs and not inputs.runs and inputs.freesurfer is None
    named = open_dataset(tree.root, [str(tree.root / "derivatives" / "fmriprep")], search=False)
    assert find_inputs(named, KEY).runs


def test_other_t1w_of_the_session_are_kept_to_stand_in(tree):
    tree.raw("sub-01", "run-2_T1w.nii.gz", "run-1_T1w.nii.gz")
    inputs = find(tree)
    assert [t1w.path.name for t1w in inputs.t1w_choices] == [
        "sub-01_run-1_T1w.nii.gz",
        "sub-01_run-2_T1w.nii.gz",
    ]
