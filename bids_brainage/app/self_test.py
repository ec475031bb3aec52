"""Does this installation compute what it should: a made-up person through every shipped model."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from itertools import combinations
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from bids_brainage.bids.outputs import write_json
from bids_brainage.models.cards import InputSpec, ModelCard
from bids_brainage.models.find import list_models
from bids_brainage.predict.device import resolve_device
from bids_brainage.predict.load import load_predictor
from bids_brainage.preprocessing.segmentation import segment

AGE, PROBABILITY, VOLUME = "predicted_age", "probability_female", "volume"
TOLERANCES = {AGE: 0.01, PROBABILITY: 0.001, VOLUME: 5.0}
UNITS = {AGE: "years", PROBABILITY: "", VOLUME: "mL"}
SEGMENTATION = "resunet"
TISSUES = {"GM": 1, "WM": 2, "CSF": 3}
SHAPE, ZOOM = (80, 96, 80), 2.0
Found = dict[str, float]
COLUMNS = ("model", "device", "input", "what", "found", "expected", "unit", "result")


@dataclass(frozen=True)
class Outcome:
    """Rows of the table, and whether all of them are as expected."""

    rows: list[dict[str, Any]]
    passed: bool


def self_test(device: str = "auto") -> Outcome:
    """Compare what the shipped models say of a made-up person with the stored values.

    Parameters
    ----------
    device
        ``auto`` for the CPU, and a GPU too where there is one; else that device alone.

    Raises
    ------
    ModelError, UsageError
        If a model is damaged, or the device is not there.
    """
    stored = expectations()
    rows = []
    for place in _devices(device):
        for card in list_models():
            known = stored.get(card.name, {})
            wanted = known.get("values", {}) if known.get("sha256") == card.sha256 else {}
            rows += [
                _row(card, place, key, value, wanted.get(key))
                for key, value in found_values(card, place).items()
            ]
    return Outcome(rows, all(row["result"] == "ok" for row in rows))


def expectations() -> dict[str, dict[str, Any]]:
    """Stored values of each model, with the hash of the weights that they are of."""
    path = resources.files("bids_brainage") / "data" / "self_test.json"
    return json.loads(path.read_text(encoding="utf-8"))


def write_expectations(path: Path) -> Path:
    """Write what this installation finds as the values to expect; for new weights.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    content = {
        card.name: {"sha256": card.sha256, "values": found_values(card, "cpu")}
        for card in list_models()
    }
    return write_json(path, content)


def found_values(card: ModelCard, device: str) -> Found:
    """Return what a model says of the made-up person, by "input what"."""
    if card.family == SEGMENTATION:
        return dict(_volumes(card, device))
    predictor = load_predictor(card.name, resolve_device(device))
    person = {name: made_up(spec) for name, spec in card.inputs.items()}
    given = [chosen for n in range(1, len(person) + 1) for chosen in combinations(person, n)]
    found: Found = {}
    predictions = predictor.predict({name: person[name] for name in names} for names in given)
    for names, prediction in zip(given, predictions, strict=True):
        found[f"{'+'.join(names)} {AGE}"] = prediction.age
        if not math.isnan(prediction.probability_female):
            found[f"{'+'.join(names)} {PROBABILITY}"] = prediction.probability_female
    return found


def made_up(spec: InputSpec) -> np.ndarray:
    """Measures of the made-up person: typical ones, up to 5 % off; connections by a formula."""
    number = np.arange(1, len(spec.names) + 1)
    if not spec.typical:
        return np.tanh(0.35 + 0.3 * np.cos(1.7 * number))
    return np.array([spec.typical[name] for name in spec.names]) * (1 + 0.05 * np.sin(number))


def made_up_head() -> nib.Nifti1Image:
    """Head of nested ellipsoids with folds: scalp, skull, CSF, grey and white matter."""
    axes = [ZOOM * (np.arange(n) - (n - 1) / 2) for n in SHAPE]
    x, y, z = np.meshgrid(*axes, indexing="ij")
    folds = 0.04 * np.sin(x / 5) * np.sin(y / 5) * np.sin(z / 5)
    radius = np.sqrt((x / 68) ** 2 + (y / 84) ** 2 + (z / 66) ** 2)
    head = np.zeros(SHAPE)
    for edge, brightness in ((1.1, 180.0), (1.05, 20.0), (1.0, 40.0)):
        head[radius < edge] = brightness
    head[radius + folds < 0.93] = 95.0
    head[radius + 2 * folds < 0.8] = 150.0
    ventricles = np.sqrt((x / 14) ** 2 + ((y + 5) / 34) ** 2 + ((z - 6) / 12) ** 2)
    head[ventricles < 1] = 40.0
    return nib.Nifti1Image(head.astype(np.float32), np.diag([ZOOM, ZOOM, ZOOM, 1.0]))


def _volumes(card: ModelCard, device: str) -> Iterator[tuple[str, float]]:
    found = segment(made_up_head(), model=card.name, device=device)
    for name, number in TISSUES.items():
        yield (
            f"T1w {name} {VOLUME}",
            round(float((found.tissue == number).sum()) * ZOOM**3 / 1000, 1),
        )


def _devices(device: str) -> list[str]:
    best = resolve_device(device).type
    return list(dict.fromkeys(("cpu", best))) if device == "auto" else [device]


def _row(
    card: ModelCard, device: str, key: str, value: float, expected: float | None
) -> dict[str, Any]:
    what, _, kind = key.rpartition(" ")
    result = "no stored value for these weights"
    if expected is not None:
        near = abs(value - expected) <= TOLERANCES[kind]
        result = "ok" if near else f"differs by more than {TOLERANCES[kind]:g}"
    return {
        "model": card.name, "device": device, "input": what, "what": kind.replace("_", " "),
        "found": value, "expected": expected, "unit": UNITS[kind], "result": result,
    }  # fmt: skip
