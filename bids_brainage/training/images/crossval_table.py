"""Tables of a cross-validation of networks of images."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bids_brainage.bids.outputs import write_text, write_tsv
from bids_brainage.evaluation.bootstrap import paired_bootstrap
from bids_brainage.training.images.family import ImageFamily
from bids_brainage.training.images.people import Person
from bids_brainage.training.images.predictions import scores

# What each row is compared with, and the beginning of the columns that say so.
OVER_MEDIAN, OVER_MAIN = "gain", "gain_over_main"
COLUMNS = ("row", "model", "n", "folds", "mae", "rmse", "pcc", "spearman", "sd", "bias",
           *(f"{gain}{end}" for gain in (OVER_MEDIAN, OVER_MAIN)
             for end in ("", "_lower", "_upper")))  # fmt: skip


def write_tables(
    folder: Path,
    people: Sequence[Person],
    predicted: Mapping[str, np.ndarray],
    labels: Mapping[str, str],
    family: ImageFamily,
    n_folds: Mapping[str, int],
) -> None:
    """Write ``crossval.tsv``, ``crossval.md`` and ``predictions.tsv``.

    Parameters
    ----------
    predicted
        Row to predicted ages of all people in years, NaN for those not predicted.
    labels, n_folds
        Row to what it is called, and to its number of folds.
    """
    age = np.array([person.age for person in people])
    rows = []
    for name, found in predicted.items():
        known = ~np.isnan(found)
        row: dict[str, Any] = {"row": name, "model": labels[name], "folds": n_folds[name]}
        row |= scores(age[known], found[known])
        for gain, reference in ((OVER_MEDIAN, "median"), (OVER_MAIN, family.main)):
            if name == reference or reference not in predicted:
                continue
            both = known & ~np.isnan(predicted[reference])
            over = paired_bootstrap(age[both], predicted[reference][both], found[both])
            row |= {gain: over.gain, f"{gain}_lower": over.lower, f"{gain}_upper": over.upper}
        rows.append({k: round(v, 4) if isinstance(v, float) else v for k, v in row.items()})
    write_tsv(folder / "crossval.tsv", rows, COLUMNS)
    persons = [
        {"participant_id": person.label, "age": person.age}
        | {name: round(float(found[i]), 3) for name, found in predicted.items()}
        for i, person in enumerate(people)
    ]
    write_tsv(folder / "predictions.tsv", persons, ["participant_id", "age", *predicted])
    write_text(folder / "crossval.md", markdown(rows, family.title, alive(predicted)))


def alive(predicted: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Whether TSAN's second stage looks at the image: what it adds within each rounded age.

    Returns
    -------
        ``distinct``: share of distinct final ages; ``within``: mean over rounded ages of the
        standard deviation of what is added, in years.
    """
    if "rounded" not in predicted or "tsan" not in predicted:
        return {}
    known = ~np.isnan(predicted["tsan"])
    final, rounded = predicted["tsan"][known], predicted["rounded"][known]
    spreads = [
        float(np.std((final - rounded)[rounded == value]))
        for value in np.unique(rounded)
        if (rounded == value).sum() > 1
    ]
    within = float(np.mean(spreads)) if spreads else float("nan")
    return {"distinct": len(np.unique(final)) / len(final), "within": within}


def markdown(rows: Sequence[Mapping[str, Any]], title: str, second: Mapping[str, float]) -> str:
    """The table as Markdown."""
    lines = [
        "| model | people | MAE | r | Spearman | SD of error | gain over the median [95 %] "
        f"| gain over {title} [95 %] |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        cells = [row["model"], str(row["n"])]
        cells += [_number(row[name]) for name in ("mae", "pcc", "spearman", "sd")]
        for gain in (OVER_MEDIAN, OVER_MAIN):
            ends = [f"{row[gain + end]:.2f}" for end in ("_lower", "_upper") if gain in row]
            cells.append(f"{row[gain]:.2f} [{', '.join(ends)}]" if ends else "")
        lines.append(f"| {' | '.join(cells)} |")
    if second:
        lines += [
            "",
            f"Second stage: {second['distinct']:.0%} of the final ages are distinct; what it adds "
            f"has a standard deviation of {second['within']:.2f} years within one rounded age.",
        ]
    return "\n".join(lines) + "\n"


def _number(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else "n/a"
