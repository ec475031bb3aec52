import numpy as np
import pytest

from bids_brainage.app import self_test
from bids_brainage.cli import tool_command
from bids_brainage.models.cards import InputSpec
from bids_brainage.models.find import list_models


def test_every_shipped_model_has_values_of_its_own_weights():
    stored = self_test.expectations()
    assert {card.name: card.sha256 for card in list_models()} == {
        name: entry["sha256"] for name, entry in stored.items()
    }, "brainage self-test --write bids_brainage/data/self_test.json"


def test_this_installation_passes(capsys):
    assert tool_command.main(["self-test", "--device", "cpu"]) == 0
    told = capsys.readouterr().out
    assert told.rstrip().endswith("passed")
    for model in ("mavae", "volumes", "resunet"):
        assert f"\n{model}\tcpu\t" in told


@pytest.fixture
def quick(monkeypatch):
    """One model that takes no time."""
    card = next(card for card in list_models() if card.name == "volumes")
    monkeypatch.setattr(self_test, "list_models", lambda: [card])
    values = {"volumes predicted_age": 30.0, "volumes probability_female": 0.5}
    monkeypatch.setattr(self_test, "found_values", lambda *_: values)
    return card


@pytest.mark.parametrize(
    ("age", "chance", "passes"),
    [(30.009, 0.5009, True), (30.011, 0.5, False), (30.0, 0.5011, False)],
)
def test_the_tolerances_are_narrow(quick, monkeypatch, age, chance, passes):
    values = {"volumes predicted_age": age, "volumes probability_female": chance}
    stored = {"volumes": {"sha256": quick.sha256, "values": values}}
    monkeypatch.setattr(self_test, "expectations", lambda: stored)
    assert self_test.self_test("cpu").passed is passes


def test_values_of_other_weights_do_not_count(quick, monkeypatch, capsys):
    values = {"volumes predicted_age": 30.0, "volumes probability_female": 0.5}
    stored = {"volumes": {"sha256": "of another model", "values": values}}
    monkeypatch.setattr(self_test, "expectations", lambda: stored)
    assert tool_command.main(["self-test", "--device", "cpu"]) == 1
    told = capsys.readouterr().out
    assert "no stored value for these weights" in told and "FAILED" in told


def test_a_gpu_is_tested_where_there_is_one(quick, monkeypatch):
    monkeypatch.setattr(self_test, "expectations", dict)
    rows = self_test.self_test().rows
    assert rows[0]["device"] == "cpu"


def test_values_found_can_be_written(quick, tmp_path):
    assert tool_command.main(["self-test", "--write", str(tmp_path / "x.json")]) == 0
    assert quick.sha256 in (tmp_path / "x.json").read_text()


def test_the_made_up_person_is_nobody_and_always_the_same():
    spec = InputSpec(("a", "b"), "", typical={"a": 2.0, "b": 4.0})
    assert self_test.made_up(spec) == pytest.approx([2.0841, 4.1819], abs=1e-3)
    edges = self_test.made_up(InputSpec(("a~b", "a~c", "b~c"), "", regions=("a", "b", "c")))
    assert np.all(np.abs(edges) < 0.65)
