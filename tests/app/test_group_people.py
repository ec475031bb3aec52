import numpy as np
import pytest

from bids_brainage.app.group_people import read_people, site_column
from bids_brainage.bids.dataset import open_dataset
from bids_brainage.bids.outputs import write_tsv
from bids_brainage.errors import UsageError
from bids_brainage.records.prediction import columns


def row(participant, session, model, status="ok", **cells):
    return {"participant_id": participant, "session_id": session, "model": model,
            "status": status, "predicted_age": 30.0, "age": 31.0} | cells  # fmt: skip


@pytest.fixture
def people(tmp_path):
    (tmp_path / "bids" / "sub-01").mkdir(parents=True)
    (tmp_path / "bids" / "sub-02").mkdir()
    (tmp_path / "bids" / "participants.tsv").write_text(
        "participant_id\tGroup\tsex\tSite\nsub-01\tx\tmale\tA\nsub-02\ty\tfemale\tB\n"
    )
    rows = [
        row("sub-01", "ses-a", "mavae", sex="M"),
        row("sub-01", "ses-b", "mavae", sex="M"),
        row("sub-01", "ses-b", "volumes", sex="M"),
        row("sub-02", "n/a", "mavae", sex="F"),
        row("sub-03", "n/a", "mavae", "failed", predicted_age=None),
    ]
    table = write_tsv(tmp_path / "group.tsv", rows, columns())
    return read_people(table, open_dataset(tmp_path / "bids"), ["group", "sex", "site"])


def test_wanted_columns_stand_beside_every_row(people):
    assert people.cells["Group"].tolist() == ["x", "x", "x", "y", ""]
    assert people.column("group", "--group-by").tolist() == ["x", "x", "x", "y", ""]


def test_a_column_of_the_group_table_comes_first(people):
    assert people.cells["sex"].tolist() == ["M", "M", "M", "F", "n/a"]


def test_the_first_row_of_each_participant_is_found(people):
    assert people.models == people.tested == ["mavae", "volumes"]
    assert np.flatnonzero(people.first(people.of("mavae"))).tolist() == [0, 3]


def test_the_site_is_named_or_found(people):
    assert site_column(people, "") == "Site"
    assert site_column(people, "GROUP") == "Group"
    with pytest.raises(UsageError, match=r"no column 'centre'.*--site-column"):
        site_column(people, "centre")
