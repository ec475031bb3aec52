"""Predictions of sessions from the derivatives on disk, written as small tables of each."""

import logging
import math
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from bids_brainage.app.explanation import Explanation, explain, write_explanations
from bids_brainage.app.fitting import fitting_models, named_models
from bids_brainage.app.headline import fuse
from bids_brainage.app.known import dataset_names, input_cautions, seen_in_training
from bids_brainage.app.model_inputs import model_inputs
from bids_brainage.app.rows import Row, make_row
from bids_brainage.app.spread import near_the_ends
from bids_brainage.app.trajectories import write_trajectory
from bids_brainage.bids.outputs import predictions_file, start_marker, write_json, write_tsv
from bids_brainage.config import RunConfig
from bids_brainage.predict.device import resolve_device
from bids_brainage.predict.load import load_predictor
from bids_brainage.predict.predictor import Features, Predictor
from bids_brainage.predict.read_ahead import read_ahead
from bids_brainage.records.extraction import Extraction
from bids_brainage.records.prediction import Prediction, columns, data_dictionary

logger = logging.getLogger(__name__)


def load_predictors(config: RunConfig) -> list[Predictor]:
    """Load every model of the run once.

    Raises
    ------
    ModelError, UsageError
        If a model or the device is not there.
    """
    device = resolve_device(config.device)
    logger.info("models run on %s", device)
    names = named_models(config)
    return [load_predictor(name, device, config.batch_size, config.weights) for name in names]


def predict_sessions(
    predictors: Sequence[Predictor],
    extractions: Sequence[Extraction],
    output_dir: Path,
    *,
    fitting_only: bool = False,
    fuses: bool = False,
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
    fuses
        Add the headline, see `fuse`, before the models' rows.
    nprocs
        Images are read by as many threads, ahead of the network.

    Returns
    -------
    list
        The rows written, session by session and model by model.
    """
    per_session: list[list[Row]] = [[] for _ in extractions]
    explained: list[list[Explanation]] = [[] for _ in extractions]
    known_before = [input_cautions(output_dir, extraction) for extraction in extractions]
    dataset = dataset_names(output_dir)
    for predictor in predictors:
        card = predictor.card
        withheld = fitting_only and not card.default
        read = partial(model_inputs, output_dir, card=card)
        inputs = read_ahead(read, extractions, nprocs, predictor.ahead)
        kept: dict[int, Features] = {}
        predictions, problems = _predict(predictor, inputs, kept, withheld=withheld)
        for i, prediction in predictions.items():
            problems[i] += near_the_ends(card, prediction)
        for i, extraction in enumerate(extractions):
            fitting = fitting_models(extraction)
            if fitting_only and (card.name not in fitting or (withheld and len(fitting) > 1)):
                continue
            reason = f"no age by default: {card.caveat}" if withheld else ""
            known = [*known_before[i], *seen_in_training(dataset, card)]
            row = make_row(extraction, card, predictions.get(i), problems[i], reason, known)
            if i in predictions:
                row["predicted_age_spread"] = predictions[i].spread
            if i in kept and not math.isnan(predictions[i].age):
                found = explain(predictor, kept[i], extraction.key.stem)
                if found:
                    explained[i].append(found)
                    # As in the table of all measures, which adds up to the same age.
                    row["contributions"] = found.words
            per_session[i].append(row)
    for extraction, rows, why in zip(extractions, per_session, explained, strict=True):
        if fuses:
            rows.insert(0, fuse(rows))
        write_explanations(output_dir, extraction.key, why)
        write_trajectory(output_dir, extraction)
        _write(output_dir, extraction, rows, predictors)
    return [row for rows in per_session for row in rows]


def _predict(
    predictor: Predictor,
    inputs: Iterator[tuple[Features, list[str]]],
    kept: dict[int, Features],
    *,
    withheld: bool,
) -> tuple[dict[int, Prediction], list[list[str]]]:
    """Predictions by the number of the session, and problems of every session.

    Features of a model that explains its ages are kept; images would be too large.
    """
    problems: list[list[str]] = []
    numbers: list[int] = []

    def usable() -> Iterator[Features]:
        for number, (features, why) in enumerate(inputs):
            problems.append(why)
            if features and not withheld:
                numbers.append(number)
                if predictor.explains:
                    kept[number] = features
                yield features

    found = predictor.predict(usable())
    return dict(zip(numbers, found, strict=True)), problems


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
                "BiasCorrection": p.card.bias_correction,
            }
            for p in predictors
        },
        "SoftwareVersions": extraction.versions,
    }
    write_json(path.with_suffix(".json"), sidecar | data_dictionary())
    start_marker(output_dir, extraction.key).unlink(missing_ok=True)
