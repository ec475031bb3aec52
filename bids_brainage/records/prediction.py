"""Predictions and the columns they are written with."""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

# Model whose rows are the sessions' headlines.
FUSION = "fusion"
WORST_FIRST = ("failed", "no_input", "ok")


def session_status(rows: Iterable[Mapping[str, Any]]) -> str:
    """Status of a session: that of its headline, else the worst of its rows'."""
    found = {row.get("model"): row["status"] for row in rows}
    if FUSION in found:
        return found[FUSION]
    return next((s for s in WORST_FIRST if s in found.values()), "failed")


@cache
def data_dictionary() -> dict[str, dict[str, Any]]:
    """Columns of the predictions table in order, with their BIDS descriptions."""
    path = resources.files("bids_brainage") / "data" / "columns.json"
    return json.loads(path.read_text(encoding="utf-8"))


def columns() -> list[str]:
    """Names of the predictions columns in order."""
    return list(data_dictionary())


@dataclass(frozen=True)
class Prediction:
    """What one model says of one session.

    Parameters
    ----------
    age
        Predicted age in years, not bias corrected.
    probability_female
        Between 0 and 1; NaN from a model that does not predict sex.
    modalities
        Inputs that the prediction rests on.
    out_of_range
        Share of the measures used outside the training range, 0 to 1.
    missing
        Share of each used modality's measures that were missing, 0 to 1.
    percentile
        Share of the training people whose measures are less unusual, in percent; NaN from a model
        that does not know.
    extremes
        The measures furthest outside the training range, in words.
    missing_blocks
        Groups of measures of which nearly all were missing, in words.
    spread
        Standard deviation in years of the model's own distribution over ages, uncalibrated; NaN
        from a model without one.
    """

    age: float
    probability_female: float
    modalities: tuple[str, ...]
    out_of_range: float
    missing: dict[str, float]
    spread: float = math.nan
    percentile: float = math.nan
    extremes: tuple[str, ...] = ()
    missing_blocks: tuple[str, ...] = ()

    @property
    def sex(self) -> str | None:
        """More probable sex, ``F`` or ``M``; None where it is not predicted."""
        if math.isnan(self.probability_female):
            return None
        return "F" if self.probability_female >= 0.5 else "M"
