"""A session's measures beside those of others of the same age and sex, and at other ages."""

import logging
import math
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from bids_brainage.app.cautions import of_measures
from bids_brainage.app.model_inputs import model_inputs
from bids_brainage.bids.outputs import trajectory_files, write_json, write_tsv
from bids_brainage.errors import BrainAgeError
from bids_brainage.models.attribution import Attribution
from bids_brainage.models.cards import CARD_NAME
from bids_brainage.models.find import shipped_folder
from bids_brainage.predict.traverser import MODALITY, Trajectory, Traverser, load_traverser
from bids_brainage.records.extraction import Extraction
from bids_brainage.records.trajectory import DESCRIPTION, SEX_WORDS, columns

logger = logging.getLogger(__name__)
MODEL = "cvae"
# Digits that the number of threads cannot change.
DIGITS = 6
DECIMALS = 4
Row = dict[str, Any]


def write_trajectory(output_dir: Path, extraction: Extraction) -> None:
    """Write a session's table and sidecar, or take an earlier one away where there is none.

    What goes wrong with the model is a warning and costs no prediction.

    Raises
    ------
    OutputError
        If they cannot be written.
    """
    table, sidecar = trajectory_files(output_dir, extraction.key)
    found = _compute(output_dir, extraction)
    if found is None:
        for path in (table, sidecar):
            path.unlink(missing_ok=True)
        return
    rows, about = found
    write_tsv(table, rows, list(rows[0]))
    write_json(sidecar, about)


def shipped_traverser() -> Traverser | None:
    """Give the shipped model, loaded once; None where there is none, or it is broken."""
    folder = shipped_folder() / MODEL
    return _loaded(folder) if (folder / CARD_NAME).is_file() else None


@cache
def _loaded(folder: Path) -> Traverser | None:
    try:
        return load_traverser(folder)
    except BrainAgeError as error:
        logger.warning("no measures at other ages: %s", error)
        return None


def _compute(output_dir: Path, extraction: Extraction) -> tuple[list[Row], Row] | None:
    source = extraction.derivatives.get(MODALITY)
    if extraction.status != "ok" or not source:
        return None
    traverser = shipped_traverser()
    if traverser is None:
        return None
    try:
        vectors, problems = model_inputs(output_dir, extraction, traverser.card)
        if MODALITY not in vectors:
            logger.warning("%s: no trajectory: %s", extraction.key.stem, "; ".join(problems))
            return None
        ages = traverser.grid()
        found = traverser.traverse(vectors[MODALITY], extraction.age, extraction.sex, ages)
        added = traverser.attribute(vectors[MODALITY])
        about = {
            **summary(traverser, found, added),
            "Sources": [f"bids::{source}"],
            **columns(ages),
        }
        return _rows(traverser.names, found, added), about
    except Exception as error:  # the numbers must not be lost with their explanation
        logger.warning("%s: no trajectory: %s", extraction.key.stem, error)
        return None


def own_rows(names: Sequence[str], found: Trajectory, added: Attribution) -> list[Row]:
    """Rows of one person beside people of the same age and sex, one per measure."""
    numbers = {
        "value": found.value.tolist(),
        "expected": digits(found.own_expected),
        "spread": digits(found.own_spread),
        "deviation": decimals(found.deviation),
        "contribution": decimals(added.years[MODALITY].cpu().numpy()),
    }
    return [
        {"measure": name, **{column: values[i] for column, values in numbers.items()}}
        for i, name in enumerate(names)
    ]


def _rows(names: Sequence[str], found: Trajectory, added: Attribution) -> list[Row]:
    rows = own_rows(names, found, added)
    parts = {"at": found.most_likely, "expected": found.expected, "spread": found.spread}
    for what, matrix in parts.items():
        for age, line in zip(found.ages.tolist(), matrix, strict=True):
            for row, value in zip(rows, digits(line), strict=True):
                row[f"{what}_{age:g}"] = value
    return rows


def summary(traverser: Traverser, found: Trajectory, added: Attribution) -> Row:
    """Say what the table is of: the model, the person's age and sex, and what to mind."""
    card = traverser.card
    told = {
        "Description": DESCRIPTION,
        "Model": card.name,
        "Version": card.version,
        "SHA256": card.sha256,
        "Age": found.own_age,
        "AgeKnown": found.age_known,
        "Sex": found.sex,
        "SexKnown": found.sex_known,
        "InvertedAge": found.inverted_age,
        "LogLikelihoodByAge": dict(
            zip((f"{age:g}" for age in found.ages.tolist()), found.likelihood.tolist(), strict=True)
        ),
        "AgeRange": list(traverser.age_range),
        "PredictedAge": added.predicted,
        "PredictedAgeOfTypicalPerson": added.typical_age,
        "ContributionOfLimitsOfAges": added.elsewhere,
        "Residual": added.residual,
        "Warnings": cautions(traverser, found),
    }
    return _rounded(told)


def cautions(traverser: Traverser, found: Trajectory) -> list[str]:
    """Say in words what the comparison had to assume, and what makes the measures doubtful."""
    low, high = traverser.age_range
    told = of_measures(traverser.predict(found.value), traverser.card)
    if not found.age_known:
        told.append(
            "the age is not known: compared with people of the age that fits the measures, "
            f"{found.own_age:.1f} years"
        )
    elif not low <= found.own_age <= high:
        told.append(
            f"the age of {found.own_age:.1f} years is outside of those of the model's training "
            f"people, {low:.1f} to {high:.1f} years: compared with those of the nearest age"
        )
    if not found.sex_known:
        told.append(
            f"the sex is not known: compared with {SEX_WORDS[found.sex]}, whom the measures fit "
            "better"
        )
    return told


def digits(values: np.ndarray) -> list[float]:
    """Round to significant digits."""
    return [float(f"{value:.{DIGITS}g}") + 0.0 for value in values.tolist()]


def decimals(values: np.ndarray) -> list[float]:
    """Round to decimals, without the sign of a zero."""
    return [round(value, DECIMALS) + 0.0 for value in values.tolist()]


def _rounded(content: Any) -> Any:
    if isinstance(content, Mapping):
        return {key: _rounded(value) for key, value in content.items()}
    if isinstance(content, list):
        return [_rounded(value) for value in content]
    if isinstance(content, float) and math.isfinite(content):
        return round(content, DECIMALS) + 0.0
    return content
