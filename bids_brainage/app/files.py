"""Predictions from feature files outside of BIDS, and their scores."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bids_brainage.app.explanation import explain
from bids_brainage.app.frames import read_frame
from bids_brainage.app.rows import predicted_values
from bids_brainage.bids.outputs import write_tsv
from bids_brainage.errors import InputError, ModelError
from bids_brainage.evaluation.metrics import classification_metrics, regression_metrics
from bids_brainage.features.old_totals import PARTS, TOTAL, old_totals
from bids_brainage.features.tissue_volumes import TISSUE_MEASURES
from bids_brainage.models.cards import InputSpec, ModelCard
from bids_brainage.predict.device import resolve_device
from bids_brainage.predict.load import load_predictor
from bids_brainage.records.explanation import COLUMNS
from bids_brainage.training.array_files import read_array

Row = dict[str, Any]
ROLES = ("features1", "features2", "Age", "Gender")
_NO_INPUT = InputSpec((), "")


def predict_files(
    files: Sequence[Path],
    model: str,
    device: str = "auto",
    batch_size: int = 64,
    explanation: Path | None = None,
) -> list[Row]:
    """Predict age and sex of every row of feature files.

    Parameters
    ----------
    files
        One or two ``.npy`` arrays (people x measures, or one person's measures), the first for
        morphometry, the second for connectivity, in the order of the model card; or one TSV or
        CSV with a column per measure, in any order.
    model
        Name of a shipped model, or a folder.
    explanation
        Table to write with what each measure adds to each person's age.

    Raises
    ------
    MissingInputError, InputError, ModelError, OutputError
        If a file is absent, does not fit the model, or the files disagree; if the model cannot
        explain ages and should, or the explanation cannot be written.
    """
    predictor = load_predictor(model, resolve_device(device), batch_size)
    card = predictor.card
    if explanation and not predictor.explains:
        raise ModelError(f"model {card.name} cannot explain ages", hint="leave out --explain")
    known: list[tuple[float | None, list[str]]]
    if files[0].suffix == ".npy":
        labels, features = _from_arrays(files, card)
        known = [(None, [])] * len(labels)
    else:
        frame = _one_table(files)
        labels, features = people_of_table(frame, files[0], card)
        known = _known(frame)
    usable = [
        i
        for i, vectors in enumerate(features)
        if any(np.isfinite(v).any() for v in vectors.values())
    ]
    predictions = dict(zip(usable, predictor.predict([features[i] for i in usable]), strict=True))
    if explanation:
        reasons = ((i, explain(predictor, features[i], labels[i])) for i in usable)
        lines = ({"participant_id": labels[i], **line} for i, why in reasons if why
                 for line in why.rows)  # fmt: skip
        write_tsv(explanation, lines, ["participant_id", *COLUMNS])
    rows: list[Row] = []
    for i, label in enumerate(labels):
        row: Row = {"participant_id": label}
        if found := predictions.get(i):
            row |= predicted_values(found, card, *known[i])
        rows.append(row)
    return rows


def _from_arrays(
    files: Sequence[Path], card: ModelCard
) -> tuple[list[str], list[dict[str, np.ndarray]]]:
    matrices: dict[str, np.ndarray] = {}
    if len(files) > len(card.inputs):
        raise InputError(f"{len(files)} arrays, model {card.name} takes {len(card.inputs)}")
    for path, (modality, spec) in zip(files, card.inputs.items(), strict=False):
        matrix = np.atleast_2d(read_array(path)).astype(float)
        if matrix.ndim != 2 or matrix.shape[1] != len(spec.names):
            raise InputError(
                f"{modality} array of shape {matrix.shape}, model {card.name} takes "
                f"people x {len(spec.names)}",
                place=path,
                hint=f"brainage models info {card.name} lists them in order",
            )
        matrices[modality] = _without_zeros(np.where(np.isfinite(matrix), matrix, np.nan), spec)
    lengths = {len(matrix) for matrix in matrices.values()}
    if len(lengths) > 1:
        raise InputError(f"the arrays have {' and '.join(map(str, sorted(lengths)))} rows")
    n = lengths.pop()
    people = [{name: matrix[i] for name, matrix in matrices.items()} for i in range(n)]
    return [f"row-{i}" for i in range(n)], people


def _without_zeros(matrix: np.ndarray, spec: InputSpec) -> np.ndarray:
    """Take zero for missing where measures are thicknesses and volumes: none measures exactly 0."""
    return np.where(matrix == 0, np.nan, matrix) if spec.unit.startswith("mm") else matrix


def _one_table(files: Sequence[Path]) -> pd.DataFrame:
    if len(files) != 1:
        raise InputError(f"{len(files)} tables", hint="give one table, or one or two .npy arrays")
    return read_frame(files[0])


def _known(frame: pd.DataFrame) -> list[tuple[float | None, list[str]]]:
    """Age in years of each row, and what is to be known of its measures."""
    numbers = frame.reindex(columns=["age", TOTAL, *PARTS]).apply(pd.to_numeric, errors="coerce")
    return [
        (None if np.isnan(row["age"]) else float(row["age"]), [told] if told else [])
        for row in numbers.to_dict("records")
        for told in [old_totals(row)]
    ]


def people_of_table(
    frame: pd.DataFrame, place: Path, card: ModelCard
) -> tuple[list[str], list[dict[str, np.ndarray]]]:
    """Take what a model takes of a table with a column per measure.

    Parameters
    ----------
    place
        Where the table was read.

    Returns
    -------
    labels, people
        One label per row, and per row modality to feature vector; NaN is missing.

    Raises
    ------
    InputError
        If it has no column of the model.
    """
    matrices: dict[str, np.ndarray] = {}
    for modality, spec in card.inputs.items():
        if set(spec.names) & set(frame.columns):
            wanted = frame.reindex(columns=list(spec.names))
            matrices[modality] = wanted.apply(pd.to_numeric, errors="coerce").to_numpy(float)
            matrices[modality] = _without_zeros(matrices[modality], spec)
    if not matrices:
        raise InputError(
            f"no column is a measure of model {card.name}",
            place=place,
            hint=f"brainage models info {card.name} lists them",
        )
    totals = [name for name in card.inputs.get("volumes", _NO_INPUT).names
              if name in TISSUE_MEASURES]  # fmt: skip
    if missing := [name for name in totals if name not in frame]:
        raise InputError(
            f"no column {', '.join(missing)}",
            place=place,
            hint=f"model {card.name} compares all volumes with these",
        )
    labels = (
        frame["participant_id"].tolist()
        if "participant_id" in frame
        else [f"row-{i}" for i in range(len(frame))]
    )
    people = [{name: matrix[i] for name, matrix in matrices.items()} for i in range(len(frame))]
    return labels, people


def score_arrays(files: Sequence[Path], model: str) -> Row:
    """Score a model on the system's own test files.

    Parameters
    ----------
    files
        Two feature arrays, ages and sexes (0 male, 1 female). Roles are told from names that
        hold ``features1``, ``features2``, ``Age`` and ``Gender``, else from this order.

    Raises
    ------
    MissingInputError, InputError, ModelError
        If a file is absent, the lengths disagree, or the features do not fit the model.
    """
    roles = {role: path for path in files for role in ROLES if role.lower() in path.name.lower()}
    if len(roles) != len(files):
        roles = dict(zip(ROLES, files, strict=False))
    if "Age" not in roles or len(files) > len(ROLES):
        raise InputError(
            f"{len(files)} test files without ages",
            hint="give features1, features2, labels_Age and labels_Gender",
        )
    features = [roles[role] for role in ROLES[:2] if role in roles]
    if len(features) == 1 and "features2" in roles:
        raise InputError(
            "features2 without features1",
            place=roles["features2"],
            hint="give a features1 file of NaN where nobody has that modality",
        )
    rows = predict_files(features, model)
    age = read_array(roles["Age"]).reshape(-1).astype(float)
    columns = ["predicted_age", "probability_female"]
    predicted = pd.DataFrame(rows).reindex(columns=columns).to_numpy(float)
    if len(age) != len(predicted):
        raise InputError(
            f"{len(age)} ages for {len(predicted)} rows of features", place=roles["Age"]
        )
    scores: Row = {"model": model, **regression_metrics(age, predicted[:, 0])}
    if "Gender" in roles:
        female = read_array(roles["Gender"]).reshape(-1).astype(float)
        found = classification_metrics(female, predicted[:, 1])
        scores |= {f"sex_{name}": value for name, value in found.items()}
    return scores
