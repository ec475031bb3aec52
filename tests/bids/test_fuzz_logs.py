import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bids_brainage.bids.extraction_logs import read_extraction
from bids_brainage.errors import InputError
from bids_brainage.records.extraction import Extraction
from bids_brainage.records.session import SessionKey
from tests.fuzzing import fuzz, json_values, mutated, no_hang

KEY = SessionKey("01", "1")
LOG = Extraction("01", "1", "ok", age=30.5, sex="F", sources={"morphometry": ["bids:raw:x"]},
                 derivatives={"morphometry": "sub-01/ses-1/anat/sub-01_ses-1_x.tsv",
                              "timeseries": ["sub-01/ses-1/func/sub-01_ses-1_y.tsv"]},
                 quality={"mean_fd": None, "holes": 12}, notes=["a note"]).to_json()  # fmt: skip


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("logs") / "sub-01_ses-1_desc-extraction_log.json"


def test_a_log_is_read_back(path):
    path.write_text(json.dumps(LOG | {"of a later version": 1}))
    assert read_extraction(path, KEY).to_json() == LOG


@pytest.mark.parametrize(
    "changes",
    [
        {"participant": "../../x"},
        {"session": "../x"},
        {"participant": 1},
        {"status": "fine"},
        {"age": "30"},
        {"age": 10**400},
        {"sex": "female"},
        {"notes": "a note"},
        {"quality": {"mean_fd": "low"}},
        {"derivatives": {"morphometry": "/etc/passwd"}},
        {"derivatives": {"timeseries": ["sub-01/ses-1/../../../sub-01_ses-1_x"]}},
        {"derivatives": {"morphometry": "sub-02/anat/sub-02_desc-freesurfer_morph.tsv"}},
        {"derivatives": [1]},
    ],
)
def test_logs_that_cannot_be_are_refused(path, changes):
    path.write_text(json.dumps(LOG | changes))
    with pytest.raises(InputError, match="not an extraction log"):
        read_extraction(path)


def test_the_log_of_another_session_is_refused(path):
    path.write_text(json.dumps(LOG))
    with pytest.raises(InputError, match="is of sub-01_ses-1"):
        read_extraction(path, SessionKey("01", "2"))


@fuzz
@given(
    st.one_of(
        mutated(json.dumps(LOG).encode()),
        st.tuples(st.sampled_from(sorted(LOG)), json_values).map(
            lambda pair: json.dumps(LOG | dict([pair])).encode()
        ),
    )
)
def test_any_log_is_whole_or_refused(path, content):
    path.write_bytes(content)
    with no_hang():
        try:
            log = read_extraction(path, KEY)
        except InputError as error:
            assert error.place == str(path)
            return
    assert log.key == KEY and isinstance(log.reason, str)
    folder = path.parent
    assert all((folder / name).resolve().is_relative_to(folder.resolve()) for name in log.files)
