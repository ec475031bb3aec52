"""Predictions that somebody damaged, copied or edited."""

import pytest

from bids_brainage.bids.outputs import predictions_file, write_text, write_tsv
from bids_brainage.bids.prediction_tables import read_predictions
from bids_brainage.errors import InputError
from bids_brainage.records.prediction import columns
from bids_brainage.records.session import SessionKey

KEY = SessionKey("01", "a")
ROW = {"participant_id": "sub-01", "session_id": "ses-a", "status": "ok"}


def test_a_row_per_model_is_read(tmp_path):
    write_tsv(predictions_file(tmp_path, KEY), [ROW, ROW], columns())
    assert [row["status"] for row in read_predictions(tmp_path, KEY)] == ["ok", "ok"]


@pytest.mark.parametrize("key", [SessionKey("02", "a"), SessionKey("01", "b"), SessionKey("01")])
def test_predictions_of_another_session_are_refused(tmp_path, key):
    write_tsv(predictions_file(tmp_path, key), [ROW], columns())
    with pytest.raises(InputError, match="are of sub-01 ses-a"):
        read_predictions(tmp_path, key)


HEADER = "\t".join(columns())


@pytest.mark.parametrize(
    "text", ["", HEADER, HEADER[:20], "a\tb\n1\t2\n", f"{HEADER}\nsub-01\tses-a\tmavae\tok\n"]
)
def test_half_a_table_is_refused(tmp_path, text):
    write_text(predictions_file(tmp_path, KEY), text)
    with pytest.raises(InputError, match=r"(not whole|empty).*Rerun"):
        read_predictions(tmp_path, KEY)
