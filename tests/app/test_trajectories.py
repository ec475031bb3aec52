"""Measures at other ages beside the predictions."""

import logging
from dataclasses import replace

import numpy as np
import pytest

from bids_brainage.app import trajectories
from bids_brainage.app.run import run
from bids_brainage.bids.outputs import (
    predictions_file,
    read_json,
    read_tsv,
    start_marker,
    trajectory_files,
)
from bids_brainage.config import RunConfig
from bids_brainage.records.session import SessionKey
from bids_brainage.records.trajectory import columns
from tests.aging import MadeUpTraverser, made_up_person
from tests.people import Person, write_dataset

SHIPPED = trajectories.shipped_traverser


def quiet(_):
    pass


@pytest.fixture(scope="module", autouse=True)
def model():
    """The made-up model in place of the shipped one."""
    traverser = MadeUpTraverser()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trajectories, "shipped_traverser", lambda: traverser)
        yield traverser


@pytest.fixture(scope="module")
def bids(tmp_path_factory, typical):
    traverser = MadeUpTraverser()
    people = [
        Person("01", age="30", sex="F", measures=typical),
        Person("02", "a", age="90", sex="M", measures=made_up_person(traverser, 1)),
        Person("02", "b", age="90", sex="M", measures=made_up_person(traverser, 2)),
        Person("05", measures=made_up_person(traverser, 3)),
        Person("04", age="50", sex="F"),
    ]
    return write_dataset(tmp_path_factory.mktemp("aging") / "bids", people)


@pytest.fixture(scope="module")
def output(bids, model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("aging") / "out"
    run(RunConfig(bids, folder, levels=("participant", "group")), quiet)
    return folder


def test_sessions_with_morphometry_get_a_table_and_a_sidecar(output, model):
    table, sidecar = trajectory_files(output, SessionKey("01"))
    rows = read_tsv(table)
    ages = [float(age) for age in range(10, 85, 5)]
    assert [row["measure"] for row in rows] == list(model.names)
    assert list(rows[0]) == list(columns(ages))
    # A typical person of 30 years has 3 % less than is expected at that age, a third of a spread.
    assert {row["deviation"] for row in rows if row["value"] != "n/a"} == {"-0.3"}
    first = rows[0]
    assert float(first["at_40"]) == pytest.approx(float(first["value"]) * 0.985, rel=1e-4)
    assert float(first["expected_40"]) == pytest.approx(float(first["value"]), rel=1e-4)
    about = read_json(sidecar)
    assert (about["Age"], about["AgeKnown"], about["Sex"], about["SexKnown"]) == (30, True, "F",
                                                                                True)  # fmt: skip
    assert about["SHA256"] == model.card.sha256 and about["Warnings"] == []
    assert about["InvertedAge"] == pytest.approx(40, abs=0.01)
    assert about["Sources"] == ["bids::sub-01/anat/sub-01_desc-freesurfer_morph.tsv"]
    assert set(first) < set(about)
    assert table.stat().st_size < 150_000


def test_sessions_without_morphometry_get_none(output):
    assert not any(path.exists() for path in trajectory_files(output, SessionKey("04")))
    assert not list((output / "logs" / "started").iterdir())


def test_ages_and_sexes_that_are_not_known_are_told(output):
    keys = (SessionKey("02", "a"), SessionKey("05"))
    old, unknown = (read_json(trajectory_files(output, key)[1]) for key in keys)
    assert "age of 90.0 years is outside" in old["Warnings"][0]
    assert not unknown["AgeKnown"] and not unknown["SexKnown"]
    assert unknown["Age"] == unknown["InvertedAge"]
    assert [text.partition(":")[0] for text in unknown["Warnings"]] == [
        "the age is not known",
        "the sex is not known",
    ]


def test_the_page_shows_them_and_the_methods_name_the_model(output):
    page = (output / "sub-02.html").read_text(encoding="utf-8")
    assert page.count("_desc-trajectory_morph.svg") == 2
    assert "no forecast for this person" in page
    methods = (output / "logs" / "CITATION.md").read_text(encoding="utf-8")
    assert "Measures at other ages" in methods and "Pinaya" in methods
    assert "model cvae" in methods


def test_stages_and_batches_write_the_same_bytes(bids, output, tmp_path):
    config = RunConfig(bids, tmp_path / "staged", stage="extract")
    run(config, quiet)
    assert not list((tmp_path / "staged").rglob("*_desc-trajectory_*.*"))
    run(replace(config, stage="predict", batch_size=1), quiet)
    names = sorted(p.relative_to(output) for p in output.rglob("*_desc-trajectory_*.*"))
    # A typical person, whose measures add nothing, has no figure.
    assert len(names) == 11
    for name in names:
        assert (tmp_path / "staged" / name).read_bytes() == (output / name).read_bytes()


def test_a_failing_model_costs_no_numbers(bids, tmp_path, model, monkeypatch, caplog):
    config = RunConfig(bids, tmp_path, participant_labels=("01",))
    run(config, quiet)
    files = trajectory_files(tmp_path, SessionKey("01"))
    assert all(path.is_file() for path in files)
    before = predictions_file(tmp_path, SessionKey("01")).read_bytes()
    monkeypatch.setattr(model, "traverse", lambda *_: 1 / 0)
    with caplog.at_level(logging.WARNING):
        assert run(replace(config, force=True), quiet) == 0
    assert "sub-01: no trajectory: division by zero" in caplog.text
    assert not any(path.exists() for path in files)
    assert predictions_file(tmp_path, SessionKey("01")).read_bytes() == before
    assert not start_marker(tmp_path, SessionKey("01")).exists()
    figures = tmp_path / "sub-01" / "figures"
    assert not list(figures.glob("*_desc-trajectory_*"))


def test_tables_of_a_model_that_is_gone_are_taken_away(bids, tmp_path, monkeypatch):
    config = RunConfig(bids, tmp_path, participant_labels=("01",))
    run(config, quiet)
    monkeypatch.setattr(trajectories, "shipped_traverser", lambda: None)
    run(config, quiet)
    assert not any(path.exists() for path in trajectory_files(tmp_path, SessionKey("01")))


def test_what_was_predicted_before_is_left_alone(bids, output):
    table = trajectory_files(output, SessionKey("01"))[0]
    stamp = table.stat().st_mtime_ns
    run(RunConfig(bids, output, stage="predict"), quiet)
    assert table.stat().st_mtime_ns == stamp


def test_measures_that_the_model_does_not_know_are_told(bids, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(trajectories, "shipped_traverser", lambda: MadeUpTraverser(("other",)))
    with caplog.at_level(logging.WARNING):
        run(RunConfig(bids, tmp_path, participant_labels=("01",)), quiet)
    assert "no trajectory: morphometry left out" in caplog.text


def test_a_broken_shipped_model_is_told_once(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(trajectories, "shipped_traverser", SHIPPED)
    (tmp_path / "cvae").mkdir()
    (tmp_path / "cvae" / "card.json").write_text("{}")
    monkeypatch.setattr(trajectories, "shipped_folder", lambda: tmp_path)
    trajectories._loaded.cache_clear()
    with caplog.at_level(logging.WARNING):
        assert trajectories.shipped_traverser() is None
        assert trajectories.shipped_traverser() is None
    assert caplog.text.count("no measures at other ages") == 1


def test_the_shipped_model_knows_the_measures_of_the_app(typical):
    traverser = SHIPPED()
    assert traverser is SHIPPED() and set(traverser.names) == set(typical)
    assert traverser.grid()[0] == 10 and traverser.grid()[-1] == 80
    vector = np.array([typical[name] for name in traverser.names])
    found = traverser.traverse(vector, 25.0, "F", traverser.grid())
    assert np.abs(found.deviation).max() < 2
    # Thinner cortex and larger ventricles at 70 than at 20.
    young, old = (found.expected[traverser.grid().index(age)] for age in (20, 70))
    change = dict(zip(traverser.names, old / young, strict=True))
    assert change["3rd-Ventricle"] > 1.1 and change["Left-Thalamus-Proper"] < 0.97
