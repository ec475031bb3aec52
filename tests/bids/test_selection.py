import logging

import pytest

from bids_brainage.bids.dataset import open_dataset
from bids_brainage.bids.selection import select_sessions, sessions_of, split_labels
from bids_brainage.errors import SelectionError
from bids_brainage.records.session import SessionKey


@pytest.fixture
def two_sessions(tree):
    for participant in ("01", "02", "10"):
        for session in ("1", "2"):
            tree.raw(f"sub-{participant}_ses-{session}", "T1w.nii.gz")
    return open_dataset(tree.root)


@pytest.mark.parametrize(
    "texts", [["01", "02"], ["sub-01", "sub-02"], ["01 sub-02"], ["01,02"], ["sub-01, 02,", "02"]]
)
def test_labels_are_understood_in_every_spelling(texts):
    assert split_labels(texts, "sub-") == ("01", "02")


def test_all_sessions_come_in_natural_order(two_sessions):
    keys = select_sessions(two_sessions)
    assert [k.stem for k in keys][:3] == ["sub-01_ses-1", "sub-01_ses-2", "sub-02_ses-1"]
    assert len(keys) == 6 and keys[-1] == SessionKey("10", "2")


def test_participants_and_sessions_are_selected(two_sessions):
    keys = select_sessions(two_sessions, ["sub-02", "10"], ["ses-2"])
    assert keys == [SessionKey("02", "2"), SessionKey("10", "2")]


def test_missing_labels_are_warned_about_and_others_kept(two_sessions, caplog):
    with caplog.at_level(logging.WARNING):
        keys = select_sessions(two_sessions, ["02", "99"], ["1", "9"])
    assert keys == [SessionKey("02", "1")]
    assert "sub-99" in caplog.text and "ses-9" in caplog.text


def test_leading_zeros_matter_but_are_suggested(two_sessions):
    with pytest.raises(SelectionError, match="did you mean 01") as caught:
        select_sessions(two_sessions, ["1"])
    assert caught.value.exit_code == 18


def test_a_session_that_nobody_has_leaves_nothing(two_sessions):
    with pytest.raises(SelectionError, match="sessions 1, 2"):
        select_sessions(two_sessions, [], ["3"])


def test_session_labels_without_sessions_say_so(tree):
    tree.raw("sub-01", "T1w.nii.gz")
    with pytest.raises(SelectionError, match="leave out --session-label"):
        select_sessions(open_dataset(tree.root), [], ["1"])


def test_participants_without_sessions_have_the_empty_session(tree):
    tree.raw("sub-01", "T1w.nii.gz")
    tree.raw("sub-02_ses-1", "T1w.nii.gz")
    keys = select_sessions(open_dataset(tree.root))
    assert keys == [SessionKey("01"), SessionKey("02", "1")]


def test_the_anatomical_folder_outside_sessions_is_no_session(tree):
    tree.raw("sub-01_ses-1", "task-rest_bold.nii.gz")
    tree.raw("sub-01", "T1w.nii.gz")
    tree.put("derivatives/fmriprep/sub-01/anat/sub-01_desc-preproc_T1w.nii.gz")
    assert sessions_of(open_dataset(tree.root), "01") == ["1"]


def test_runs_outside_sessions_are_a_session_of_their_own(tree):
    tree.raw("sub-01_ses-1", "task-rest_bold.nii.gz")
    tree.raw("sub-01", "task-rest_bold.nii.gz")
    assert sessions_of(open_dataset(tree.root), "01") == ["", "1"]


def test_sessions_known_from_freesurfer_alone_are_found(tree):
    for name in ("sub-01", "sub-01_ses-1", "sub-01_ses-2", "sub-01_ses-2.long.sub-01", "fsaverage"):
        tree.recon(name)
    keys = select_sessions(open_dataset(tree.root))
    assert keys == [SessionKey("01", "1"), SessionKey("01", "2")]


def test_a_thousand_participants_are_listed_without_opening_a_file(tree, monkeypatch):
    for participant in range(1000):
        for session in ("1", "2"):
            (tree.root / f"sub-{participant:04d}" / f"ses-{session}" / "anat").mkdir(parents=True)
    dataset = open_dataset(tree.root)
    monkeypatch.setattr("pathlib.Path.open", lambda *_, **__: pytest.fail("a file was opened"))
    assert len(select_sessions(dataset)) == 2000


def test_asked_labels_are_shown_as_plain_text(two_sessions):
    with pytest.raises(SelectionError) as error:
        select_sessions(two_sessions, ["\udcff\x1b[2J"])
    assert "sub-??[2J" in str(error.value)
