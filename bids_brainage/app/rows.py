"""Rows of the predictions table: what one model says of one session."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from bids_brainage.app.cautions import cautions, is_unusual
from bids_brainage.app.model_inputs import IMAGE
from bids_brainage.app.quality import judge
from bids_brainage.evaluation.intervals import Intervals
from bids_brainage.models.cards import ModelCard
from bids_brainage.records.extraction import Extraction
from bids_brainage.records.prediction import Prediction

Row = dict[str, Any]
DECIMALS = 4


def make_row(
    extraction: Extraction,
    card: ModelCard,
    prediction: Prediction | None,
    problems: Sequence[str],
    withheld: str = "",
    warnings: Sequence[str] = (),
) -> Row:
    """One row of the predictions table.

    Parameters
    ----------
    prediction
        None if the session has no usable features.
    problems
        Why modalities were left out.
    withheld
        Why the model does not tell an age although it could.
    warnings
        What is to be known of the session's inputs and dataset, whatever the model says.
    """
    reasons = [reason for reason in (extraction.reason, *problems) if reason]
    row: Row = extraction.row() | {"model": card.name}
    if prediction is not None:
        row |= predicted_values(prediction, card, extraction.age, warnings)
    elif extraction.status == "ok" and not withheld:
        row["status"] = "failed"
        if set(extraction.derivatives) == {IMAGE} and IMAGE not in card.inputs:
            row["status"] = "no_input"
            reasons.append(f"only a T1w in template space, which model {card.name} does not take: "
                           "name a model of images with --models")  # fmt: skip
        reasons = reasons or [f"no input that model {card.name} takes"]
    told = [withheld] if withheld and extraction.status == "ok" else []
    row["status_reason"] = "; ".join((*reasons, *told))
    row["quality"], row["quality_reasons"] = judge(row, left_out=bool(reasons))
    return row


def predicted_values(
    prediction: Prediction,
    card: ModelCard,
    age: float | None = None,
    warnings: Sequence[str] = (),
) -> Row:
    """What a prediction gives to the table.

    Parameters
    ----------
    age
        Chronological age in years, if known.
    """
    combination = "+".join(prediction.modalities)
    row: Row = {
        "modalities": combination,
        "predicted_age": prediction.age,
        "probability_female": prediction.probability_female,
        "predicted_sex": prediction.sex,
        "out_of_range_share": prediction.out_of_range,
        "distribution_percentile": _known(prediction.percentile),
        "out_of_distribution": is_unusual(prediction, card),
        "missing_measures": prediction.missing.get(
            "morphometry", prediction.missing.get("volumes")
        ),
        "warnings": "; ".join(cautions(prediction, card, age, warnings)),
    }
    youngest, oldest = card.age_range_of(combination)
    if youngest <= oldest:  # NaN where the card does not know
        row["within_age_range"] = youngest <= (prediction.age if age is None else age) <= oldest
    if fitted := card.intervals.get(combination):
        row |= _interval(Intervals.from_dict(fitted), prediction.age, age)
    if age is not None:
        gap = prediction.age - age
        row["brain_age_gap"] = round(gap, DECIMALS)
        row["brain_age_gap_corrected"] = round(card.corrected_gap(gap, age, combination), DECIMALS)
    return row


def _interval(intervals: Intervals, predicted: float, age: float | None) -> Row:
    lower, upper = (
        round(float(end[0]), DECIMALS) for end in intervals.limits(np.array([predicted]))
    )
    row: Row = {"predicted_age_lower": lower, "predicted_age_upper": upper}
    if age is not None:
        older = intervals.probability_older(np.array([predicted]), np.array([age]))
        row["probability_older"] = round(float(older[0]), DECIMALS)
    return {name: _known(value) for name, value in row.items()}


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
