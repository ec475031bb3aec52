"""Write ``group_brainage.html``: everyone's outcome, and how well ages were predicted."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bids_brainage.bids import outputs
from bids_brainage.evaluation.group_analysis import GroupAnalysis
from bids_brainage.evaluation.metrics import classification_metrics, regression_metrics
from bids_brainage.records.group_columns import HARMONISED, REFIT
from bids_brainage.records.prediction import FUSION
from bids_brainage.report import group_figures, pages
from bids_brainage.report.answer import NOT_CLINICAL
from bids_brainage.report.group_analysis import analysis_view
from bids_brainage.report.group_rows import DRAWN, Columns, GroupRows
from bids_brainage.report.group_scores import score_cells

MAX_REASONS = 200
MINIMUM_DRAWN = 8
CORRECTED = {
    "brain_age_gap_corrected": "corrected by the model's line",
    REFIT: "corrected by this dataset's line",
    HARMONISED: "harmonised between sites",
}


@dataclass(frozen=True)
class ModelView:
    """One model's predictions as the template shows them.

    Parameters
    ----------
    metrics
        Name and text, in the order of the table.
    scores
        Texts and intervals of the second table.
    scatter, histogram, quality
        Figures as data URIs; empty without enough known ages.
    """

    name: str
    n: int
    n_known: int
    n_outside: int
    metrics: list[tuple[str, str]]
    scores: list[tuple[str, str]]
    scatter: str
    scatter_alt: str
    histogram: str
    histogram_alt: str
    quality: str


def write_group_report(output_dir: Path, analysis: GroupAnalysis | None = None) -> Path:
    """Write the group page from ``group_brainage.tsv`` and its data dictionary.

    Parameters
    ----------
    analysis
        What the options of the group level found.

    Returns
    -------
    Path
        ``OUTPUT_DIR/group_brainage.html``.

    Raises
    ------
    InputError
        If the group table is absent or unreadable.
    OutputError
        If the page cannot be written.
    """
    table = output_dir / "group_brainage.tsv"
    dictionary_path = table.with_suffix(".json")
    dictionary = outputs.read_json(dictionary_path) if dictionary_path.is_file() else {}
    there = {path.name for path in output_dir.glob("sub-*.html")}
    rows = GroupRows(outputs.iterate_tsv(table), there)
    return pages.render(
        output_dir / "group_brainage.html",
        "group.html",
        {
            "title": "Brain age: group",
            "disclaimer": NOT_CLINICAL,
            "n_participants": rows.n_participants,
            "n_sessions": rows.n_sessions,
            "cohort": _cohort(rows),
            "statuses": rows.statuses,
            "reasons": rows.reasons[:MAX_REASONS],
            "models": [_model(name, columns) for name, columns in _shown(rows.models)],
            "people": rows.people,
            "n_rows": rows.n_rows,
            "quality": _quality(rows.quality, dictionary if isinstance(dictionary, dict) else {}),
            "quality_figure": _quality_figure(rows.quality),
            "flags": rows.flags,
            "analysis": analysis_view(analysis or GroupAnalysis()),
        },
    )


def _shown(models: dict[str, Columns]) -> list[tuple[str, Columns]]:
    """Models to show; one that the headline repeats for everybody is named with it."""
    headline = models.get(FUSION)
    if headline is None:
        return list(models.items())
    told = headline["predicted_age"]
    same = [
        name
        for name, columns in models.items()
        if name != FUSION and np.array_equal(columns["predicted_age"], told, equal_nan=True)
    ]
    title = f"{FUSION} (here {' and '.join(same)})" if same else FUSION
    rest = [(name, columns) for name, columns in models.items() if name not in (FUSION, *same)]
    return [(title, headline), *rest]


def _cohort(rows: GroupRows) -> list[str]:
    """Who was there, in short sentences."""
    age = rows.cohort["age"]
    age = age[np.isfinite(age)]
    told = [f"age unknown in all {rows.n_sessions} sessions"]
    if age.size:
        low, middle, high = np.percentile(age, [0, 50, 100])
        told = [f"ages {low:.0f} to {high:.0f} years, median {middle:.0f}, "
                f"known in {age.size} of {rows.n_sessions} sessions"]  # fmt: skip
    words = {"F": "female", "M": "male", "n/a": "of unknown sex"}
    told.append(", ".join(f"{n} {words.get(sex, sex)}" for sex, n in sorted(rows.sexes.items())))
    inputs = ", ".join(f"{name} {n}" for name, n in rows.inputs.most_common())
    return [*told, f"inputs used: {inputs}"]


def _model(name: str, columns: Columns) -> ModelView:
    age, predicted = columns["age"], columns["predicted_age"]
    outside = columns["outside"] > 0
    have_age = np.isfinite(age)
    gap = (predicted - age)[have_age]
    others = {
        name: values[np.isfinite(values)]
        for column, name in CORRECTED.items()
        if np.isfinite(values := columns[column][have_age]).any()
    }
    scatter = histogram = ""
    if gap.size:
        scatter = pages.data_uri(
            group_figures.age_scatter(age[have_age], predicted[have_age], outside[have_age])
        )
        histogram = pages.data_uri(group_figures.gap_histogram(gap, others))
    return ModelView(
        name=name,
        n=int(predicted.size),
        n_known=int(gap.size),
        n_outside=int(outside.sum()),
        metrics=_metrics(columns),
        scores=score_cells(columns),
        scatter=scatter,
        scatter_alt=f"Predicted against chronological age of {gap.size} sessions.",
        histogram=histogram,
        histogram_alt=f"Histogram of the brain age gap of {gap.size} sessions.",
        quality=_against_quality(columns, have_age),
    )


def _against_quality(columns: Columns, have_age: np.ndarray) -> str:
    """Gap against the measures of quality; empty with too few people."""
    gap = columns["predicted_age"] - columns["age"]
    pairs = {}
    for name, title in DRAWN.items():
        values = columns[name]
        both = have_age & np.isfinite(values)
        if both.sum() >= MINIMUM_DRAWN and np.ptp(values[both]) > 0:
            pairs[title] = values[both], gap[both]
    return pages.data_uri(group_figures.gap_scatters(pairs)) if pairs else ""


def _metrics(columns: Columns) -> list[tuple[str, str]]:
    ages = regression_metrics(columns["age"], columns["predicted_age"])
    sexes = classification_metrics(columns["female"], columns["probability_female"])
    years = ("mae", "mae_median", "rmse", "pcc")
    return [
        ("n", str(ages["n"])),
        *((key, pages.decimals(ages[key])) for key in years),
        ("bias", pages.decimals(ages["bias"], signed=True)),
        ("n_sex", str(sexes["n"])),
        ("accuracy", pages.percent(sexes["accuracy"])),
        ("auc", pages.decimals(sexes["auc"])),
    ]


def _quality(columns: Columns, dictionary: dict[str, Any]) -> list[dict[str, str]]:
    """Median and spread of every numeric quality column."""
    overview = []
    for name in columns:
        values = columns[name]
        if not values.size:
            continue
        entry = dictionary.get(name)
        meaning = entry if isinstance(entry, dict) else {}
        low, middle, high = np.percentile(values, [5, 50, 95])
        overview.append(
            {
                "name": name.replace("_", " "),
                "n": str(values.size),
                "low": pages.compact(float(low)),
                "middle": pages.compact(float(middle)),
                "high": pages.compact(float(high)),
                "unit": str(meaning.get("Units", "")),
                "meaning": str(meaning.get("Description", "")),
            }
        )
    return overview


def _quality_figure(columns: Columns) -> str:
    """Histograms of the columns to look at first; empty with too few people."""
    values = {
        title: found
        for name, title in DRAWN.items()
        if (found := columns[name]).size >= MINIMUM_DRAWN and np.ptp(found) > 0
    }
    return pages.data_uri(group_figures.histograms(values)) if values else ""
