"""Write ``group_brainage.html``: everyone's outcome, and how well ages were predicted."""

import math
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bids_brainage.bids import outputs
from bids_brainage.evaluation.metrics import classification_metrics, regression_metrics
from bids_brainage.report import group_figures, pages
from bids_brainage.report.answer import NOT_CLINICAL, known, yes
from bids_brainage.report.reading import number

MAX_ROWS = 1000
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
_PAGE = re.compile(r"sub-[^/\\]+")
_NUMBERS = ("age", "predicted_age", "brain_age_gap", "brain_age_gap_corrected")


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
    rows = outputs.read_tsv(table)
    dictionary_path = table.with_suffix(".json")
    dictionary = outputs.read_json(dictionary_path) if dictionary_path.is_file() else {}
    there = {path.name for path in output_dir.glob("sub-*.html")}
    sessions = _sessions(rows)
    statuses = Counter(_status(row) for row in sessions.values())
    models = dict.fromkeys(known(row.get("model")) for row in rows if known(row.get("model")))
    return pages.render(
        output_dir / "group_brainage.html",
        "group.html",
        {
            "title": "Brain age: group",
            "disclaimer": NOT_CLINICAL,
            "n_participants": len({row.get("participant_id") for row in rows}),
            "n_sessions": len(sessions),
            "statuses": statuses,
            "reasons": _reasons(rows, there),
            "models": [_model(name, rows) for name in models],
            "people": [_person(row, there) for row in rows[:MAX_ROWS]],
            "n_rows": len(rows),
            "quality": _quality(rows, dictionary if isinstance(dictionary, dict) else {}),
            "quality_figure": _quality_figure(rows),
            "flags": Counter(known(row.get("quality")) or "n/a" for row in sessions.values()),
        },
    )


def _status(row: dict[str, str]) -> str:
    return known(row.get("status")) or "failed"


def _sessions(rows: list[dict[str, str]]) -> dict[tuple[str, str], dict[str, str]]:
    """One row per session: the first that a model answered, else the first."""
    sessions: dict[tuple[str, str], dict[str, str]] = {}
    for row in rows:
        key = (row.get("participant_id", ""), row.get("session_id", ""))
        seen = sessions.setdefault(key, row)
        if _status(row) == "ok" and _status(seen) != "ok":
            sessions[key] = row
    return sessions


def _reasons(rows: list[dict[str, str]], there: set[str]) -> list[dict[str, Any]]:
    """Group sessions without prediction by status and reason, most frequent first."""
    groups: dict[tuple[str, str], dict[tuple[str, str], dict[str, str]]] = {}
    for row in rows:
        if _status(row) != "ok":
            reason = known(row.get("status_reason")) or "no reason was recorded"
            who = _who(row, there)
            members = groups.setdefault((_status(row), reason), {})
            members[who["participant"], who["session"]] = who
    return [
        {
            "status": status,
            "reason": reason,
            "n": len(members),
            "who": list(members.values())[:20],
        }
        for (status, reason), members in sorted(groups.items(), key=lambda g: (-len(g[1]), g[0]))
    ][:200]


def _who(row: dict[str, str], there: set[str]) -> dict[str, str]:
    participant = row.get("participant_id", "")
    page = f"{participant}.html"
    return {
        "participant": participant,
        "session": known(row.get("session_id")),
        "page": page if page in there and _PAGE.fullmatch(participant) else "",
    }


def _person(row: dict[str, str], there: set[str]) -> dict[str, Any]:
    return {
        **_who(row, there),
        **{name: number(row.get(name)) for name in _NUMBERS},
        "model": known(row.get("model")),
        "status": _status(row),
        "sex": known(row.get("sex")),
        "predicted_sex": known(row.get("predicted_sex")),
        "outside": yes(row.get("within_age_range")) is False,
        "unlike": yes(row.get("out_of_distribution")) is True,
        "quality": known(row.get("quality")),
    }


def _model(name: str, rows: list[dict[str, str]]) -> ModelView:
    mine = [
        row
        for row in rows
        if known(row.get("model")) == name and not math.isnan(number(row.get("predicted_age")))
    ]
    values = {key: np.array([number(row.get(key)) for row in mine]) for key in _NUMBERS}
    outside = np.array(
        [
            yes(row.get("within_age_range")) is False or yes(row.get("out_of_distribution")) is True
            for row in mine
        ],
        dtype=bool,
    )
    have_age = np.isfinite(values["age"])
    age, predicted = values["age"][have_age], values["predicted_age"][have_age]
    gap = predicted - age
    corrected = values["brain_age_gap_corrected"][have_age]
    corrected = corrected[np.isfinite(corrected)]
    scatter = histogram = ""
    if age.size:
        scatter = pages.data_uri(group_figures.age_scatter(age, predicted, outside[have_age]))
        histogram = pages.data_uri(group_figures.gap_histogram(gap, corrected))
    return ModelView(
        name=name,
        n=len(mine),
        n_known=int(age.size),
        n_outside=int(outside.sum()),
        metrics=_metrics(age, predicted, mine),
        scatter=scatter,
        scatter_alt=f"Predicted against chronological age of {age.size} sessions.",
        histogram=histogram,
        histogram_alt=f"Histogram of the brain age gap of {gap.size} sessions.",
    )


def _metrics(
    age: np.ndarray, predicted: np.ndarray, rows: list[dict[str, str]]
) -> list[tuple[str, str]]:
    ages = regression_metrics(age, predicted)
    codes = {"F": 1.0, "M": 0.0}
    female = np.array([codes.get(row.get("sex", ""), math.nan) for row in rows])
    chances = np.array([number(row.get("probability_female")) for row in rows])
    sexes = classification_metrics(female, chances)
    years = ("mae", "mae_median", "rmse", "pcc")
    return [
        ("n", str(ages["n"])),
        *((key, pages.decimals(ages[key])) for key in years),
        ("bias", pages.decimals(ages["bias"], signed=True)),
        ("n_sex", str(sexes["n"])),
        ("accuracy", pages.percent(sexes["accuracy"])),
        ("auc", pages.decimals(sexes["auc"])),
    ]


def _values(name: str, rows: list[dict[str, str]]) -> np.ndarray:
    """Known values of a column; models that repeat a session's value count once."""
    found = {
        (row.get("participant_id"), row.get("session_id"), value)
        for row in rows
        if math.isfinite(value := number(row.get(name)))
    }
    return np.array(sorted(value for *_, value in found))


def _quality(rows: list[dict[str, str]], dictionary: dict[str, Any]) -> list[dict[str, str]]:
    """Median and spread of every numeric quality column."""
    overview = []
    for name in _quality_columns(rows):
        values = _values(name, rows)
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


def _quality_figure(rows: list[dict[str, str]]) -> str:
    """Histograms of the columns to look at first; empty with too few people."""
    present = set(_quality_columns(rows))
    values = {
        title: found
        for name, title in DRAWN.items()
        if name in present
        and (found := _values(name, rows)).size >= MINIMUM_DRAWN
        and np.ptp(found) > 0
    }
    return pages.data_uri(group_figures.histograms(values)) if values else ""


def _quality_columns(rows: list[dict[str, str]]) -> list[str]:
    names = list(rows[0]) if rows else []
    return names[names.index("quality") + 1 :] if "quality" in names else []
