"""The headline of a session: one age from all models that told one."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from bids_brainage.records.prediction import FUSION

DECIMALS = 4
NOT_JOINT = (
    "several models combined, each weighed by the inverse variance of its own errors; the "
    "combination itself was not validated on people with all of these inputs"
)
AVERAGED = ("predicted_age", "predicted_age_lower", "predicted_age_upper", "probability_older",
            "brain_age_gap", "brain_age_gap_corrected")  # fmt: skip
Row = dict[str, Any]


def fuse(rows: Sequence[Row]) -> Row:
    """Combine the rows of one session's models into its headline.

    A model that takes several inputs was fitted on people who have them, and speaks for itself.
    Several models are weighed by the inverse variance of their cross-validated errors at the age
    predicted, which the width of the interval stands for; the ends of the intervals are averaged,
    as if errors were alike, so that the combined interval is too wide rather than too narrow. A
    model that shares an input with one that has more adds nothing, and one without an interval
    cannot be weighed. Sex is that of the model with most inputs.

    Parameters
    ----------
    rows
        Rows of the predictions table, at least one; those without an age are passed over.

    Returns
    -------
        The row of model ``fusion``; that of the first model, renamed, where none told an age.
    """
    chosen = _chosen([row for row in rows if row.get("predicted_age") is not None])
    if not chosen:
        return {**rows[0], "model": FUSION}
    if len(chosen) == 1:
        return {**chosen[0], "model": FUSION}
    weights = [_width(row) ** -2 for row in chosen]
    weights = [weight / sum(weights) for weight in weights]
    # The first has most inputs.
    result: Row = {**chosen[0], "model": FUSION}
    for name in AVERAGED:
        values = [row.get(name) for row in chosen]
        known = [v for v in values if v is not None and math.isfinite(v)]
        result[name] = None
        if len(known) == len(chosen):
            total = sum(w * v for w, v in zip(weights, known, strict=True))
            result[name] = round(total, DECIMALS)
    result["modalities"] = "+".join(dict.fromkeys(m for row in chosen for m in _inputs(row)))
    result["contributions"] = "; ".join(
        f"{row['model']} {weight:.0%}" for row, weight in zip(chosen, weights, strict=True)
    )
    result["within_age_range"] = all(row.get("within_age_range", True) for row in chosen)
    result["out_of_distribution"] = any(row.get("out_of_distribution") for row in chosen)
    for name in ("out_of_range_share", "distribution_percentile", "missing_measures"):
        present = [row[name] for row in chosen if row.get(name) is not None]
        result[name] = max(present) if present else None
    result["warnings"] = "; ".join(dict.fromkeys((NOT_JOINT, *_sentences(chosen, "warnings"))))
    if any(row.get("quality") == "check" for row in chosen):
        result["quality"] = "check"
    for name in ("quality_reasons", "status_reason"):
        result[name] = "; ".join(dict.fromkeys(_sentences(chosen, name)))
    return result


def _chosen(rows: Sequence[Row]) -> list[Row]:
    """Models to combine: of those whose inputs overlap, the one with more inputs, then narrower."""
    if len(rows) < 2:
        return list(rows)
    order = sorted(rows, key=lambda row: (-_n_inputs(row), _width(row)))
    kept: list[Row] = []
    for row in order:
        covered = {name for other in kept for name in _inputs(other)}
        if not kept or (math.isfinite(_width(row)) and covered.isdisjoint(_inputs(row))):
            kept.append(row)
    return kept if all(math.isfinite(_width(row)) for row in kept) else kept[:1]


def _sentences(rows: Sequence[Row], name: str) -> list[str]:
    """Sentences of a column of all rows."""
    return [s for row in rows for s in str(row.get(name) or "").split("; ") if s]


def _inputs(row: Mapping[str, Any]) -> list[str]:
    return str(row.get("modalities") or "").split("+")


def _n_inputs(row: Mapping[str, Any]) -> int:
    return len(_inputs(row))


def _width(row: Mapping[str, Any]) -> float:
    lower, upper = row.get("predicted_age_lower"), row.get("predicted_age_upper")
    return math.inf if lower is None or upper is None or upper <= lower else float(upper - lower)
