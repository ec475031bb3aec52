"""Peculiar layouts in small: which sessions there are, and what is chosen in each."""

import gzip
import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from bids_brainage.bids.dataset import open_dataset
from bids_brainage.bids.inputs import find_inputs
from bids_brainage.bids.selection import select_sessions

IMAGE = nib.Nifti1Image(np.zeros((2, 2, 2, 3), np.int16), np.eye(4)).to_bytes()
MNI = "space-MNI152NLin6Asym_desc-preproc_bold"
STATS = ("aseg", "lh.aparc.a2009s", "rh.aparc.a2009s")


def make(root: Path, names: str) -> Path:
    """Write files by their names; a name without folders is put where BIDS wants it."""
    (root / "dataset_description.json").parent.mkdir(parents=True, exist_ok=True)
    (root / "dataset_description.json").write_text('{"Name": "t", "BIDSVersion": "1.10.0"}')
    for name in names.split():
        path = root / (name if "/" in name else place(name))
        path.parent.mkdir(parents=True, exist_ok=True)
        content = IMAGE if name.endswith((".nii", ".nii.gz")) else b"x"
        path.write_bytes(gzip.compress(content) if name.endswith(".nii.gz") else content)
    return root


def place(name: str) -> Path:
    labels = [part for part in name.split("_") if part.startswith(("sub-", "ses-"))]
    kind = "func" if name.split("_")[-1].split(".")[0] in ("bold", "sbref") else "anat"
    return Path(*labels, kind, name)


def chosen(root: Path) -> dict[str, str]:
    """What is chosen by session: names without the stem, in the order of the kinds."""
    dataset = open_dataset(root)
    found = {}
    for key in select_sessions(dataset):
        inputs = find_inputs(dataset, key)
        names = [f"recon {inputs.freesurfer.name}"] if inputs.freesurfer else []
        names += [run.bold.name for run in inputs.runs]
        if inputs.t1w:
            names.append(("borrowed " if inputs.t1w_borrowed else "") + inputs.t1w.path.name)
        names += [run.path.name for run in inputs.raw_runs]
        found[key.stem] = " ".join(name.removeprefix(f"{key.stem}_") for name in names)
    return found


CASES = {
    "sessions beside none": (
        "sub-01_T1w.nii.gz sub-02_ses-1_T1w.nii.gz sub-02_ses-2_T1w.nii.gz",
        {"sub-01": "T1w.nii.gz", "sub-02_ses-1": "T1w.nii.gz", "sub-02_ses-2": "T1w.nii.gz"},
    ),
    "BOLD outside of the sessions is a session of its own": (
        "sub-01_T1w.nii.gz sub-01_task-rest_bold.nii.gz sub-01_ses-1_T1w.nii.gz",
        {"sub-01": "T1w.nii.gz task-rest_bold.nii.gz", "sub-01_ses-1": "T1w.nii.gz"},
    ),
    "anatomy and function in different sessions": (
        "sub-01_ses-anat_T1w.nii.gz sub-01_ses-func_task-rest_bold.nii.gz",
        {"sub-01_ses-anat": "T1w.nii.gz",
         "sub-01_ses-func": "borrowed sub-01_ses-anat_T1w.nii.gz task-rest_bold.nii.gz"},
    ),
    "echoes, runs, directions and reconstructions are runs, references and phases are not": (
        "sub-01_T1w.nii.gz sub-01_task-rest_sbref.nii.gz sub-01_task-rest_dir-AP_bold.nii.gz "
        "sub-01_task-rest_dir-PA_bold.nii.gz sub-01_task-rest_run-01_echo-1_part-mag_bold.nii.gz "
        "sub-01_task-rest_run-01_echo-1_part-phase_bold.nii.gz "
        "sub-01_task-rest_rec-moco_bold.nii.gz",
        {"sub-01": "T1w.nii.gz task-rest_dir-AP_bold.nii.gz task-rest_dir-PA_bold.nii.gz "
         "task-rest_rec-moco_bold.nii.gz task-rest_run-01_echo-1_part-mag_bold.nii.gz"},
    ),
    "uncompressed images": (
        "sub-01_T1w.nii sub-01_task-rest_bold.nii",
        {"sub-01": "T1w.nii task-rest_bold.nii"},
    ),
    "MP2RAGE gives no T1w by itself": (
        "sub-01_UNIT1.nii.gz sub-01_inv-1_part-mag_MP2RAGE.nii.gz sub-01_T1map.nii.gz "
        "sub-02_UNIT1.nii.gz sub-02_acq-mp2rage_T1w.nii.gz",
        {"sub-01": "", "sub-02": "acq-mp2rage_T1w.nii.gz"},
    ),
    "other contrasts and modalities only": (
        "sub-01_T2w.nii.gz sub-02/pet/sub-02_pet.nii.gz sub-03/meg/sub-03_task-rest_meg.fif "
        "sub-04/perf/sub-04_asl.nii.gz sub-05/dwi/sub-05_dwi.nii.gz "
        "sub-06/micr/sub-06_sample-A_TEM.png sub-07/eeg/sub-07_task-rest_eeg.edf "
        "sub-emptyroom/ses-20200101/meg/sub-emptyroom_ses-20200101_task-noise_meg.fif",
        {f"sub-0{n}": "" for n in range(1, 8)},
    ),
    "labels with zeros, capitals and plus signs are all different people": (
        "sub-1_T1w.nii.gz sub-01_T1w.nii.gz sub-001_T1w.nii.gz sub-A1_T1w.nii.gz "
        "sub-a1_T1w.nii.gz sub-A+1_T1w.nii.gz",
        {f"sub-{label}": "T1w.nii.gz" for label in ("1", "01", "001", "A1", "a1", "A+1")},
    ),
    "folders that are nobody": (
        "sub-01_T1w.nii.gz Sub-02/anat/Sub-02_T1w.nii.gz sub-03_x/anat/sub-03_x_T1w.nii.gz "
        "sourcedata/sub-04/anat/sub-04_T1w.nii.gz phenotype/age.tsv code/sub-05/x stimuli/x.png "
        "derivatives/sub-06/eeg/sub-06_task-rest_eeg.vhdr tpl-X/anat/tpl-X_T1w.nii.gz",
        {"sub-01": "T1w.nii.gz"},
    ),
    "files of another participant are not taken": (
        "sub-01_T1w.nii.gz sub-01/anat/sub-02_acq-a_T1w.nii.gz sub-02_acq-b_T1w.nii.gz",
        {"sub-01": "T1w.nii.gz", "sub-02": "acq-b_T1w.nii.gz"},
    ),
    "tasks are told by common labels of rest": (
        "sub-01_T1w.nii.gz sub-01_task-RestingState_bold.nii.gz sub-01_task-nback_bold.nii.gz "
        "sub-01_task-restaurant_bold.nii.gz",
        {"sub-01": "T1w.nii.gz task-RestingState_bold.nii.gz"},
    ),
    "task labels in anatomical names": (
        "sub-01_task-still_acq-mprage_T1w.nii sub-01_task-nodding_acq-mprage_T1w.nii",
        {"sub-01": "task-nodding_acq-mprage_T1w.nii"},
    ),
    "derivatives nested in derivatives": (
        "sub-01_T1w.nii.gz "
        f"derivatives/prep/fmriprep-23.1/sub-01/func/sub-01_task-rest_{MNI}.nii.gz",
        {"sub-01": f"task-rest_{MNI}.nii.gz T1w.nii.gz"},
    ),
    "only derivatives, no raw folder": (
        f"derivatives/fmriprep/sub-01/ses-a/func/sub-01_ses-a_task-rest_{MNI}.nii.gz",
        {"sub-01_ses-a": f"task-rest_{MNI}.nii.gz"},
    ),
    "recon-all of sessions and of the participant": (
        " ".join(f"derivatives/freesurfer/{name}/stats/{stats}.stats" for stats in STATS
                 for name in ("sub-01_ses-1", "sub-01", "fsaverage", "sub-02"))
        + " sub-01_ses-1_T1w.nii.gz sub-01_ses-2_T1w.nii.gz",
        {"sub-01_ses-1": "recon sub-01_ses-1", "sub-01_ses-2": "recon sub-01",
         "sub-02": "recon sub-02"},
    ),
    "session folders without any image": (
        "sub-01_ses-mri_T1w.nii.gz sub-01/ses-eeg/eeg/sub-01_ses-eeg_task-rest_eeg.edf",
        {"sub-01_ses-eeg": "", "sub-01_ses-mri": "T1w.nii.gz"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_layout(tmp_path, case):
    names, expected = CASES[case]
    assert chosen(make(tmp_path / "ds", names)) == expected


def test_what_bidsignore_names_is_used_all_the_same(tmp_path):
    root = make(tmp_path / "ds", "sub-01_T1w.nii.gz sub-02_T1w.nii.gz")
    (root / ".bidsignore").write_text("sub-02\n*_T1w.nii.gz\n")
    assert chosen(root) == {"sub-01": "T1w.nii.gz", "sub-02": "T1w.nii.gz"}


def test_linked_participants_and_images_count_and_broken_links_do_not(tmp_path):
    store = make(tmp_path / "store", "sub-01_T1w.nii.gz sub-02_T1w.nii.gz")
    root = make(tmp_path / "ds", "sub-03_acq-b_T1w.nii.gz")
    (root / "sub-01").symlink_to(store / "sub-01")
    (root / "sub-02").symlink_to(store / "absent")
    (root / "sub-03/anat/sub-03_acq-a_T1w.nii.gz").symlink_to("absent")
    (root / "sub-04").mkdir()
    (root / "sub-04/anat").symlink_to(root / "sub-04")
    assert chosen(root) == {"sub-01": "T1w.nii.gz", "sub-03": "acq-b_T1w.nii.gz", "sub-04": ""}


def test_a_link_to_another_participant_lends_nobody_an_image(tmp_path):
    root = make(tmp_path / "ds", "sub-01_T1w.nii.gz")
    (root / "sub-02").symlink_to(root / "sub-01")
    assert chosen(root) == {"sub-01": "T1w.nii.gz", "sub-02": ""}


@pytest.mark.parametrize(
    ("name", "applies"),
    [
        ("task-rest_bold.json", True),
        ("sub-01/sub-01_task-rest_bold.json", True),
        ("sub-01/ses-1/sub-01_ses-1_bold.json", True),
        ("task-rest_acq-b_bold.json", False),
        ("sub-02/task-rest_bold.json", False),
        ("sub-01/ses-2/sub-01_ses-2_task-rest_bold.json", False),
    ],
)
def test_sidecars_apply_from_above_and_never_from_beside(tmp_path, name, applies):
    root = make(tmp_path / "ds", "sub-01_ses-1_T1w.nii.gz sub-01_ses-1_task-rest_bold.nii.gz")
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"RepetitionTime": 1.75}))
    dataset = open_dataset(root)
    run = find_inputs(dataset, select_sessions(dataset)[0]).raw_runs[0]
    assert (run.repetition_time == 1.75) is applies
