import json
import math

import pytest

from bids_brainage.errors import ModelError
from bids_brainage.models.cards import InputSpec, ModelCard, TrainingSample, names_hash, read_card


def make_card(**changes):
    names = ("lh_G&S_frontomargin_thickness", "Left-Thalamus-Proper")
    values = {
        "name": "small", "version": "1", "family": "mavae", "description": "a model",
        "inputs": {"morphometry": InputSpec(names, names_hash(names), typical={names[0]: 2.5})},
        "training": (TrainingSample("real", 3, 1, 2, 6.0, 20.0, 84.0, {"site": 3}),),
        "metrics": {"morphometry": {"mae": math.nan}},
        "bias_correction": {"morphometry": {"slope": 0.8, "intercept": 4.0}},
        "age_range": {"morphometry": (6.0, 84.0)},
        "sha256": "", "config": {}, "recipe": {}, "seed": 0, "command": "brainage train mavae",
        "versions": {},
    }  # fmt: skip
    return ModelCard(**(values | changes))


def test_a_card_survives_its_file(tmp_path):
    card = make_card(metrics={})
    assert read_card(card.write(tmp_path)) == card


def test_missing_scores_are_null(tmp_path):
    text = make_card().write(tmp_path).read_text(encoding="utf-8")
    assert json.loads(text)["metrics"]["morphometry"]["mae"] is None


def test_use_is_non_commercial():
    assert make_card().use == "research, non-commercial"


def test_a_changed_input_order_is_refused(tmp_path):
    path = make_card().write(tmp_path)
    content = json.loads(path.read_text(encoding="utf-8"))
    content["inputs"]["morphometry"]["names"].reverse()
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ModelError, match="order of the morphometry inputs"):
        read_card(path)


NAMED_BY_NUMBERS = (
    '{"inputs": {"m": {"names": [1], "sha256": ""}}, "training": [], "age_range": {}}'
)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "not json", '{"inputs": 3}', "[" * 3000, NAMED_BY_NUMBERS]
)
def test_other_files_are_no_cards(tmp_path, text):
    path = tmp_path / "card.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ModelError):
        read_card(path)


def test_the_gap_is_corrected_with_the_line_of_its_modalities():
    card = make_card()
    assert card.corrected_gap(-4.0, 40.0, "morphometry") == pytest.approx(0.0)
    assert math.isnan(card.corrected_gap(1.0, 40.0, "connectivity"))
    assert card.age_range_of("morphometry") == (6.0, 84.0)
