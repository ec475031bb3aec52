import logging
import os
from multiprocessing.reduction import ForkingPickler
from pathlib import Path

import pytest

from bids_brainage.bids.dataset import open_dataset
from bids_brainage.bids.inputs import find_inputs
from bids_brainage.errors import DatasetError, MissingInputError
from bids_brainage.records.session import SessionKey

BOLD = "task-rest_space-MNI152NLin6Asym_desc-preproc_bold.nii.gz"
FMRIPREP = {"DatasetType": "derivative", "GeneratedBy": [{"Name": "fMRIPrep", "Version": "23.1.0"}]}


def test_a_missing_folder_exits_66(tmp_path):
    with pytest.raises(MissingInputError, match="does not exist") as caught:
        open_dataset(tmp_path / "absent")
    assert caught.value.exit_code == 66


def test_a_file_in_place_of_the_folder_exits_66(tmp_path):
    path = tmp_path / "file"
    path.write_text("")
    with pytest.raises(MissingInputError, match="not a folder"):
        open_dataset(path)


def test_broken_description_names_file_line_and_next_step(tree):
    tree.raw("sub-01", "T1w.nii.gz")
    tree.put("dataset_description.json", '{\n  "Name": "x"\n  "BIDSVersion": "1"\n}')
    with pytest.raises(DatasetError, match=r"line 3.*missing comma") as caught:
        open_dataset(tree.root)
    assert caught.value.exit_code == 16 and "dataset_description.json" in str(caught.value)


@pytest.mark.parametrize("content", ["[]", "", "[" * 100_000])
def test_description_that_is_no_object_is_refused(tree, content):
    tree.raw("sub-01", "T1w.nii.gz")
    tree.put("dataset_description.json", content)
    with pytest.raises(DatasetError):
        open_dataset(tree.root)


@pytest.mark.parametrize(
    "content",
    [
        b'\xef\xbb\xbf{"Name": "d\xc3\xa9"}',
        '{"Name": "dé"}'.encode("latin-1"),
        '{"Name": "dé"}'.encode("utf-16"),
    ],
)
def test_description_in_any_encoding_is_read(tree, content):
    tree.raw("sub-01", "T1w.nii.gz")
    tree.put("dataset_description.json", content)
    assert open_dataset(tree.root).name == "dé"


def test_absent_description_is_a_warning(tree, caplog):
    tree.raw("sub-01", "T1w.nii.gz")
    (tree.root / "dataset_description.json").unlink()
    with caplog.at_level(logging.WARNING):
        dataset = open_dataset(tree.root)
    assert "dataset_description.json is absent" in caplog.text
    assert dataset.participants == ("01",)


def test_no_participant_exits_16(tree):
    with pytest.raises(DatasetError, match="no participant") as caught:
        open_dataset(tree.root)
    assert caught.value.exit_code == 16


def test_odd_folders_are_reported_once(tree, caplog):
    tree.raw("sub-01", "T1w.nii.gz")
    (tree.root / "sub-01_a" / "anat").mkdir(parents=True)
    with caplog.at_level(logging.WARNING):
        dataset = open_dataset(tree.root)
    assert dataset.participants == ("01",)
    assert caplog.text.count("sub-01_a") == 1 and "sub-01_a" in " ".join(dataset.notes)


@pytest.mark.parametrize(
    "place", ["derivatives/fmriprep", "derivatives/fmriprep-20.2.0", "derivatives", "fmriprep",
              "derivatives/out/fmriprep", "derivatives/otherprep"],
)  # fmt: skip
def test_preprocessed_bold_is_found_near_the_dataset(tree, place):
    tree.raw("sub-01", "T1w.nii.gz")
    tree.fmriprep("sub-01", BOLD, root=place)
    dataset = open_dataset(tree.root)
    assert [d.root for d in dataset.derivatives] == [tree.root / place]
    assert dataset.raw == tree.root


def test_newest_fmriprep_comes_first(tree):
    tree.raw("sub-01", "T1w.nii.gz")
    for version in ("20.2.1", "23.1.0", "9.0"):
        tree.fmriprep("sub-01", BOLD, root=f"derivatives/prep{version}")
        made_by = {"GeneratedBy": [{"Name": "fMRIPrep", "Version": version}]}
        tree.describe(f"derivatives/prep{version}/", **made_by)
    names = [d.name for d in open_dataset(tree.root).derivatives]
    assert names == ["prep23.1.0", "prep20.2.1", "prep9.0"]


def test_names_that_are_not_utf8_can_be_reported(tree):
    tree.raw("sub-01", "T1w.nii.gz")
    for folder in (
        b"sub-\xe9",
        b"derivatives/fmriprep\xe9/sub-01/func",
        b"derivatives/freesurfer\xe9",
    ):
        (tree.root / os.fsdecode(folder)).mkdir(parents=True)
    tree.recon("sub-01", os.fsdecode(b"derivatives/freesurfer\xe9"))
    dataset = open_dataset(tree.root)
    assert len(dataset.derivatives) == len(dataset.freesurfer) == 1
    " ".join([*dataset.notes, dataset.derivatives[0].name]).encode()
    " ".join(find_inputs(dataset, SessionKey("01")).notes).encode()


def test_own_output_and_other_derivatives_are_not_taken_for_fmriprep(tree):
    tree.raw("sub-01", "T1w.nii.gz")
    tree.put("derivatives/dlmuse/sub-01/anat/sub-01_desc-dlmuse_dseg.nii.gz")
    tree.fmriprep("sub-01", BOLD, root="derivatives/bids_brainage")
    tree.describe("derivatives/bids_brainage/", GeneratedBy=[{"Name": "bids_brainage"}])
    assert open_dataset(tree.root).derivatives == ()


@pytest.mark.parametrize("description", [FMRIPREP, {"PipelineDescription": {"Name": "fmriprep"}}])
def test_bids_dir_can_be_an_fmriprep_dataset(tree, description):
    tree.fmriprep("sub-01", BOLD, root=".")
    tree.describe(**description)
    dataset = open_dataset(tree.root)
    assert dataset.raw is None
    assert [d.root for d in dataset.derivatives] == [tree.root]


def test_bids_dir_with_preprocessed_files_needs_no_description(tree):
    tree.fmriprep("sub-01", BOLD, root=".")
    assert [d.root for d in open_dataset(tree.root).derivatives] == [tree.root]


@pytest.mark.parametrize("named", ["{}", "prep={}"])
def test_named_derivatives_replace_the_search(tree, named):
    tree.raw("sub-01", "T1w.nii.gz")
    tree.fmriprep("sub-01", BOLD)
    tree.fmriprep("sub-02", BOLD, root="../elsewhere")
    place = tree.root.parent / "elsewhere"
    dataset = open_dataset(tree.root, [named.format(place)])
    assert [d.root for d in dataset.derivatives] == [place]
    assert dataset.derivatives[0].name == ("prep" if "=" in named else "elsewhere")
    assert dataset.participants == ("01", "02")


def test_a_folder_of_pipelines_can_be_named(tree):
    tree.raw("sub-01", "T1w.nii.gz")
    tree.fmriprep("sub-01", BOLD, root="../all/fmriprep")
    dataset = open_dataset(tree.root, [str(tree.root.parent / "all")])
    assert [d.name for d in dataset.derivatives] == ["fmriprep"]


def test_missing_named_derivative_exits_66(tree):
    tree.raw("sub-01", "T1w.nii.gz")
    with pytest.raises(MissingInputError, match="--derivatives"):
        open_dataset(tree.root, [f"fmriprep={tree.root}/absent"])


@pytest.mark.parametrize(
    "home",
    ["derivatives/freesurfer", "derivatives/freesurfer-7.3", "derivatives/fs7",
     "derivatives/fmriprep/sourcedata/freesurfer", "derivatives/fmriprep/freesurfer",
     "sourcedata/freesurfer", "freesurfer", "derivatives/fastsurfer",
     "derivatives/freesurfer/subjects"],
)  # fmt: skip
def test_freesurfer_is_found_where_people_put_it(tree, home):
    tree.raw("sub-01", "T1w.nii.gz")
    tree.fmriprep("sub-01", BOLD)
    tree.recon("sub-01", home)
    assert open_dataset(tree.root).freesurfer == (tree.root / home,)


def test_freesurfer_beside_an_fmriprep_dataset_is_found(tree):
    tree.fmriprep("sub-01", BOLD, root="out/fmriprep")
    tree.describe("out/fmriprep/", **FMRIPREP)
    tree.recon("sub-01", "out/freesurfer")
    dataset = open_dataset(tree.root / "out" / "fmriprep")
    assert dataset.freesurfer == (tree.root / "out" / "freesurfer",)


def test_named_subjects_dir_replaces_the_search(tree):
    tree.recon("sub-01")
    tree.recon("sub-02", "../fs")
    dataset = open_dataset(tree.root, [], tree.root.parent / "fs")
    assert dataset.participants == ("02",)
    assert dataset.freesurfer == (tree.root.parent / "fs",)


def test_missing_subjects_dir_exits_66(tree):
    with pytest.raises(MissingInputError, match="--fs-subjects-dir"):
        open_dataset(tree.root, [], tree.root / "absent")


def test_freesurfer_only_participants_count(tree):
    tree.raw("sub-01", "T1w.nii.gz")
    for name in ("sub-02", "sub-03_ses-1", "sub-04_ses-1.long.sub-04", "fsaverage", "bert"):
        tree.recon(name)
    assert open_dataset(tree.root).participants == ("01", "02", "03", "04")


def test_an_empty_room_is_no_participant(tree):
    tree.raw("sub-01", "T1w.nii.gz")
    tree.put("sub-emptyroom/ses-20200101/meg/sub-emptyroom_ses-20200101_task-noise_meg.fif")
    dataset = open_dataset(tree.root)
    assert dataset.participants == ("01",)
    assert "empty room" in " ".join(dataset.notes)


def test_recon_folders_without_prefix_need_a_known_label(tree):
    for name in ("01", "02", "03"):
        tree.recon(name)
    tree.raw("sub-01", "T1w.nii.gz")
    tree.put("participants.tsv", "participant_id\nsub-02\n")
    assert open_dataset(tree.root).participants == ("01", "02")


def test_bids_dir_can_be_a_subjects_dir(tree):
    tree.recon("sub-01", ".")
    dataset = open_dataset(tree.root)
    assert dataset.freesurfer == (tree.root,) and dataset.participants == ("01",)


def test_record_travels_to_workers(tree):
    tree.raw("sub-01", "T1w.nii.gz")
    dataset = open_dataset(tree.root)
    assert ForkingPickler.loads(ForkingPickler.dumps(dataset)) == dataset


def test_files_are_named_by_bids_uri(tree):
    tree.raw("sub-01", "T1w.nii.gz")
    tree.fmriprep("sub-01", BOLD)
    tree.recon("sub-01", "derivatives/fmriprep/sourcedata/freesurfer")
    dataset = open_dataset(tree.root)
    derivative = tree.root / "derivatives" / "fmriprep"
    assert dataset.uri(tree.root / "sub-01" / "x.nii") == "bids:raw:sub-01/x.nii"
    assert dataset.uri(derivative / "sub-01" / "x.tsv") == "bids:fmriprep:sub-01/x.tsv"
    home = derivative / "sourcedata" / "freesurfer"
    assert dataset.uri(home / "sub-01" / "stats" / "x") == "bids:freesurfer:sub-01/stats/x"
    assert dataset.uri(Path("/elsewhere/x.nii")) == "x.nii"
    assert dataset.links == {"raw": tree.root, "fmriprep": derivative, "freesurfer": home}
