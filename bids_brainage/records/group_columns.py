"""Columns that only the group level adds to the predictions."""

import json
from functools import cache
from importlib import resources
from typing import Any

REFIT = "brain_age_gap_refit"
HARMONISED = "brain_age_gap_harmonised"


@cache
def group_columns() -> dict[str, dict[str, Any]]:
    """Columns that options of the group level add, with their BIDS descriptions."""
    path = resources.files("bids_brainage") / "data" / "group_columns.json"
    return json.loads(path.read_text(encoding="utf-8"))
