from pathlib import Path

import pandas as pd
import pytest

from bids_brainage.app.evaluation_columns import find_columns, looks_corrected
from bids_brainage.errors import InputError

PATH = Path("t.tsv")


def frame(*names):
    return pd.DataFrame(columns=list(names))


def test_columns_are_found_by_their_usual_names():
    found = find_columns(
        frame("Subject", "Chronological Age", "BrainAge", "Gender", "eTIV"), {}, PATH
    )
    assert found == {"participant": "Subject", "age": "Chronological Age", "predicted": "BrainAge",
                     "sex": "Gender", "head_size": "eTIV"}  # fmt: skip


def test_named_columns_come_first():
    found = find_columns(frame("age", "age_scan", "predicted_age"), {"age": "age_scan"}, PATH)
    assert found["age"] == "age_scan"


def test_absent_columns_are_named():
    with pytest.raises(InputError, match="no column sexe"):
        find_columns(frame("age", "predicted_age"), {"sex": "sexe"}, PATH)
    with pytest.raises(InputError, match=r"no column predicted_age .*--predicted-column"):
        find_columns(frame("age"), {}, PATH)


@pytest.mark.parametrize("name", ["brain_age_gap_corrected", "brain_age_gap", "brainageDelta"])
def test_a_gap_is_no_prediction(name):
    with pytest.raises(InputError, match=f"column {name} is a gap"):
        find_columns(frame("age", name), {"predicted": name}, PATH)


def test_corrected_columns_are_known_by_name():
    assert looks_corrected("predicted_age_corrected")
    assert not looks_corrected("Uncorrected predicted age")
