import json
import time

import numpy as np

from bids_brainage.training.crossval import CrossvalOptions, run_crossval
from bids_brainage.training.recipe import quick

ONLY = ("median", "ridge", "svr", "stack", "aae", "mavae")


def test_the_table_is_written_and_resumed(array_folder, tmp_path):
    options = CrossvalOptions(
        array_folder, tmp_path / "out", quick().changed(epochs=1, batch_size=16), n_folds=2,
        only=ONLY,
    )  # fmt: skip
    folder = run_crossval(options)
    content = json.loads((folder / "crossval.json").read_text(encoding="utf-8"))
    models = {(row["model"], row["inputs"]) for row in content["rows"]}
    assert ("M-AVAE", "both") in models
    assert ("M-AAE (not variational)", "morphometry") in models
    assert ("stack of support vector regressions", "both") in models
    assert any("best reference" in name for name in content["comparisons"])
    assert "| guess the median | both |" in (folder / "crossval.md").read_text(encoding="utf-8")
    header = (folder / "predictions.tsv").read_text(encoding="utf-8").split("\n")[0]
    assert "mavae_both_age" in header
    from dataclasses import replace

    started = time.monotonic()
    run_crossval(replace(options, resume=True))
    assert time.monotonic() - started < 10
    again = json.loads((folder / "crossval.json").read_text(encoding="utf-8"))
    for before, after in zip(content["rows"], again["rows"], strict=True):
        assert before["mae"] == after["mae"]


def test_no_number_in_the_table_is_infinite(array_folder, tmp_path):
    options = CrossvalOptions(array_folder, tmp_path, quick(), n_folds=2, only=("median",))
    text = (run_crossval(options) / "crossval.json").read_text(encoding="utf-8")
    assert "Infinity" not in text
    row = json.loads(text)["rows"][0]
    ages = np.load(array_folder / "labels_Age.npy")
    assert row["n"] == len(ages)


def test_folds_within_sites_are_called_so(array_folder, tmp_path):
    options = CrossvalOptions(
        array_folder, tmp_path, quick(), n_folds=2, only=("median",), within_sites=True
    )
    text = (run_crossval(options) / "crossval.md").read_text(encoding="utf-8")
    assert text.startswith("Folds within sites") and "Site-grouped" not in text
