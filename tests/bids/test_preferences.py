import pytest

from bids_brainage.bids.preferences import is_rest_like, resolution_rank, space_rank

REST = (
    "rest", "REST", "Rest", "rest1", "restAP", "resting", "restingstate", "RestingState",
    "resting_state", "rsfMRI", "RS", "RSN", "rs", "fMRIrest", "restEyesOpen", "restEC", "eyesopen",
    "EyesClosed", "eyeopen", "rsfMRI645", "restingstateMB1400", "restbold",
)  # fmt: skip
TASKS = (
    "restaurant", "arrest", "forest", "nback", "movie", "fixation", "rsvp", "stopsignal",
    "breathhold", "oneback", "eyetracking", "prest", "rhyme",
)  # fmt: skip


@pytest.mark.parametrize("task", REST)
def test_common_labels_of_rest_are_recognised(task):
    assert is_rest_like(task)


@pytest.mark.parametrize("task", TASKS)
def test_other_tasks_are_not_rest(task):
    assert not is_rest_like(task)


def test_spaces_are_ranked_and_others_refused():
    preferred = ("MNI152NLin6Asym", "MNI152NLin2009cAsym")
    names = ["MNI152NLin6Asym", "MNI152NLin2009cAsym", "MNI152Lin", "MNI"]
    assert [space_rank(name, None, preferred) for name in names] == [0, 1, 2, 3]
    for name in ("T1w", "fsaverage", "MNIInfant", "MNIPediatricAsym", "OASIS30ANTs", None):
        assert space_rank(name, None, preferred) is None
    assert space_rank("MNI152NLin6Asym", "1", preferred) is None


def test_two_millimetres_come_first():
    labels = ["3", "1", None, "02", "2"]
    assert sorted(labels, key=resolution_rank) == ["2", "02", None, "1", "3"]
