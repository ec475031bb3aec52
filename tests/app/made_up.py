"""A made-up cohort: a dataset with columns in its tables, and an output with predictions."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bids_brainage.bids.outputs import prediction_files, write_json, write_tsv
from bids_brainage.records.prediction import columns, data_dictionary
from bids_brainage.records.session import SessionKey

SITES = ("Aachen", "Bergen", "Cadiz")
OFFSETS = (0.0, 3.0, -3.0)


@dataclass(frozen=True)
class Cohort:
    """Where it lies; rows are as in the tables."""

    bids: Path
    output: Path
    rows: list[dict[str, Any]]


def make_cohort(
    root: Path, n: int = 120, change: Callable[[int, dict[str, Any]], None] | None = None
) -> Cohort:
    """Write people of three sites, a third of them patients who look four years older.

    Parameters
    ----------
    change
        Changes one person's row (by number) before it is written.
    """
    rng = np.random.default_rng(5)
    bids, output = root / "bids", root / "out"
    rows = []
    for i in range(n):
        age = float(np.round(rng.uniform(20, 70), 1))
        site, patient = i % 3, i % 9 < 3
        fd = float(rng.gamma(4, 0.04))
        gap = (
            9 - 0.25 * age + OFFSETS[site] + 4 * patient + 4 * (fd - 0.16)
            + rng.normal(scale=2.5 + site)
        )  # fmt: skip
        row = {
            "label": f"{i:03d}", "sessions": ("",), "age": age, "sex": "FM"[i % 2],
            "group": "patient" if patient else "control", "site": SITES[site],
            "score": float(np.round(rng.normal(20, 5), 1)), "scanner": "one",
            "gap": float(gap), "mean_fd": fd, "t1w_snr": float(rng.normal(12, 2)), "model": "mavae",
        }  # fmt: skip
        if change:
            change(i, row)
        rows.append(row)
    _write_dataset(bids, rows)
    for row in rows:
        _write_predictions(output, row)
    return Cohort(bids, output, rows)


def _write_dataset(bids: Path, rows: list[dict[str, Any]]) -> None:
    names = ("group", "site", "score", "scanner")
    people = [{"participant_id": f"sub-{row['label']}"} | row for row in rows]
    write_tsv(bids / "participants.tsv", people, ["participant_id", "age", "sex", *names])
    write_json(bids / "dataset_description.json", {"Name": "made up", "BIDSVersion": "1.10.0"})
    for row in rows:
        (bids / f"sub-{row['label']}").mkdir(parents=True, exist_ok=True)


def _write_predictions(output: Path, row: dict[str, Any]) -> None:
    for number, session in enumerate(row["sessions"]):
        key = SessionKey(row["label"], session)
        age = None if row["age"] is None else row["age"] + number
        predicted = (row["age"] or 40.0) + row["gap"] + number
        found = dict.fromkeys(columns()) | {
            "participant_id": key.participant_id,
            "session_id": key.session_id,
            "model": row["model"],
            "status": "ok",
            "modalities": "morphometry",
            "age": age,
            "sex": row["sex"],
            "predicted_age": predicted,
            "brain_age_gap": None if age is None else predicted - age,
            "probability_female": 0.8 if row["sex"] == "F" else 0.3,
            "within_age_range": True,
            "out_of_distribution": False,
            "quality": "good",
            "mean_fd": row["mean_fd"],
            "t1w_snr": row["t1w_snr"],
        }
        table, sidecar = prediction_files(output, key)
        write_tsv(table, [found], columns())
        write_json(sidecar, data_dictionary())
