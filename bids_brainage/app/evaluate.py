"""Score predictions of people of known age, and write tables and figures of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bids_brainage import __version__
from bids_brainage.app.evaluation_tables import read_models
from bids_brainage.bids.outputs import write_json, write_tsv
from bids_brainage.evaluation.evaluate import (
    AGREEMENT,
    COMPARISON,
    ModelEvaluation,
    Row,
    compare,
    evaluate_model,
    remarks,
    tidy,
)
from bids_brainage.evaluation.resampling import DRAWS, LEVEL
from bids_brainage.evaluation.scores import Score
from bids_brainage.report.evaluation_sheet import write_sheet

SCORES = ("model", "group", "level", "metric", "value", "lower", "upper", "n")
WITH_ENDS = ("mae", "rmse", "r2", "pcc", "sex_auc")
_DIGITS = 4


@dataclass(frozen=True)
class Evaluation:
    """What was found in some tables.

    Parameters
    ----------
    models
        By name, in the order of the tables.
    comparison
        Every two models on the people they share.
    notes
        Sentences on what was left out and what to know first.
    settings
        How it was made.
    """

    models: dict[str, ModelEvaluation]
    comparison: list[Row]
    notes: list[str]
    settings: dict[str, Any] = field(default_factory=dict)

    def summary(self) -> list[Row]:
        """One row per model: its scores, and the intervals of the main ones."""
        return [{"model": name, **_summary(found.overall())} for name, found in self.models.items()]


def evaluate_tables(
    paths: Sequence[Path],
    columns: Mapping[str, str] | None = None,
    *,
    predictions: Sequence[tuple[str, str]] = (),
    cluster: str = "participant",
    reference: float | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> Evaluation:
    """Score the uncorrected predictions of tables, model by model.

    Parameters
    ----------
    paths
        Tables with ages and predicted ages.
    columns
        Names of columns by role, where they are not the usual ones.
    predictions
        Columns of predicted ages and of probabilities of being female, a pair per model.
    cluster
        ``participant``, ``site`` or ``dataset``: what is resampled as a whole.
    reference
        Age in years that guessing gives everyone; the median of the people by default.
    draws
        Bootstrap samples.
    seed
        Seed of the resampling.

    Raises
    ------
    MissingInputError, InputError
        If a table is absent or broken, lacks a column, has nobody with both ages, or holds
        corrected predictions.
    """
    models, notes = read_models(paths, columns or {}, cluster, predictions)
    options: dict[str, Any] = {"draws": draws, "seed": seed}
    found = {
        name: evaluate_model(name, people, reference=reference, **options)
        for name, people in models.items()
    }
    for name, people in models.items():
        notes += remarks(name, people, cluster)
    settings = {
        "tables": [path.name for path in paths], "columns": dict(columns or {}),
        "predictions": [list(pair) for pair in predictions],
        "cluster": cluster, "reference_age": reference, "level": LEVEL, **options,
    }  # fmt: skip
    return Evaluation(found, compare(models, **options), notes, settings)


def write_evaluation(evaluation: Evaluation, folder: Path) -> list[Path]:
    """Write ``scores``, ``comparison`` and ``agreement`` tables, ``scores.json`` and the sheet.

    Raises
    ------
    OutputError
        If the folder cannot be written.
    """
    scores = {name: tidy(name, found.scores) for name, found in evaluation.models.items()}
    agreement = [row for found in evaluation.models.values() for row in found.agreement]
    content = {
        "made_by": f"bids_brainage {__version__}",
        "settings": evaluation.settings,
        "notes": evaluation.notes,
        "models": {name: _nested(found.scores) for name, found in evaluation.models.items()},
        "reliability": {
            name: [vars(one) for one in found.reliability]
            for name, found in evaluation.models.items()
        },
        "comparison": evaluation.comparison,
        "agreement": agreement,
    }
    return [
        write_tsv(folder / "scores.tsv", [row for rows in scores.values() for row in rows], SCORES),
        write_tsv(folder / "comparison.tsv", evaluation.comparison, COMPARISON),
        write_tsv(folder / "agreement.tsv", agreement, AGREEMENT),
        write_json(folder / "scores.json", content),
        *write_sheet(folder, evaluation.models, evaluation.comparison, evaluation.notes),
    ]


def _nested(scores: Sequence[Score]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for s in scores:
        level = found.setdefault(s.group, {}).setdefault(s.level, {})
        level[s.metric] = {"value": s.value, "lower": s.lower, "upper": s.upper, "n": s.n}
    return found


def _summary(scores: Mapping[str, Score]) -> Row:
    row: Row = {}
    for name, score in scores.items():
        if name in ("n", "participants", "clusters"):
            row[name] = int(score.value)
            continue
        if name == "sex_accuracy":
            row["sex_n"] = score.n
        row[name] = round(score.value, _DIGITS)
        if name in WITH_ENDS:
            row[f"{name}_lower"] = round(score.lower, _DIGITS)
            row[f"{name}_upper"] = round(score.upper, _DIGITS)
    return row
