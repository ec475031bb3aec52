"""Tables of what simple models tell from features: one long TSV, and Markdown per target."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bids_brainage.bids.outputs import write_text, write_tsv
from bids_brainage.training.autoencoder.class_scores import Score
from bids_brainage.training.autoencoder.classify import AGE, BINS, NOTHING, SCHEMES, SEX

COLUMNS = ("features", "n_features", "model", "target", "scheme", "metric", "value", "sd", "n")
DECIMALS = 4
METRICS = {
    SEX: {
        "accuracy": "accuracy", "balanced_accuracy": "balanced accuracy", "auc": "AUC",
        "auc_within_samples": "AUC within samples",
    },
    AGE: {"mae": "MAE (years)", "r": "r"},
}  # fmt: skip
SHORT = {"accuracy": "accuracy", "balanced_accuracy": "balanced"}
Key = tuple[str, int, str]


def write_scores(
    folder: Path,
    scores: Sequence[Score],
    title: str,
    notes: Sequence[str],
    sections: Sequence[str] = (),
) -> Path:
    """Write ``crossval.tsv`` and ``crossval.md``.

    Parameters
    ----------
    title, notes
        Heading and paragraphs before the tables.
    sections
        Whole sections of Markdown after the tables of the scores.
    """
    rows = [
        {
            "features": s.features, "n_features": s.width, "model": s.model, "target": s.target,
            "scheme": s.scheme or None, "metric": s.metric, "value": _rounded(s.value),
            "sd": _rounded(s.sd), "n": s.n,
        }
        for s in scores
    ]  # fmt: skip
    write_tsv(folder / "crossval.tsv", rows, COLUMNS)
    parts = [f"# {title}", *notes, *_tables(scores), *sections]
    return write_text(folder / "crossval.md", "\n\n".join(parts) + "\n")


def bins_note(codes: np.ndarray, bins: Sequence[str]) -> str:
    """Say how many people each bin has, and what that means for accuracy."""
    counts = np.bincount(codes[codes >= 0], minlength=len(bins))
    if not counts.sum():
        return "Nobody's age lies in a bin."
    told = ", ".join(f"{name}: {n}" for name, n in zip(bins, counts, strict=True))
    return (
        f"Age bins ({told}) are told among people of these ages. The largest has "
        f"{counts.max() / counts.sum():.1%} of them and the smallest {counts.min()}, so that "
        "accuracy rewards the large ones; balanced accuracy is the mean over the bins."
    )


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a table in Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def with_spread(value: float, sd: float, decimals: int) -> str:
    """Return a value with its standard deviation over folds; a dash where unknown."""
    if not math.isfinite(value):
        return "-"
    spread = f" ± {sd:.{decimals}f}" if math.isfinite(sd) else ""
    return f"{value:.{decimals}f}{spread}"


def _tables(scores: Sequence[Score]) -> list[str]:
    parts = []
    for target, title in ((SEX, "Sex"), (BINS, "Age bins"), (AGE, "Age in years")):
        mine = [s for s in scores if s.target == target]
        if not mine:
            continue
        people = max(s.n for s in mine)
        table = _bins_table(mine) if target == BINS else _plain_table(mine, METRICS[target])
        parts += [f"## {title} ({people} people)", table]
    return parts


def _plain_table(scores: Sequence[Score], metrics: Mapping[str, str]) -> str:
    return _table(scores, list(metrics.values()), lambda s: metrics[s.metric])


def _bins_table(scores: Sequence[Score]) -> str:
    schemes = [name for name in SCHEMES if any(s.scheme == name for s in scores)]
    titles = [f"{scheme} {word}" for scheme in schemes for word in SHORT.values()]
    everywhere = [s for s in scores if s.features == NOTHING]
    spread = [
        Score(s.features, s.width, s.model, s.target, scheme, s.metric, s.value, s.sd, s.n)
        for s in everywhere
        for scheme in schemes
    ]
    told = [s for s in scores if s.features != NOTHING]
    return _table([*spread, *told], titles, lambda s: f"{s.scheme} {SHORT[s.metric]}")


def _table(scores: Sequence[Score], titles: Sequence[str], title_of: Callable[[Score], str]) -> str:
    cells: dict[Key, dict[str, str]] = {}
    for s in scores:
        decimals = 2 if s.metric == "mae" else 3
        row = cells.setdefault((s.features, s.width, s.model), {})
        row[title_of(s)] = with_spread(s.value, s.sd, decimals)
    rows = [
        [features, width or "", model, *(found.get(title, "-") for title in titles)]
        for (features, width, model), found in cells.items()
    ]
    return markdown_table(["features", "n", "model", *titles], rows)


def _rounded(value: float) -> float | None:
    return round(value, DECIMALS) if math.isfinite(value) else None
