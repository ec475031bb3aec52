"""Explanations beside the predictions."""

import logging
from dataclasses import replace

import numpy as np
import pytest
import torch

from bids_brainage.app.explanation import explain, sum_by_place
from bids_brainage.app.run import run
from bids_brainage.bids.outputs import explanation_files, predictions_file, read_json, read_tsv
from bids_brainage.config import RunConfig
from bids_brainage.models.cards import InputSpec
from bids_brainage.predict.load import load_predictor
from bids_brainage.records.explanation import COLUMNS
from bids_brainage.records.session import SessionKey


@pytest.fixture(scope="module")
def table(crowd):
    return read_tsv(explanation_files(crowd[1], SessionKey("01"))[0])


def years(table, modality, level):
    chosen = [row for row in table if (row["modality"], row["level"]) == (modality, level)]
    return [float(row["contribution"]) for row in chosen]


def test_every_level_adds_up_to_the_predicted_age(crowd, table):
    sidecar = read_json(explanation_files(crowd[1], SessionKey("01"))[1])
    summary = sidecar["Models"]["mavae"]
    row = read_tsv(predictions_file(crowd[1], SessionKey("01")))[0]
    assert summary["PredictedAge"] == pytest.approx(float(row["predicted_age"]), abs=1e-3)
    assert abs(summary["Residual"]) < 0.05
    added = summary["PredictedAge"] - summary["PredictedAgeOfTypicalPerson"]
    parts = [f"{name} {sum(years(table, name, 'region')):+.1f}" for name in
             ("morphometry", "connectivity")]  # fmt: skip
    assert row["contributions"].startswith(", ".join(parts))
    for level in ("region", "group"):
        total = sum(sum(years(table, name, level)) for name in ("morphometry", "connectivity"))
        assert total == pytest.approx(added, abs=0.05)
    unlisted = summary["ContributionOfMeasuresNotListed"]["connectivity"]
    listed = sum(years(table, "connectivity", "measure"))
    assert listed + unlisted == pytest.approx(summary["ContributionByModality"]["connectivity"],
                                              abs=0.01)  # fmt: skip


def test_the_table_is_sorted_short_and_explained(crowd, table):
    assert list(table[0]) == list(COLUMNS)
    assert len(years(table, "connectivity", "measure")) == 100
    assert len(years(table, "connectivity", "region")) == 110
    sizes = [abs(value) for value in years(table, "connectivity", "measure")]
    assert sizes == sorted(sizes, reverse=True)
    path, sidecar = explanation_files(crowd[1], SessionKey("01"))
    assert path.stat().st_size < 80_000
    assert set(COLUMNS) < set(read_json(sidecar))
    assert "*_explanation.*" in (crowd[1] / ".bidsignore").read_text().splitlines()


def test_a_typical_person_is_explained_by_nothing(crowd):
    rows = read_tsv(explanation_files(crowd[1], SessionKey("04", "a"))[0])
    assert max(abs(value) for value in years(rows, "morphometry", "measure")) < 0.001
    assert rows[-1]["value"] != "n/a"


def test_failed_sessions_have_no_explanation(crowd):
    assert not explanation_files(crowd[1], SessionKey("05"))[0].exists()
    assert not explanation_files(crowd[1], SessionKey("07"))[0].exists()


def test_a_failing_explanation_costs_no_numbers(monkeypatch, caplog):
    predictor = load_predictor("mavae", torch.device("cpu"))
    monkeypatch.setattr(predictor, "attribute", lambda features: 1 / 0)
    with caplog.at_level(logging.WARNING):
        assert explain(predictor, {}, "sub-01") is None
    assert "sub-01: no explanation of model mavae: division by zero" in caplog.text


def test_with_force_what_an_earlier_run_explained_is_gone(crowd, tmp_path, monkeypatch):
    config = RunConfig(crowd[0], tmp_path, participant_labels=("02",))
    run(config, lambda _: None)
    table, sidecar = explanation_files(tmp_path, SessionKey("02"))
    assert table.is_file()
    monkeypatch.setattr("bids_brainage.predict.predictor.Predictor.attribute", lambda *_: 1 / 0)
    run(replace(config, force=True), lambda _: None)
    assert not table.exists() and not sidecar.exists()
    assert predictions_file(tmp_path, SessionKey("02")).is_file()


def test_half_of_each_connection_goes_to_each_of_its_regions():
    spec = InputSpec((), "", regions=("Left_Thalamus", "Right_Thalamus", "Left_Insular_Cortex"))
    regions, groups = sum_by_place(spec, np.array([1.0, 2.0, -4.0]))
    assert regions == {"Left Thalamus": 1.5, "Right Thalamus": -1.5, "Left Insular Cortex": -1.0}
    assert groups == {"Subcortical": 0.0, "Insula and opercula": -1.0}
