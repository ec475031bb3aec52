"""Predictions of sessions from the derivatives on disk, written as one small table each."""

import logging
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from bids_brainage.app.fitting import SHIPPED, fitting_models
from bids_brainage.app.model_inputs import model_inputs
from bids_brainage.app.quality import judge
from bids_brainage.app.spread import near_the_ends
from bids_brainage.bids.outputs import predictions_file, start_marker, write_json, write_tsv
from bids_brainage.config import RunConfig
from bids_brainage.models.cards import ModelCard
from bids_brainage.predict.device import resolve_device
from bids_brainage.predict.load import load_predictor
from bids_brainage.predict.predictor import Features, Predictor
from bids_brainage.predict.read_ahead import read_ahead
from bids_brainage.records.extraction import Extraction
from bids_brainage.records.prediction import Prediction, columns, data_dictionary

logger = logging.getLogger(__name__)
Row = dict[str, Any]
DECIMALS = 4


def load_predictors(config: RunConfig) -> list[Predictor]:
    """Load every model of the run once.

    Raises
    ------
    ModelError, UsageError
        If a model or the device is not there.
    """
    device = resolve_device(config.device)
    logger.info("models run on %s", device)
    names = config.models or SHIPPED
    return [load_predictor(name, device, config.batch_size, config.weights) for name in names]


def predict_sessions(
    predictors: Sequence[Predictor],
    extractions: Sequence[Extraction],
    output_dir: Path,
    *,
    fitting_only: bool = False,
    nprocs: int = 1,
) -> list[Row]:
    """Predict all sessions at once and write each session's table.

    Parameters
    ----------
    extractions
        Logs of sessions, also of failed ones: they get their row, too.
    fitting_only
        Each session gets the models for its kind of input, see `fitting_models`; where none but
        one that is no default fits, its row has no age, with the reason.
    nprocs
        Images are read by as many threads, ahead of the network.

    Returns
    -------
    list
        The rows written, session by session and model by model.
    """
    per_session: list[list[Row]] = [[] for _ in extractions]
    for predictor in predictors:
        card = predictor.card
        withheld = fitting_only and not card.default
        read = partial(model_inputs, output_dir, card=card)
        inputs = read_ahead(read, extractions, nprocs, predictor.ahead)
        predictions, problems = _predict(predictor, inputs, withheld=withheld)
        for i, prediction in predictions.items():
            problems[i] += near_the_ends(card, prediction)
        for i, extraction in enumerate(extractions):
            fitting = fitting_models(extraction)
            if fitting_only and (card.name not in fitting or (withheld and len(fitting) > 1)):
                continue
            reason = f"no age by default: {card.caveat}" if withheld else ""
            row = make_row(extraction, card, predictions.get(i), problems[i], reason)
            if i in predictions:
                row["predicted_age_spread"] = predictions[i].spread
            per_session[i].append(row)
    for extraction, rows in zip(extractions, per_session, strict=True):
        _write(output_dir, extraction, rows, predictors)
    return [row for rows in per_session for row in rows]


def _predict(
    predictor: Predictor, inputs: Iterator[tuple[Features, list[str]]], *, withheld: bool
) -> tuple[dict[int, Prediction], list[list[str]]]:
    """Predictions by the number of the session, and problems of every session."""
    problems: list[list[str]] = []
    numbers: list[int] = []

    def usable() -> Iterator[Features]:
        for number, (features, why) in enumerate(inputs):
            problems.append(why)
            if features and not withheld:
                numbers.append(number)
                yield features

    found = predictor.predict(usable())
    return dict(zip(numbers, found, strict=True)), problems


def make_row(
    extraction: Extraction,
    card: ModelCard,
    prediction: Prediction | None,
    problems: Sequence[str],
    withheld: str = "",
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
    """
    reasons = [reason for reason in (extraction.reason, *problems) if reason]
    row: Row = extraction.row() | {"model": card.name}
    if prediction is not None:
        row |= _predicted(extraction, card, prediction)
    elif extraction.status == "ok" and not withheld:
        row["status"] = "failed"
        reasons = reasons or [f"no input that model {card.name} takes"]
    told = [withheld] if withheld and extraction.status == "ok" else []
    row["status_reason"] = "; ".join((*reasons, *told))
    row["quality"], row["quality_reasons"] = judge(row, left_out=bool(reasons))
    return row


def _predicted(extraction: Extraction, card: ModelCard, prediction: Prediction) -> Row:
    combination = "+".join(prediction.modalities)
    age = extraction.age
    row: Row = {
        "modalities": combination,
        "predicted_age": prediction.age,
        "probability_female": prediction.probability_female,
        "predicted_sex": prediction.sex,
        "out_of_range_share": prediction.out_of_range,
        "out_of_distribution": prediction.out_of_range > card.out_of_range_limit,
        "missing_measures": prediction.missing.get(
            "morphometry", prediction.missing.get("volumes")
        ),
    }
    youngest, oldest = card.age_range_of(combination)
    if youngest <= oldest:  # NaN where the card does not know
        row["within_age_range"] = youngest <= (prediction.age if age is None else age) <= oldest
    if age is not None:
        gap = prediction.age - age
        row["brain_age_gap"] = round(gap, DECIMALS)
        row["brain_age_gap_corrected"] = round(card.corrected_gap(gap, age, combination), DECIMALS)
    return row


def _write(
    output_dir: Path, extraction: Extraction, rows: list[Row], predictors: Sequence[Predictor]
) -> None:
    path = predictions_file(output_dir, extraction.key)
    write_tsv(path, rows, columns())
    sidecar = {
        "Description": "Brain age and sex, one row per model. For research; not for clinical use.",
        "Sources": [f"bids::{name}" for name in extraction.files],
        "Models": {
            p.card.name: {
                "Version": p.card.version,
                "SHA256": p.card.sha256,
                "Status": "experimental" if p.card.experimental else "settled",
                **({"Weights": files} if (files := p.card.config.get("weights")) else {}),
            }
            for p in predictors
        },
        "SoftwareVersions": extraction.versions,
    }
    write_json(path.with_suffix(".json"), sidecar | data_dictionary())
    start_marker(output_dir, extraction.key).unlink(missing_ok=True)
