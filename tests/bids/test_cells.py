import pytest

from bids_brainage.bids.cells import find_column, read_cells
from bids_brainage.bids.dataset import open_dataset
from bids_brainage.errors import UsageError
from bids_brainage.records.session import SessionKey


@pytest.fixture
def dataset(tmp_path):
    for label in ("01", "02"):
        (tmp_path / f"sub-{label}" / "ses-a" / "anat").mkdir(parents=True)
    (tmp_path / "participants.tsv").write_text(
        "participant_id\tgroup\tsite\tscore\nsub-01\tcontrol\tX\t3\nsub-02\tpatient\tY\tn/a\n"
    )
    (tmp_path / "sub-01" / "sub-01_sessions.tsv").write_text(
        "session_id\tscore\tsite\nses-a\t7\tn/a\n"
    )
    return open_dataset(tmp_path)


def test_a_sessions_table_comes_before_the_participants_table(dataset):
    found = read_cells(dataset, SessionKey("01", "a"))
    assert found == {"score": "7", "site": "X", "group": "control"}
    assert read_cells(dataset, SessionKey("02", "a"))["score"] == "n/a"


def test_who_has_no_row_has_no_cells(dataset):
    assert read_cells(dataset, SessionKey("77")) == {}


def test_columns_are_found_by_their_name():
    assert find_column("Group", ["group", "age"], "--group-by") == "group"
    assert find_column("A", ["a", "A"], "--group-by") == "A"
    with pytest.raises(UsageError, match=r"no column 'groupp' .*Did you mean group\? .*group, age"):
        find_column("groupp", ["group", "age"], "--group-by")
