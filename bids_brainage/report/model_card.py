"""A model's card as sections of words and tables, for the pages and for the terminal."""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bids_brainage.models.cards import InputSpec, ModelCard

WIDTH = 88
SCORES = {"n": "people", "mae": "MAE", "mae_median": "MAE of guessing", "rmse": "RMSE", "pcc": "r",
          "bias": "mean error", "sex_auc": "sex AUC", "sex_brier": "sex Brier"}  # fmt: skip
Cells = tuple[str, ...]


@dataclass(frozen=True)
class Section:
    """A part of a card.

    Parameters
    ----------
    words
        Paragraphs.
    items
        A list.
    header, rows
        A table, after both.
    """

    title: str
    words: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    header: Cells = ()
    rows: tuple[Cells, ...] = ()


def sections(card: ModelCard) -> list[Section]:
    """Everything a user must know of a model, without empty parts."""
    found = [
        Section("Purpose", tuple(t for t in (card.description, card.caveat, card.purpose) if t)),
        Section("Facts", header=("of the card", "value"), rows=tuple(_facts(card))),
        Section("Trained on", header=("sample", "people (F / M)", "ages (median)", "sites",
                                      "source", "terms"), rows=tuple(_samples(card))),
        *_accuracy(card),
        *_intervals(card),
        *_segmentation(card),
        Section("Known failures", items=card.failures),
        Section("Ethics", items=card.ethics),
        Section("References", items=card.references),
    ]  # fmt: skip
    return [part for part in found if part.words or part.items or part.rows]


def as_text(card: ModelCard) -> str:
    """Render a card for a terminal."""
    lines = [f"{card.name} {card.version}", "=" * len(f"{card.name} {card.version}")]
    for part in sections(card):
        lines += ["", part.title, "-" * len(part.title)]
        for words in part.words:
            lines += _wrap(words)
        for item in part.items:
            lines += _wrap(item, "- ", "  ")
        if part.rows:
            lines += _table(part.header, part.rows)
    return "\n".join(lines)


def _wrap(text: str, first: str = "", others: str = "") -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=first, subsequent_indent=others,
        break_on_hyphens=False, break_long_words=False,
    )  # fmt: skip


def _table(header: Cells, rows: Sequence[Cells]) -> Iterator[str]:
    """Aligned columns; where they are too wide, a block of lines for each row."""
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]
    if len(header) == 2:
        for name, value in rows:
            start = f"{name:<{widths[0]}}  "
            yield from _wrap(value, start, " " * len(start))
    elif sum(widths) + 2 * len(widths) <= WIDTH:
        for row in (header, *rows):
            cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
            yield "  ".join(cells).rstrip()
    else:
        for row in rows:
            told = "; ".join(f"{n} {c}" for n, c in zip(header[1:], row[1:], strict=True) if c)
            yield from _wrap(f"{row[0]}: {told}", others="  ")


def _facts(card: ModelCard) -> Iterator[Cells]:
    yield "use", card.use
    yield "used", "by default" if card.default else "when asked for"
    for name, spec in card.inputs.items():
        yield f"input {name}", _input(spec)
    for name, (low, high) in card.age_range.items():
        yield f"ages with {name}", f"{low:g} to {high:g} years"
    for name, line in card.bias_correction.items():
        yield (
            f"age bias with {name}",
            f"slope {line['slope']:.3f}, intercept {line['intercept']:.2f} years",
        )
    if calibration := card.metrics.get("calibration"):
        yield "calibration", calibration["note"]
    yield "trained by", card.command
    yield "seed", str(card.seed)
    yield "weights (SHA-256)", card.sha256


def _input(spec: InputSpec) -> str:
    told = [spec.unit] if spec.unit else []
    told += [f"{word} {value}" for word, value in
             (("atlas", spec.atlas), ("denoising", spec.denoising)) if value]  # fmt: skip
    if spec.shape:
        told.append(f"{' x '.join(map(str, spec.shape))} voxels of {spec.zooms:g} mm")
    count = len(spec.names)
    measures = f"{count} measures" if count > 1 else "an image"
    return measures + (f" ({', '.join(told)})" if told else "")


def _samples(card: ModelCard) -> Iterator[Cells]:
    for one in card.training:
        yield (
            one.dataset,
            f"{one.n} ({one.n_female} / {one.n_male})",
            f"{one.age_min:.0f} to {one.age_max:.0f} ({one.age_median:.0f})",
            str(len(one.sites)),
            one.source,
            one.licence,
        )


def _accuracy(card: ModelCard) -> Iterator[Section]:
    lines = [
        (inputs, sample, scores)
        for inputs, found in _scored(card)
        for sample, scores in _groups(found).items()
    ]
    told = [key for key in SCORES if any(scores.get(key) is not None for *_, scores in lines)]
    rows = tuple((inputs, sample, *(_number(s.get(key)) for key in told))
                 for inputs, sample, s in lines)  # fmt: skip
    note = str(card.metrics.get("note", "")).replace("mae_median:", "MAE of guessing:")
    words = (f"MAE: mean absolute error. {note}".strip(),) if rows else ()
    header = ("inputs", "sample", *(SCORES[key] for key in told))
    yield Section("Accuracy by sample and decade (years)", words, header=header, rows=rows)


def _groups(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Scores of everybody, of each sample, and of each decade of age."""
    decades = {_decade(name): scores for name, scores in found.get("per_decade", {}).items()}
    return {"all": found.get("out_of_fold", {}), **found.get("per_dataset", {}), **decades}


def _decade(name: str) -> str:
    return f"{name} to {int(name) + 9} years"


def _intervals(card: ModelCard) -> Iterator[Section]:
    rows, level = [], 0.9
    for inputs, scores in _scored(card):
        found = scores.get("interval") or {}
        level = found.get("level", level)
        named = _groups(found)
        rows += [(inputs, who, str(s["n"]), f"{s['coverage']:.0%}", f"{s['width']:.1f}")
                 for who, s in named.items() if s]  # fmt: skip
    words = (
        f"Share of people whose age lies within the {100 * level:.0f} % interval, and its mean "
        "width."
    )
    yield Section(
        "Intervals by sample and decade", (words,) if rows else (),
        header=("inputs", "people", "n", "within", "width (years)"), rows=tuple(rows),
    )  # fmt: skip


def _segmentation(card: ModelCard) -> Iterator[Section]:
    tissues = card.metrics.get("tissues")
    if isinstance(tissues, dict):
        kinds = ("brain", "GM", "WM", "CSF")
        rows = tuple(
            (name, str(row["people"]), *(f"{row[f'{k}_dice_mean']:.2f}" for k in kinds))
            for name, row in tissues.items()
        )
        note = (str(card.metrics["note"]),) if card.metrics.get("note") else ()
        yield Section("Accuracy (Dice)", note, header=("method", "people", *kinds), rows=rows)


def _scored(card: ModelCard) -> Iterator[tuple[str, dict[str, Any]]]:
    for inputs, scores in card.metrics.items():
        if isinstance(scores, dict) and "out_of_fold" in scores:
            yield inputs, scores


def _number(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.2f}" if isinstance(value, float) else str(value)
