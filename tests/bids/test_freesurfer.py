from bids_brainage.bids.dataset import open_dataset
from bids_brainage.bids.freesurfer import find_recon
from bids_brainage.bids.selection import sessions_of
from bids_brainage.records.session import SessionKey


def find(tree, session="1", participant="01"):
    dataset = open_dataset(tree.root)
    notes: list[str] = []
    recon = find_recon(
        dataset, SessionKey(participant, session), sessions_of(dataset, participant), notes
    )
    return recon and recon.name, "\n".join(notes)


def test_cross_sectional_then_longitudinal_then_participant(tree):
    tree.raw("sub-01_ses-1", "T1w.nii.gz")
    tree.raw("sub-01_ses-2", "T1w.nii.gz")
    tree.recon("sub-01")
    name, notes = find(tree)
    assert name == "sub-01" and "2 sessions share it" in notes
    tree.recon("sub-01_ses-1.long.sub-01")
    name, notes = find(tree)
    assert name == "sub-01_ses-1.long.sub-01" and "not used: freesurfer/sub-01" in notes
    tree.recon("sub-01_ses-1")
    name, notes = find(tree)
    assert name == "sub-01_ses-1" and "of this session" in notes


def test_participant_folder_of_a_single_session_is_not_called_shared(tree):
    tree.raw("sub-01_ses-1", "T1w.nii.gz")
    tree.recon("sub-01")
    name, notes = find(tree)
    assert name == "sub-01" and "share" not in notes


def test_without_sessions_the_cross_sectional_folder_wins(tree):
    tree.recon("sub-01")
    tree.recon("sub-01.long.sub-01_base")
    assert find(tree, "")[0] == "sub-01"


def test_another_session_is_not_used(tree):
    tree.raw("sub-01_ses-1", "T1w.nii.gz")
    tree.recon("sub-01_ses-2")
    name, notes = find(tree)
    assert name is None and "no FreeSurfer folder" in notes


def test_folder_without_prefix_is_matched(tree):
    tree.raw("sub-01_ses-1", "T1w.nii.gz")
    tree.recon("01_ses-1")
    assert find(tree)[0] == "01_ses-1"


def test_folder_without_statistics_is_left_out_with_a_reason(tree):
    tree.raw("sub-01", "T1w.nii.gz")
    tree.put("derivatives/freesurfer/sub-01/stats/wmparc.stats")
    assert find(tree, "")[0] is None
    tree.put("derivatives/freesurfer/sub-01/stats/aseg.stats", b"")
    name, notes = find(tree, "")
    assert name is None and "empty (0 bytes)" in notes


def test_another_home_is_used_where_the_first_is_broken(tree):
    tree.raw("sub-01", "T1w.nii.gz")
    stats = tree.put("derivatives/freesurfer/sub-01/stats/README").parent
    (stats / "aseg.stats").symlink_to("absent")
    tree.recon("sub-01", "sourcedata/freesurfer")
    dataset = open_dataset(tree.root)
    notes: list[str] = []
    recon = find_recon(dataset, SessionKey("01"), [""], notes)
    assert recon == tree.root / "sourcedata" / "freesurfer" / "sub-01"
    assert "broken link" in notes[0]


def test_freesurfer_comes_before_fastsurfer(tree):
    tree.recon("sub-01", "derivatives/fastsurfer")
    tree.recon("sub-01", "derivatives/freesurfer")
    homes = [home.name for home in open_dataset(tree.root).freesurfer]
    assert homes == ["freesurfer", "fastsurfer"]


def test_fastsurfer_without_surfaces_is_used_and_noted(tree):
    tree.put("derivatives/fastsurfer/sub-01/stats/aseg+DKT.VINN.stats")
    name, notes = find(tree, "")
    assert name == "sub-01" and "without Destrieux thickness" in notes
    assert "without region volumes" in notes


def test_unfinished_and_failed_recons_are_noted(tree):
    tree.recon("sub-01")
    tree.put("derivatives/freesurfer/sub-01/scripts/IsRunning.lh+rh")
    assert "still running" in find(tree, "")[1]
    tree.put("derivatives/freesurfer/sub-01/scripts/recon-all.error")
    assert "ended with an error" in find(tree, "")[1]


def test_folder_nested_by_session_is_found(tree):
    tree.recon("sub-01/ses-1")
    tree.recon("sub-01/ses-2")
    dataset = open_dataset(tree.root)
    assert sessions_of(dataset, "01") == ["1", "2"]
    assert find(tree, "2")[0] == "ses-2"
