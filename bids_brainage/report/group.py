"""Write ``group_brainage.html``: everyone's outcome, and how well ages were predicted."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bids_brainage.bids import outputs
from bids_brainage.evaluation.metrics import classification_metrics, regression_metrics
from bids_brainage.report import group_figures, pages
from bids_brainage.report.answer import NOT_CLINICAL
from bids_brainage.report.group_rows import Columns, GroupRows

MAX_REASONS = 200
MINIMUM_DRAWN = 8
DRAWN = {
    "t1w_snr": "T1w signal to noise",
    "t1w_cnr": "T1w contrast to noise",
    "registration_overlap": "Overlap with the template",
    "intracranial_volume": "Intracranial volume (mL)",
    "mean_fd": "Mean displacement (mm)",
    "censored_share": "Share of volumes left out",
    "tsnr": "BOLD temporal signal to noise",
    "bold_brain_coverage": "Brain covered by BOLD",
}


@dataclass(frozen=True)
class ModelView:
    """One model's predictions as the template shows them.

    Parameters
    ----------
    metrics
        Name and text, in the order of the table.
    scatter, histogram
        Figures as data URIs; empty without enough known ages.
    """

    name: str
    n: int
    n_known: int
    n_outside: int
    metrics: list[tuple[str, str]]
    scatter: str
    scatter_alt: str
    histogram: str
    histogram_alt: str


def write_group_report(output_dir: Path) -> Path:
    """Write the group page from ``group_brainage.tsv`` and its data dictionary.

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
            "statuses": rows.statuses,
            "reasons": rows.reasons[:MAX_REASONS],
            "models": [_model(name, columns) for name, columns in rows.models.items()],
            "people": rows.people,
            "n_rows": rows.n_rows,
            "quality": _quality(rows.quality, dictionary if isinstance(dictionary, dict) else {}),
            "quality_figure": _quality_figure(rows.quality),
            "flags": rows.flags,
        },
    )


def _model(name: str, columns: Columns) -> ModelView:
    age, predicted = columns["age"], columns["predicted_age"]
    outside = columns["outside"] > 0
    have_age = np.isfinite(age)
    gap = (predicted - age)[have_age]
    corrected = columns["brain_age_gap_corrected"][have_age]
    corrected = corrected[np.isfinite(corrected)]
    scatter = histogram = ""
    if gap.size:
        scatter = pages.data_uri(
            group_figures.age_scatter(age[have_age], predicted[have_age], outside[have_age])
        )
        histogram = pages.data_uri(group_figures.gap_histogram(gap, corrected))
    return ModelView(
        name=name,
        n=int(predicted.size),
        n_known=int(gap.size),
        n_outside=int(outside.sum()),
        metrics=_metrics(columns),
        scatter=scatter,
        scatter_alt=f"Predicted against chronological age of {gap.size} sessions.",
        histogram=histogram,
        histogram_alt=f"Histogram of the brain age gap of {gap.size} sessions.",
    )


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
