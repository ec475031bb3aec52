"""Which column of a table of predictions holds what."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from bids_brainage.errors import InputError

ROLES = {
    "age": ("age", "chronological_age", "age_at_scan", "age_years", "true_age", "real_age"),
    "predicted": ("predicted_age", "brain_age", "predicted_brain_age", "pred_age", "age_predicted",
                  "age_pred", "prediction", "predicted"),
    "sex": ("sex", "gender"),
    "probability": ("probability_female", "prob_female", "p_female", "female_probability"),
    "model": ("model",),
    "site": ("site", "centre", "center", "scanner", "study_site", "site_id"),
    "participant": ("participant_id", "participant", "subject_id", "subject", "sub"),
    "session": ("session_id", "session", "ses", "visit"),
    "dataset": ("dataset", "study", "sample"),
    "head_size": ("intracranial_volume", "estimated_total_intracranial_vol", "etiv",
                  "estimated_total_intracranial_volume", "icv", "tiv"),
    "lower": ("predicted_age_lower",),
    "upper": ("predicted_age_upper",),
    "modalities": ("modalities", "inputs"),
    "status": ("status",),
    "gap": ("brain_age_gap",),
    "corrected": ("brain_age_gap_corrected",),
}  # fmt: skip
NEEDED = ("age", "predicted")
SHOWN = 20


def find_columns(frame: pd.DataFrame, named: Mapping[str, str], path: Path) -> dict[str, str]:
    """Find the column of each role: the one that was named, else by its usual names.

    Parameters
    ----------
    named
        Columns that the user named, by role; empty ones are looked for.

    Raises
    ------
    InputError
        If a named column is absent, ages or predictions are, or the predictions are a gap.
    """
    known = {_plain(name): name for name in reversed(frame.columns)}
    found: dict[str, str] = {}
    for role, usual in ROLES.items():
        wanted = named.get(role) or ""
        if wanted and wanted not in frame:
            raise InputError(
                f"no column {wanted}", place=path, hint=f"it has {_list(frame.columns)}"
            )
        column = wanted or next((known[n] for n in map(_plain, usual) if n in known), "")
        if column:
            found[role] = column
    if absent := [role for role in NEEDED if role not in found]:
        options = " and ".join(f"--{role}-column" for role in absent)
        words = " or ".join(ROLES[role][0] for role in absent)
        raise InputError(
            f"no column {words}",
            place=path,
            hint=f"name it with {options}, or give a table such as group_brainage.tsv",
        )
    plain = _plain(found["predicted"])
    if "gap" in plain or "delta" in plain:
        raise InputError(
            f"column {found['predicted']} is a gap, not a predicted age",
            place=path,
            hint="accuracy needs uncorrected predicted ages",
        )
    return found


def looks_corrected(column: str) -> bool:
    """Whether the name of a column says that its values were corrected for age bias."""
    return "corrected" in _plain(column).replace("uncorrected", "")


def _list(columns: Iterable[str]) -> str:
    names = list(columns)
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" * (len(names) > SHOWN))


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", str(name).lower())
