"""Write ``evaluation.html`` and the figure of it: scores, comparisons and agreement of models."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bids_brainage.bids import outputs
from bids_brainage.evaluation.evaluate import ModelEvaluation, Row
from bids_brainage.evaluation.scores import EVERYONE, Score
from bids_brainage.report import canvas, evaluation_figures, pages

MAX_LEVELS = 60
# Heading, metric, digits, whether a sign is shown.
Column = tuple[str, str, int, bool]
ACCURACY: tuple[Column, ...] = (
    ("MAE (years)", "mae", 2, False),
    ("MAE of guessing", "mae_median", 2, False),
    ("MAE over age range", "mae_over_range", 3, False),
    ("RMSE (years)", "rmse", 2, False),
    ("R²", "r2", 2, False),
    ("Pearson r", "pcc", 2, False),
    ("Spearman r", "spearman", 2, False),
)
BIAS: tuple[Column, ...] = (
    ("Mean gap (years)", "bias", 2, True),
    ("SD of the gap", "sd", 2, False),
    ("Gap with age, r", "pcc_gap_age", 2, True),
    ("Coverage of intervals", "coverage", 3, False),
    ("Mean width (years)", "interval_width", 1, False),
)
LINES: tuple[Column, ...] = (
    ("Slope, predicted on age", "slope_predicted_on_age", 2, False),
    ("Intercept", "intercept_predicted_on_age", 1, True),
    ("Slope, age on predicted", "slope_age_on_predicted", 2, False),
    ("Intercept", "intercept_age_on_predicted", 1, True),
)
SEX: tuple[Column, ...] = (
    ("Balanced accuracy", "sex_balanced_accuracy", 3, False),
    ("AUC", "sex_auc", 3, False),
    ("Brier score", "sex_brier", 3, False),
    ("Calibration error", "sex_calibration_error", 3, False),
    ("Calibration slope", "sex_calibration_slope", 2, False),
    ("Calibration intercept", "sex_calibration_intercept", 2, True),
)
HEAD_SIZE: tuple[Column, ...] = (
    ("AUC", "sex_auc", 3, False),
    ("AUC of head size alone", "sex_auc_head_size", 3, False),
    ("AUC at equal head size", "sex_auc_same_head_size", 3, False),
    ("AUC within tenths of head size", "sex_auc_head_size_strata", 3, False),
    ("AUC of what head size does not explain", "sex_auc_without_head_size", 3, False),
)
GROUPS: tuple[Column, ...] = (
    ("MAE (years)", "mae", 2, False),
    ("MAE of guessing", "mae_median", 2, False),
    ("Mean gap (years)", "bias", 2, True),
    ("Pearson r", "pcc", 2, False),
    ("Coverage", "coverage", 2, False),
    ("Sex AUC", "sex_auc", 2, False),
)


@dataclass(frozen=True)
class ScoreTable:
    """One table of scores: headings of columns, and per row its labels and cells.

    Parameters
    ----------
    caption
        What it shows.
    heads
        Headings of the scores.
    rows
        Labels, and a value and an interval per score.
    """

    caption: str
    heads: list[str]
    rows: list[tuple[list[str], list[tuple[str, str]]]]


def write_sheet(
    folder: Path,
    models: Mapping[str, ModelEvaluation],
    comparison: Sequence[Row],
    notes: Sequence[str],
) -> list[Path]:
    """Write ``evaluation.svg``, ``evaluation.png`` and ``evaluation.html``.

    Raises
    ------
    OutputError
        If the folder cannot be written.
    """
    figure = evaluation_figures.sheet(models)
    picture = canvas.png(figure)  # before the SVG, which gives the figure another canvas
    overall = {name: model.overall() for name, model in models.items()}
    content: dict[str, Any] = {
        "title": "Evaluation of predicted ages",
        "notes": notes,
        "tables": _tables(overall),
        "headed": any("sex_auc_head_size" in scores for scores in overall.values()),
        "comparison": comparison,
        "agreement": [row for model in models.values() for row in model.agreement],
        "models": [_view(name, model) for name, model in models.items()],
    }
    return [
        outputs.write_text(folder / "evaluation.svg", canvas.svg(figure)),
        outputs.write_bytes(folder / "evaluation.png", picture),
        pages.render(folder / "evaluation.html", "evaluation.html", content),
    ]


def _tables(overall: Mapping[str, Mapping[str, Score]]) -> list[ScoreTable]:
    captions = {
        "Accuracy": ACCURACY,
        "Bias and spread": BIAS,
        "Calibration lines": LINES,
        "Predicted sex": SEX,
        "Predicted sex beyond head size": HEAD_SIZE,
    }
    tables = []
    for caption, columns in captions.items():
        own = columns[-1:] if columns is HEAD_SIZE else columns
        shown = {
            name: scores for name, scores in overall.items() if any(c[1] in scores for c in own)
        }
        used = [c for c in columns if any(c[1] in scores for scores in shown.values())]
        if shown:
            rows = [
                ([name, _rows(scores, used), _ages(scores)], _cells(scores, used))
                for name, scores in shown.items()
            ]
            tables.append(ScoreTable(caption, [c[0] for c in used], rows))
    return tables


def _rows(scores: Mapping[str, Score], columns: Sequence[Column]) -> str:
    """Rows that the scores rest on: the fewest of them."""
    return str(min(scores[c[1]].n for c in columns if c[1] in scores))


def _ages(scores: Mapping[str, Score]) -> str:
    low, high = scores["age_min"].value, scores["age_max"].value
    return f"{low:.0f}\N{EN DASH}{high:.0f}"


def _cells(scores: Mapping[str, Score], columns: Sequence[Column]) -> list[tuple[str, str]]:
    return [_cell(scores.get(name), digits, signed) for _, name, digits, signed in columns]


def _cell(score: Score | None, digits: int, signed: bool) -> tuple[str, str]:
    if score is None:
        return "n/a", ""
    ends = [pages.decimals(end, digits, signed) for end in (score.lower, score.upper)]
    return pages.decimals(score.value, digits, signed), "" if "n/a" in ends else " to ".join(ends)


def _view(name: str, model: ModelEvaluation) -> dict[str, Any]:
    groups: dict[tuple[str, str], dict[str, Score]] = {}
    for score in model.scores:
        if score.group != EVERYONE:
            groups.setdefault((score.group, score.level), {})[score.metric] = score
    used = [c for c in GROUPS if any(c[1] in scores for scores in groups.values())]
    rows = [
        ([f"{group} {level}", str(int(scores["n"].value))], _cells(scores, used))
        for (group, level), scores in groups.items()
    ]
    return {
        "name": name,
        "n": len(model.people),
        "figure": pages.data_uri(canvas.svg(evaluation_figures.model_figure(model))),
        "table": ScoreTable("By group", [c[0] for c in used], rows[:MAX_LEVELS]),
        "hidden": max(len(rows) - MAX_LEVELS, 0),
    }
