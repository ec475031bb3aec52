import json

import numpy as np
import pandas as pd
import pytest

from bids_brainage.app.evaluate import evaluate_tables, write_evaluation
from bids_brainage.bids.outputs import read_tsv
from bids_brainage.evaluation.bootstrap import paired_bootstrap


@pytest.fixture
def table(tmp_path):
    """Two models and two sessions of forty people."""
    rng = np.random.default_rng(0)
    rows = []
    own = rng.normal(0, 3, 40)
    for model, error in (("mavae", 3.0), ("fusion", 1.0)):
        for session in ("1", "2"):
            age = np.linspace(10, 60, 40) + (session == "2")
            predicted = age + own + rng.normal(0, error, 40)
            rows.append(pd.DataFrame({
                "participant_id": [f"sub-{i:02d}" for i in range(40)], "session_id": session,
                "model": model, "status": "ok", "age": age, "sex": ["F", "M"] * 20,
                "predicted_age": predicted, "predicted_age_lower": predicted - 8,
                "predicted_age_upper": predicted + 8,
                "probability_female": np.clip(rng.normal([0.7, 0.3] * 20, 0.2), 0.01, 0.99),
                "intracranial_volume": rng.normal([1400, 1550] * 20, 80),
            }))  # fmt: skip
    path = tmp_path / "group_brainage.tsv"
    pd.concat(rows).to_csv(path, sep="\t", index=False)
    return path


def test_the_summary_has_a_row_per_model(table):
    mavae, fusion = evaluate_tables([table], draws=50).summary()
    assert (mavae["model"], mavae["n"], mavae["participants"]) == ("mavae", 80, 40)
    assert mavae["mae_lower"] < mavae["mae"] < mavae["mae_upper"]
    assert fusion["mae"] < mavae["mae"]
    assert {"r2", "spearman", "coverage", "sex_n", "sex_auc_same_head_size"} <= set(fusion)


def test_tables_and_figures_are_written(table, tmp_path):
    found = evaluate_tables([table], draws=50)
    written = write_evaluation(found, tmp_path / "out")
    assert sorted(path.name for path in written) == [
        "agreement.tsv", "comparison.tsv", "evaluation.html", "evaluation.png", "evaluation.svg",
        "scores.json", "scores.tsv"]  # fmt: skip
    scores = read_tsv(tmp_path / "out" / "scores.tsv")
    assert list(scores[0]) == ["model", "group", "level", "metric", "value", "lower", "upper", "n"]
    assert {row["group"] for row in scores} == {"all", "decade", "sex"}
    content = json.loads((tmp_path / "out" / "scores.json").read_text())
    mae = next(
        r for r in scores if (r["model"], r["group"], r["metric"]) == ("fusion", "all", "mae")
    )
    assert content["models"]["fusion"]["all"]["all"]["mae"]["value"] == pytest.approx(
        float(mae["value"])
    )
    assert content["settings"]["draws"] == 50
    (row,) = read_tsv(tmp_path / "out" / "comparison.tsv")
    assert (row["first"], row["second"], row["n"]) == ("mavae", "fusion", "80")
    assert len(read_tsv(tmp_path / "out" / "agreement.tsv")) == 4


def test_the_comparison_is_the_paired_bootstrap_over_participants(table):
    frame = pd.read_csv(table, sep="\t").sort_values(["participant_id", "session_id"])
    one, two = (frame[frame["model"] == name] for name in ("mavae", "fusion"))
    expected = paired_bootstrap(
        one["age"].to_numpy(), one["predicted_age"].to_numpy(), two["predicted_age"].to_numpy(),
        groups=one["participant_id"].to_numpy(), draws=100,
    )  # fmt: skip
    (row,) = evaluate_tables([table], draws=100).comparison
    assert (row["gain"], row["lower"], row["upper"]) == pytest.approx(
        (expected.gain, expected.lower, expected.upper)
    )
