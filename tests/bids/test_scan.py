import pytest

from bids_brainage.bids.scan import (
    list_participants,
    list_recons,
    list_sessions,
    natural_key,
    odd_participant_folders,
)


@pytest.fixture
def folders(tmp_path):
    def make(*names: str):
        for name in names:
            (tmp_path / name).mkdir(parents=True)
        return tmp_path

    return make


def test_only_folders_with_a_full_label_are_participants(folders):
    root = folders("sub-01", "sub-02_a", "sub-", "sub-03.old", "sub-A+1", "xsub-05", "sub-04 ")
    (root / "sub-06.html").write_text("")
    (root / "sub-07").write_text("a file")
    (root / "sub-08").symlink_to("absent")
    assert list_participants(root) == ["01", "A+1"]
    assert odd_participant_folders(root) == ["sub-", "sub-02_a", "sub-03.old", "sub-04 "]


def test_sub_01_a_is_never_participant_01(folders):
    assert list_participants(folders("sub-01_a/anat")) == []


def test_links_to_folders_count(folders, tmp_path_factory):
    root = folders("sub-01")
    (root / "sub-02").symlink_to(tmp_path_factory.mktemp("elsewhere"))
    assert list_participants(root) == ["01", "02"]


def test_a_missing_root_has_no_participants(tmp_path):
    assert list_participants(tmp_path / "absent") == []


def test_labels_sort_naturally():
    labels = ["10", "2", "a10", "01", "1", "a2", "b"]
    assert sorted(labels, key=natural_key) == ["01", "1", "2", "10", "a2", "a10", "b"]


def test_sessions_are_listed_by_full_folder_name(folders):
    root = folders("sub-01/ses-10", "sub-01/ses-2", "sub-01/ses-2_old", "sub-01/anat")
    assert list_sessions(root, "01") == ["2", "10"]
    assert list_sessions(root, "02") == []


def test_recon_folder_names_state_participant_session_and_longitudinal(folders):
    root = folders(
        "sub-01/stats", "sub-01_ses-1/stats", "sub-01_ses-1.long.sub-01/stats", "bert/stats",
        "fsaverage/stats", "fsaverage5", "lh.EC_average", "sub-01_x",
    )  # fmt: skip
    found = {(r.name, r.participant, r.session, r.longitudinal) for r in list_recons(root)}
    assert found == {
        ("sub-01", "01", "", False),
        ("sub-01_ses-1", "01", "1", False),
        ("sub-01_ses-1.long.sub-01", "01", "1", True),
        ("bert", "bert", "", False),
    }


def test_recons_nested_by_session_are_found(folders):
    root = folders("sub-01/ses-a/stats", "sub-01/ses-b/stats")
    assert {r.name for r in list_recons(root) if r.session} == {"sub-01/ses-a", "sub-01/ses-b"}
