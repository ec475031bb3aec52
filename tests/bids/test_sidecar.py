import nibabel as nib
import numpy as np
import pytest

from bids_brainage.bids.entities import name_file
from bids_brainage.bids.sidecar import repetition_time

DERIVED = "derivatives/prep/sub-01/ses-1/func/sub-01_ses-1_task-rest_run-1"
IMAGE = f"{DERIVED}_space-MNI152NLin6Asym_desc-preproc_bold.nii.gz"
RAW = "sub-01/ses-1/func/sub-01_ses-1_task-rest_run-01_bold"


def read(tree, raw=False):
    top = tree.root / "derivatives" / "prep"
    image = name_file(top, tree.put(IMAGE))
    files = [name_file(tree.root, tree.put(f"{RAW}.nii.gz"))] if raw else []
    notes: list[str] = []
    return repetition_time(image, top, files, tree.root, notes), "\n".join(notes)


def test_own_sidecar_comes_first(tree):
    tree.put(IMAGE.replace(".nii.gz", ".json"), {"RepetitionTime": 2.0})
    tree.put(f"{RAW}.json", {"RepetitionTime": 1.0})
    assert read(tree, raw=True) == (2.0, "")


@pytest.mark.parametrize(
    "name", ["sub-01_task-rest_bold.json", "task-rest_bold.json", "bold.json",
             "sub-01/ses-1/sub-01_ses-1_task-rest_desc-preproc_bold.json"],
)  # fmt: skip
def test_sidecars_are_inherited_up_to_the_root(tree, name):
    tree.put(f"derivatives/prep/{name}", {"RepetitionTime": 2.0})
    assert read(tree)[0] == 2.0


@pytest.mark.parametrize("name", ["task-nback_bold.json", "task-rest_run-2_bold.json", "mask.json"])
def test_sidecars_of_other_files_are_not_inherited(tree, name):
    tree.put(f"derivatives/prep/{name}", {"RepetitionTime": 9.0})
    assert "header" in read(tree)[1]


def test_nearer_sidecars_win(tree):
    tree.put("derivatives/prep/task-rest_bold.json", {"RepetitionTime": 3.0})
    tree.put("derivatives/prep/sub-01/sub-01_task-rest_bold.json", {"RepetitionTime": 2.0})
    assert read(tree)[0] == 2.0


def test_raw_sidecar_is_used_where_the_derivative_has_none(tree):
    tree.put("task-rest_bold.json", {"RepetitionTime": 2.0})
    seconds, notes = read(tree, raw=True)
    assert seconds == 2.0 and "raw run's sidecar task-rest_bold.json" in notes


def test_header_is_the_last_resort_and_noted(tree):
    seconds, notes = read(tree)
    assert seconds == 2.0 and "header" in notes


def test_broken_sidecars_are_passed_over_with_a_note(tree):
    tree.put(IMAGE.replace(".nii.gz", ".json"), "{ broken")
    tree.put(
        "derivatives/prep/task-rest_bold.json",
        '{"RepetitionTime": 2.0, "x": "é"}'.encode("latin-1"),
    )
    seconds, notes = read(tree)
    assert seconds == 2.0 and "is not JSON" in notes


def test_disagreement_with_the_header_is_noted(tree):
    tree.put(IMAGE.replace(".nii.gz", ".json"), {"RepetitionTime": 0.8})
    seconds, notes = read(tree)
    assert seconds == 0.8 and "header says 2 s" in notes


@pytest.mark.parametrize(
    ("written", "seconds"), [(2000, 2.0), ("2.0", 2.0), ([2.0], 2.0), (-1, 2.0), ("x", 2.0),
                             (None, 2.0), (float("nan"), 2.0), (0, 2.0),
                             (True, 2.0), (10**400, 2.0), (0.001, 2.0)],
)  # fmt: skip
def test_strange_repetition_times_are_read_or_passed_over(tree, written, seconds):
    tree.put(IMAGE.replace(".nii.gz", ".json"), {"RepetitionTime": written})
    assert read(tree)[0] == seconds


@pytest.mark.parametrize(("content", "said"), [(b"not an image", "cannot be read")])
def test_unreadable_image_has_no_repetition_time(tree, content, said):
    image = name_file(tree.root, tree.put("sub-01/func/sub-01_task-rest_bold.nii.gz", content))
    notes: list[str] = []
    assert repetition_time(image, tree.root, [], None, notes) is None
    assert said in notes[0] and "unknown" in notes[-1]


def test_three_dimensional_image_is_noted(tree):
    path = tree.put("sub-01/func/sub-01_task-rest_bold.nii.gz")
    nib.save(nib.Nifti1Image(np.zeros((2, 2, 2), dtype=np.int16), np.eye(4)), path)
    notes: list[str] = []
    assert repetition_time(name_file(tree.root, path), tree.root, [], None, notes) is None
    assert "3 dimensions" in notes[0]
