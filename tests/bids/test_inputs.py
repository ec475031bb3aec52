import os
import shutil

import pytest

from bids_brainage.bids.dataset import open_dataset
from bids_brainage.bids.entities import content_problem
from bids_brainage.bids.filters import parse_filters
from bids_brainage.bids.inputs import find_inputs
from bids_brainage.bids.preferences import InputSelection
from bids_brainage.bids.selection import select_sessions
from bids_brainage.records.session import SessionKey

LIN6 = "space-MNI152NLin6Asym"
LIN2009 = "space-MNI152NLin2009cAsym"
KEY = SessionKey("01")


def find(tree, key=KEY, **selection):
    return find_inputs(open_dataset(tree.root), key, InputSelection(**selection))


def notes_of(inputs):
    return "\n".join(inputs.notes)


def put_run(tree, stem="sub-01", run="task-rest", space=LIN6, root="derivatives/fmriprep"):
    tree.fmriprep(
        stem,
        f"{run}_{space}_desc-preproc_bold.nii.gz",
        f"{run}_{space}_desc-brain_mask.nii.gz",
        f"{run}_desc-confounds_timeseries.tsv",
        root=root,
    )


def test_a_session_with_everything_is_found(tree):
    stem = "sub-01_ses-1"
    tree.raw(stem, "T1w.nii.gz", "task-rest_run-1_bold.nii.gz")
    put_run(tree, stem, "task-rest_run-1")
    tree.recon(stem)
    tree.put("participants.tsv", "participant_id\tage\tsex\nsub-01\t30\tF\n")
    inputs = find(tree, SessionKey("01", "1"))
    run = inputs.runs[0]
    assert run.bold.name == f"{stem}_task-rest_run-1_{LIN6}_desc-preproc_bold.nii.gz"
    assert run.mask.name == f"{stem}_task-rest_run-1_{LIN6}_desc-brain_mask.nii.gz"
    assert run.confounds.name == f"{stem}_task-rest_run-1_desc-confounds_timeseries.tsv"
    assert (run.space, run.repetition_time) == ("MNI152NLin6Asym", 2.0)
    assert run.label == f"task-rest_run-1_{LIN6}"
    assert inputs.freesurfer == tree.root / "derivatives" / "freesurfer" / stem
    assert [p.name for p in inputs.raw_t1w] == [f"{stem}_T1w.nii.gz"]
    assert [p.name for p in inputs.raw_bold] == [f"{stem}_task-rest_run-1_bold.nii.gz"]
    assert (inputs.demographics.age, inputs.demographics.sex) == (30, "F")
    assert inputs.usable


def test_atlas_space_is_preferred_and_the_choice_recorded(tree):
    put_run(tree, space=LIN2009)
    put_run(tree, space=LIN6)
    inputs = find(tree)
    assert [r.space for r in inputs.runs] == ["MNI152NLin6Asym"]
    assert "also there: space-MNI152NLin2009cAsym" in notes_of(inputs)


def test_mismatch_of_another_mni_space_is_noted(tree):
    put_run(tree, space=LIN2009)
    inputs = find(tree)
    assert inputs.runs[0].space == "MNI152NLin2009cAsym"
    assert "not the atlas's space" in notes_of(inputs)


def test_order_of_spaces_can_be_given(tree):
    put_run(tree, space=LIN2009)
    put_run(tree, space=LIN6)
    assert find(tree, spaces=("MNI152NLin2009cAsym",)).runs[0].space == "MNI152NLin2009cAsym"


@pytest.mark.parametrize(
    ("present", "chosen"),
    [
        (["res-1_", "res-2_", ""], "res-2_"),
        (["res-1_", "res-02_"], "res-02_"),
        (["res-1_", "", "res-3_"], ""),
        (["res-3_", "res-1_", "res-10_"], "res-1_"),
        (["res-3_"], "res-3_"),
    ],
)
def test_resolution_is_chosen_in_a_fixed_order_with_its_mask(tree, present, chosen):
    for resolution in present:
        tree.fmriprep("sub-01", f"task-rest_{LIN6}_{resolution}desc-preproc_bold.nii.gz",
                      f"task-rest_{LIN6}_{resolution}desc-brain_mask.nii.gz")  # fmt: skip
    run = find(tree).runs[0]
    assert run.bold.name == f"sub-01_task-rest_{LIN6}_{chosen}desc-preproc_bold.nii.gz"
    assert run.mask.name == f"sub-01_task-rest_{LIN6}_{chosen}desc-brain_mask.nii.gz"


def test_a_mask_of_another_resolution_is_not_used(tree):
    tree.fmriprep("sub-01", f"task-rest_{LIN6}_res-2_desc-preproc_bold.nii.gz",
                  f"task-rest_{LIN6}_res-1_desc-brain_mask.nii.gz")  # fmt: skip
    inputs = find(tree)
    assert inputs.runs[0].mask is None
    assert "no brain mask of its resolution" in notes_of(inputs)


@pytest.mark.parametrize(
    ("space", "reason"),
    [
        ("space-T1w_", "space-T1w is not an MNI152 template"),
        ("", "the run's own space"),
        ("space-MNIInfant_cohort-2_", "age-specific"),
        ("space-MNI152NLin6Asym_cohort-2_", "age-specific"),
        ("space-fsaverage5_", "surface"),
    ],
)
def test_spaces_without_atlas_are_refused_with_a_reason(tree, space, reason):
    tree.fmriprep("sub-01", f"task-rest_{space}desc-preproc_bold.nii.gz")
    inputs = find(tree)
    assert inputs.runs == () and not inputs.usable
    assert reason in notes_of(inputs) and "--output-spaces" in notes_of(inputs)


def test_runs_are_sorted_naturally_and_keep_their_own_confounds(tree):
    for run in ("10", "2", "1"):
        put_run(tree, run=f"task-rest_run-{run}")
    runs = find(tree).runs
    assert [dict(r.entities)["run"] for r in runs] == ["1", "2", "10"]
    assert all(f"run-{dict(r.entities)['run']}_" in r.confounds.name for r in runs)


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (["desc-confounds_regressors.tsv"], "desc-confounds_regressors.tsv"),
        (["bold_confounds.tsv"], "bold_confounds.tsv"),
        (["desc-confounds_regressors.tsv", "desc-confounds_timeseries.tsv"],
         "desc-confounds_timeseries.tsv"),
        (["timeseries.tsv"], "timeseries.tsv"),
        (["seg-x_timeseries.tsv"], None),
        (["desc-aroma_timeseries.tsv"], None),
        (["acq-x_desc-confounds_timeseries.tsv"], None),
    ],
)  # fmt: skip
def test_confounds_are_found_under_old_and_new_names(tree, names, chosen):
    tree.fmriprep("sub-01", f"task-rest_{LIN6}_desc-preproc_bold.nii.gz")
    tree.fmriprep("sub-01", *(f"task-rest_{name}" for name in names))
    confounds = find(tree).runs[0].confounds
    assert (confounds and confounds.name) == (chosen and f"sub-01_task-rest_{chosen}")


def test_old_fmriprep_names_are_understood(tree):
    old = "task-rest_run-01_bold"
    tree.fmriprep("sub-01", f"{old}_{LIN2009}_preproc.nii.gz", f"{old}_{LIN2009}_brainmask.nii.gz",
                  f"{old}_confounds.tsv", f"{old}_space-T1w_preproc.nii.gz",
                  f"{old}_{LIN2009}_variant-smoothAROMAnonaggr_preproc.nii.gz")  # fmt: skip
    inputs = find(tree)
    run = inputs.runs[0]
    assert run.bold.name == f"sub-01_{old}_{LIN2009}_preproc.nii.gz"
    assert run.mask.name == f"sub-01_{old}_{LIN2009}_brainmask.nii.gz"
    assert run.confounds.name == f"sub-01_{old}_confounds.tsv"
    assert run.label == f"task-rest_run-01_{LIN2009}"
    assert "smoothAROMAnonaggr" in notes_of(inputs)


def test_the_combined_echo_is_chosen(tree):
    put_run(tree)
    for echo in "123":
        tree.fmriprep("sub-01", f"task-rest_echo-{echo}_{LIN6}_desc-preproc_bold.nii.gz")
    runs = find(tree).runs
    assert len(runs) == 1 and "echo" not in dict(runs[0].entities)


def test_without_a_combined_image_the_second_echo_is_used_and_noted(tree):
    for echo in "123":
        tree.fmriprep("sub-01", f"task-rest_echo-{echo}_{LIN6}_desc-preproc_bold.nii.gz")
    inputs = find(tree)
    assert dict(inputs.runs[0].entities)["echo"] == "2"
    assert "no combined image" in notes_of(inputs)


def test_phase_images_smoothed_images_and_surfaces_are_left_out(tree):
    put_run(tree)
    tree.fmriprep("sub-01", f"task-rest_part-phase_{LIN6}_desc-preproc_bold.nii.gz",
                  f"task-rest_{LIN6}_desc-smoothAROMAnonaggr_bold.nii.gz",
                  "task-rest_space-fsLR_den-91k_bold.dtseries.nii",
                  "task-rest_hemi-L_space-fsaverage_bold.func.gii")  # fmt: skip
    inputs = find(tree)
    assert len(inputs.runs) == 1 and "part" not in dict(inputs.runs[0].entities)
    for said in ("phase", "smoothAROMAnonaggr", "2 surface or CIFTI files"):
        assert said in notes_of(inputs)


def test_other_tasks_need_task_id(tree):
    put_run(tree, run="task-oneback")
    inputs = find(tree)
    assert inputs.runs == ()
    assert "oneback: use --task-id" in notes_of(inputs)
    assert len(find(tree, task_ids=("oneback",)).runs) == 1
    assert len(find(tree, task_ids=("task-oneback",)).runs) == 1
    assert find(tree, task_ids=("OneBack",)).runs == ()


def test_other_tasks_beside_rest_are_left_out(tree):
    put_run(tree)
    put_run(tree, run="task-nback")
    inputs = find(tree)
    assert [dict(r.entities)["task"] for r in inputs.runs] == ["rest"]
    assert "nback" in notes_of(inputs)


def test_a_task_label_with_underscore_keeps_its_confounds(tree):
    put_run(tree, run="task-resting_state")
    run = find(tree).runs[0]
    assert run.confounds.name == "sub-01_task-resting_state_desc-confounds_timeseries.tsv"


def test_filters_apply_to_bold_and_t1w(tree):
    tree.raw("sub-01", "acq-a_T1w.nii.gz", "acq-b_T1w.nii.gz")
    for acquisition in ("mb", "seq"):
        put_run(tree, run=f"task-rest_acq-{acquisition}")
        tree.raw("sub-01", f"task-rest_acq-{acquisition}_part-mag_bold.nii.gz")
    written = {"bold": {"acquisition": "mb", "part": ["mag", None], "echo": 1},
               "t1w": {"acquisition": "b"}}  # fmt: skip
    filters = parse_filters(written)
    inputs = find(tree, filters=filters)
    assert [dict(r.entities)["acq"] for r in inputs.runs] == ["mb"]
    assert [p.name for p in inputs.raw_t1w] == ["sub-01_acq-b_T1w.nii.gz"]
    assert "acquisition is seq" in notes_of(inputs)


def test_a_filter_on_space_decides_the_space(tree):
    put_run(tree, space=LIN2009)
    put_run(tree, space=LIN6)
    filters = parse_filters({"bold": {"space": "MNI152NLin2009cAsym"}})
    assert find(tree, filters=filters).runs[0].space == "MNI152NLin2009cAsym"


def test_runs_are_not_mixed_between_derivatives(tree):
    put_run(tree, root="derivatives/fmriprep")
    put_run(tree, root="derivatives/otherprep")
    inputs = find(tree)
    assert [r.bold.parents[2].name for r in inputs.runs] == ["fmriprep"]
    assert "otherprep is not used as well" in notes_of(inputs)


def test_broken_links_and_empty_images_give_way_to_usable_ones(tree):
    put_run(tree, space=LIN2009)
    folder = tree.root / "derivatives" / "fmriprep" / "sub-01" / "func"
    (folder / f"sub-01_task-rest_{LIN6}_desc-preproc_bold.nii.gz").symlink_to("absent")
    tree.put(
        f"derivatives/fmriprep/sub-01/func/sub-01_task-rest_run-2_{LIN6}_desc-preproc_bold.nii.gz",
        b"",
    )
    inputs = find(tree)
    assert [r.space for r in inputs.runs] == ["MNI152NLin2009cAsym"]
    assert "datalad get" in notes_of(inputs) and "empty (0 bytes)" in notes_of(inputs)


def test_oddities_anywhere_stop_nothing(tree):
    put_run(tree)
    func = tree.root / "derivatives" / "fmriprep" / "sub-01" / "func"
    (func / "loop").symlink_to(tree.root)
    (func / f"sub-01_task-rest_{LIN6}_desc-preproc_bold.json").symlink_to("absent")
    (func / "sub-01_task-rest_bold.nii.gz").mkdir()
    (func / os.fsdecode(b"sub-01_task-r\xe9st_desc-preproc_bold.nii.gz")).touch()
    tree.put("derivatives/fmriprep/sub-01/func/sub-01_bold.json", "{ broken")
    tree.put("derivatives/fmriprep/sub-01/func/sub-02_task-rest_bold.nii.gz", b"")
    tree.put("derivatives/fmriprep/sub-01/func/layout_config.json", "{")
    tree.put("sub-01/anat", "a file in place of a folder")
    tree.put("sub-02_a/func/sub-02_a_task-rest_bold.nii.gz")
    inputs = find(tree)
    assert len(inputs.runs) == 1
    assert "not named for sub-01" in notes_of(inputs)
    notes_of(inputs).encode()


def test_the_dataset_may_lie_below_folders_with_bids_names(tree, tmp_path):
    put_run(tree)
    moved = tmp_path / "sub-99" / "ses-9" / "func" / "ds"
    shutil.copytree(tree.root, moved)
    inputs = find_inputs(open_dataset(moved), KEY)
    assert dict(inputs.runs[0].entities) == {
        "sub": "01", "task": "rest", "space": "MNI152NLin6Asym"
    }  # fmt: skip
    filters = parse_filters({"bold": {"session": None, "subject": "01"}})
    assert len(find_inputs(open_dataset(moved), KEY, InputSelection(filters=filters)).runs) == 1


def test_raw_images_are_listed_with_the_next_step_where_they_are_not_wanted(tree):
    tree.raw("sub-01", "T1w.nii.gz", "task-rest_bold.nii.gz", "task-rest_part-phase_bold.nii.gz")
    inputs = find(tree, raw=False)
    assert not inputs.usable and len(inputs.raw_bold) == 1 and len(inputs.raw_t1w) == 1
    assert "run fMRIPrep" in notes_of(inputs) and "--fs-subjects-dir" in notes_of(inputs)


def test_anatomical_images_outside_sessions_count_for_each(tree):
    tree.raw("sub-01", "T1w.nii.gz")
    tree.raw("sub-01_ses-1", "task-rest_bold.nii.gz")
    inputs = find(tree, SessionKey("01", "1"))
    assert [p.name for p in inputs.raw_t1w] == ["sub-01_T1w.nii.gz"]
    assert "outside the sessions" in notes_of(inputs)


def test_nothing_is_written_into_the_dataset(tree):
    put_run(tree)
    before = sorted(tree.root.rglob("*"))
    find(tree)
    assert sorted(tree.root.rglob("*")) == before


def test_studyforrest_run_is_found_with_its_task(shared):
    dataset = open_dataset(shared / "bids" / "studyforrest")
    assert [d.name for d in dataset.derivatives] == ["antsmini"]
    assert "oneback" in notes_of(find_inputs(dataset, SessionKey("02")))
    inputs = find_inputs(dataset, SessionKey("02"), InputSelection(task_ids=("oneback",)))
    run = inputs.runs[0]
    assert (run.space, run.repetition_time) == ("MNI152NLin2009cAsym", 2.0)
    assert run.label == "task-oneback_run-1_space-MNI152NLin2009cAsym_res-3"
    assert run.mask is not None and run.confounds is not None
    assert dataset.uri(run.bold).startswith("bids:antsmini:sub-02/func/")
    assert inputs.demographics.age is None


def test_confounds_without_images_are_explained(shared):
    for name, key in (("bids/ds000005-truncated", KEY), ("deriv/aomic-piop2", SessionKey("0006"))):
        inputs = find_inputs(open_dataset(shared / name), key)
        assert inputs.runs == ()
        assert "no preprocessed BOLD image" in notes_of(inputs)
        assert inputs.demographics.age in (28, 23.75)


def test_real_fmriprep_output_without_bold_is_read_as_bids_dir(shared):
    dataset = open_dataset(shared / "deriv" / "colornest001-fmriprep")
    assert dataset.raw is None and dataset.derivatives[0].pipeline == "fMRIPrep 20.2.1"
    keys = select_sessions(dataset)
    assert keys == [SessionKey("colornest001", "1")]
    assert not find_inputs(dataset, keys[0]).usable


def test_real_recon_is_found_by_subjects_dir(shared):
    home = shared / "deriv" / "freesurfer"
    dataset = open_dataset(home, [], home)
    assert dataset.participants == ("bert",)
    assert find_inputs(dataset, SessionKey("bert")).freesurfer == home / "bert"


EXPECTED = {  # sessions, raw T1w, raw rest-like BOLD, runs, ages, sexes
    "7t_trt": (44, 22, 132, 0, 44, 44), "atlas-4S": (1, 0, 0, 0, 0, 0),
    "ds000248": (1, 1, 0, 0, 0, 0), "ds001": (16, 16, 0, 0, 16, 16),
    "ds004332": (2, 32, 0, 0, 0, 0), "ds006": (28, 28, 0, 0, 28, 28),
    "ds007": (20, 20, 0, 0, 20, 20), "ds009": (24, 24, 0, 0, 24, 24),
    "ds102": (26, 26, 0, 0, 26, 17), "ds113b": (20, 0, 0, 0, 0, 0),
    "ds114": (20, 20, 0, 0, 0, 0), "ds210": (15, 0, 45, 0, 0, 0),
    "eeg_rest_fmri": (3, 6, 3, 0, 0, 0), "genetics_ukbb": (14, 14, 14, 0, 14, 14),
    "hcp_example_bids": (1, 1, 0, 0, 0, 0), "mrs_fmrs": (15, 15, 0, 0, 15, 15),
    "pet002": (4, 4, 0, 0, 4, 4), "synthetic": (10, 10, 10, 10, 10, 10),
    "xeeg_hed_score": (4, 1, 0, 0, 0, 0),
}  # fmt: skip


@pytest.mark.parametrize("name", EXPECTED)
def test_published_examples_yield_what_they_hold(bids_examples, name):
    dataset = open_dataset(bids_examples / name)
    found = [find_inputs(dataset, key) for key in select_sessions(dataset)]
    counts = (
        len(found),
        sum(len(i.raw_t1w) for i in found),
        sum(len(i.raw_bold) for i in found),
        sum(len(i.runs) for i in found),
        sum(i.demographics.age is not None for i in found),
        sum(i.demographics.sex is not None for i in found),
    )
    assert counts == EXPECTED[name]


def test_synthetic_example_works_as_bids_dir_too(bids_examples):
    dataset = open_dataset(bids_examples / "synthetic" / "derivatives" / "fmriprep")
    found = [find_inputs(dataset, key) for key in select_sessions(dataset)]
    assert [len(i.runs) for i in found] == [1] * 10
    assert all(i.runs[0].repetition_time == 2.5 and i.demographics.age for i in found)


@pytest.mark.parametrize(
    ("pointer", "command"),
    [
        (b"/annex/objects/MD5E-s20--d41d8cd98f00b204e9800998ecf8427e.nii.gz\n", "datalad get"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 20\n", "git lfs pull"),
    ],
)
def test_a_pointer_in_place_of_an_image_names_the_command_that_gets_it(tree, pointer, command):
    path = tree.put("sub-01/anat/sub-01_T1w.nii.gz", pointer)
    assert command in content_problem(path)
