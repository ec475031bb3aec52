import numpy as np
import pytest

from bids_brainage.bids.outputs import extraction_log, session_file, write_json, write_tsv
from bids_brainage.errors import InputError
from bids_brainage.records.extraction import Extraction
from bids_brainage.training.output_folder import load_output
from bids_brainage.training.sources import load_table

NAMES = ("lh_MeanThickness_thickness", "Left-Hippocampus")
REGIONS = ("a", "b", "c")


def write_session(folder, participant, *, age=30.0, status="ok", connectivity=True):
    extraction = Extraction(participant, "", status, age=age, sex="F", settings={"atlas": "test"})
    morph = session_file(folder, extraction.key, "desc-freesurfer_morph.tsv", "anat")
    rows = [{"measure": NAMES[0], "value": 2.5}, {"measure": NAMES[1], "value": None}]
    write_tsv(morph, rows, ("measure", "value"))
    derivatives = {"morphometry": str(morph.relative_to(folder))}
    if connectivity:
        relmat = session_file(folder, extraction.key, "relmat.tsv", "func")
        matrix = [dict(zip(REGIONS, row, strict=True)) for row in np.full((3, 3), 0.5)]
        write_tsv(relmat, matrix, REGIONS)
        derivatives["connectivity"] = str(relmat.relative_to(folder))
    content = extraction.to_json() | {"derivatives": derivatives}
    write_json(extraction_log(folder, extraction.key), content)


def test_finished_sessions_become_people(tmp_path):
    write_session(tmp_path, "01")
    write_session(tmp_path, "02", connectivity=False)
    write_session(tmp_path, "03", status="failed")
    table = load_output(tmp_path, NAMES, REGIONS)
    assert table.participants.tolist() == ["01", "02"]
    assert np.array_equal(table.measures["morphometry"][0], [2.5, np.nan], equal_nan=True)
    assert table.has("connectivity").tolist() == [True, False]
    assert table.atlas == "test"


def test_people_without_an_age_cannot_be_trained_on(tmp_path):
    write_session(tmp_path, "01", age=None)
    with pytest.raises(InputError, match="nobody with an age"):
        load_output(tmp_path, NAMES, REGIONS)


def test_an_output_folder_is_recognised(tmp_path):
    write_session(tmp_path, "01", connectivity=False)
    assert len(load_table(tmp_path)) == 1
