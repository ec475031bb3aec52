import json

import pytest

from bids_brainage.app.known import dataset_names, input_cautions, seen_in_training
from bids_brainage.features.old_totals import PARTS, TOTAL
from bids_brainage.models.cards import TrainingSample
from bids_brainage.records.extraction import Extraction
from tests.models.test_cards import make_card


def test_names_of_the_dataset_come_from_the_description(tmp_path):
    sources = [{"URL": "file:///data/ds000001", "DOI": "10.1/x"}, {"Version": "1"}]
    description = {"Name": "Brain age and sex of: IXI", "SourceDatasets": sources}
    (tmp_path / "dataset_description.json").write_text(json.dumps(description))
    found = dataset_names(tmp_path)
    assert found == ["Brain age and sex of: IXI", "10.1/x", "file:///data/ds000001"]


@pytest.mark.parametrize("content", ["", "[1]", '{"SourceDatasets": 3}'])
def test_broken_descriptions_name_nothing(tmp_path, content):
    (tmp_path / "dataset_description.json").write_text(content)
    assert "".join(dataset_names(tmp_path)) == ""


def test_a_dataset_of_the_training_people_is_told():
    sample = TrainingSample("ixi", 5, 2, 3, 20, 30, 40, {}, "IXI (brain-development.org)")
    card = make_card(training=(sample,))
    assert "was trained on ixi" in seen_in_training(["IXI T1"], card)[0]
    assert seen_in_training(["another"], card) == []


def test_totals_of_freesurfer_5_are_told(tmp_path):
    lines = [f"{name}\t3500\tmm3" for name in PARTS] + [f"{TOTAL}\t190000\tmm3"]
    (tmp_path / "sub-1_morph.tsv").write_text("\n".join(["measure\tvalue\tunit", *lines]) + "\n")
    log = Extraction("1", "", "ok", derivatives={"morphometry": "sub-1_morph.tsv"})
    assert input_cautions(tmp_path, log)[0].startswith("FreeSurfer 5-style totals")


def test_ages_that_could_not_be_taken_as_they_stand_are_told(tmp_path):
    odd = "age 250 in years is implausible: correct it"
    notes = [odd, "age is missing", "age 30 from participants.tsv", "sex F from participants.tsv"]
    assert input_cautions(tmp_path, Extraction("1", "", "ok", notes=notes)) == [odd]


@pytest.mark.parametrize("derivatives", [{}, {"morphometry": "absent.tsv"}])
def test_without_morphometry_nothing_is_said(tmp_path, derivatives):
    assert input_cautions(tmp_path, Extraction("1", "", "ok", derivatives=derivatives)) == []
