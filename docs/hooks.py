"""Parts of the pages that are made when the site is built, so that they cannot go stale.

A line ``<!-- made: NAME -->`` in a page is replaced by what the function ``NAME`` below returns.
"""

import argparse
import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from math import isinf
from pathlib import Path
from typing import Any

from bids_brainage.app.group_analysis import MEANINGS
from bids_brainage.app.quality import LIMITS
from bids_brainage.cli import app_parser, tool_command
from bids_brainage.features.quality_checks import ANATOMY, FUNCTION
from bids_brainage.models.cards import ModelCard, read_card
from bids_brainage.records.explanation import COLUMNS as EXPLANATION
from bids_brainage.records.group_columns import group_columns
from bids_brainage.records.prediction import data_dictionary
from bids_brainage.records.trajectory import columns as trajectory
from bids_brainage.report.model_card import sections

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "bids_brainage"
PLACE = re.compile(r"^<!-- made: (\w+) -->$", re.MULTILINE)


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Fill in what is made; mkdocs calls this for every page."""
    return PLACE.sub(lambda found: MAKERS[found[1]](), markdown)


def app_options() -> str:
    """Options of ``bids_brainage``, group by group."""
    return "\n\n".join(_options(app_parser.build_parser(), "##"))


def tool_options() -> str:
    """Verbs of ``brainage`` with their options."""
    return "\n\n".join(_verbs(tool_command.build_parser(), "brainage", ""))


def _verbs(parser: argparse.ArgumentParser, name: str, told: str) -> Iterator[str]:
    nested = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    if not nested:
        yield f"### {name}"
        yield f"{told[:1].upper()}{told[1:]}."
        yield from _options(parser, "")
    for action in nested:
        helps = {choice.dest: choice.help or "" for choice in action._choices_actions}
        for verb, inner in action.choices.items():
            yield from _verbs(inner, f"{name} {verb}", helps.get(verb, ""))


def _options(parser: argparse.ArgumentParser, heading: str) -> Iterator[str]:
    """One table per group of options; one for all where there is no heading to give them."""
    groups = [
        (group.title or "", actions)
        for group in parser._action_groups
        if (actions := [a for a in group._group_actions if a.dest not in ("help", "version")])
    ]
    if not heading:
        groups = [("", [action for _, actions in groups for action in actions])]
    for title, actions in groups:
        if heading:
            yield f"{heading} {title.capitalize()}"
        rows = [(_spelling(a), _cell(a.help or "") % {"prog": parser.prog}) for a in actions]
        yield _table(("option", "what it does"), rows)


def _spelling(action: argparse.Action) -> str:
    value = ""
    if action.nargs != 0:
        value = str(action.metavar or "/".join(map(str, action.choices or ())) or action.dest)
        value += " …" if action.nargs == "+" else ""
    long = [name for name in action.option_strings if name.startswith("--")][:1]
    others = [f"`{name}`" for name in action.option_strings if name not in long]
    text = f"`{' '.join((*long, value)).strip()}`"
    return (text + (f"<br>also {', '.join(others)}" if others else "")).replace("|", "\\|")


def columns() -> str:
    """Every column of the predictions and group tables."""
    return _columns(data_dictionary())


def added_columns() -> str:
    """Columns that options of the group level add."""
    return _columns(group_columns())


def effect_columns() -> str:
    """Columns of the table of comparisons."""
    return _columns(MEANINGS)


def explanation_columns() -> str:
    """Columns of the table that explains predictions."""
    return _columns(EXPLANATION)


def trajectory_columns() -> str:
    """Columns of the table of measures at other ages."""
    return (
        _columns(trajectory([20]))
        .replace("_20`", "_<age>`")
        .replace("the age of 20 years", "that age")
    )


def _columns(dictionary: dict[str, dict[str, Any]]) -> str:
    rows = []
    for name, entry in dictionary.items():
        levels = [f"`{level}`: {text}" for level, text in entry.get("Levels", {}).items()]
        text = "<br>".join([entry["Description"], *levels])
        limits = [entry[k] for k in ("Minimum", "Maximum") if k in entry]
        unit = entry.get("Units") or " to ".join(map(str, limits))
        rows.append((f"`{name}`", unit, _cell(text)))
    return _table(("column", "unit", "meaning"), rows)


def limits() -> str:
    """When quality is ``check``."""
    rows = [
        (f"`{name}`", f"{'above' if more else 'below'} {limit:g}")
        for name, limit, more, _ in LIMITS
    ]
    return _table(("column", "`check` where it is"), rows)


def ranges() -> str:
    """When a raw image is refused after preprocessing."""
    rows = [
        (
            f"`{one.column}`",
            one.what,
            f"{one.show(one.low)} "
            + ("or more" if isinf(one.high) else f"to {one.show(one.high)}"),
        )
        for one in (*ANATOMY, *FUNCTION)
    ]
    return _table(("column", "measure", "accepted"), rows)


def presets() -> str:
    """Packaged denoising presets."""
    found = [_read(path) for path in sorted((PACKAGE / "data" / "denoising").glob("*.json"))]
    return _table(
        ("preset", "what it takes out"),
        [(f"`{one['name']}`", _cell(one["description"])) for one in found],
    )


def cards() -> str:
    """Cards of the shipped models, the headline first."""
    folder = PACKAGE / "models" / "weights"
    found = [read_card(path) for path in folder.glob("*/card.json")]
    found.sort(key=lambda card: (card.experimental, card.family != "mavae", card.name))
    return "\n\n".join(part for card in found for part in _card(card))


def _card(card: ModelCard) -> Iterator[str]:
    yield f"### {card.name}"
    for part in sections(card):
        yield f"#### {part.title}"
        yield from part.words
        if part.items:
            yield "\n".join(f"- {item}" for item in part.items)
        if part.rows:
            yield _table(part.header, [[_cell(cell) for cell in row] for row in part.rows])


def layouts() -> str:
    """What was found in datasets of many layouts."""
    with (ROOT / "docs" / "layouts.tsv").open(encoding="utf-8", newline="") as file:
        text = re.sub(r"[a-z]{30,}", lambda word: f"{word[0][:24]}…", file.read())
        found = list(csv.DictReader(io.StringIO(text), delimiter="\t"))
    rows = []
    for one in found:
        name = f"`{one['dataset']}`" + (", filled" if one["images"] == "filled" else "")
        name += f"<br>`{one['options']}`" if one["options"] != "n/a" else ""
        counts = [
            f"{one[a]}, {one[b]}" for a, b in (("participants", "sessions"), ("ages", "sexes"))
        ]
        chosen = re.sub(r"(\d+) (\S+)(; |$)", r"\1 `\2`<br>", one["chosen"])
        chosen = "nothing" if chosen == "n/a" else chosen.removesuffix("<br>")
        ran = "" if one["exit"] == "n/a" else f"{one['ran']}: {one['exit']}"
        rows.append((name, *counts, _cell(chosen), ran))
    return _table(("dataset", "participants, sessions", "ages, sexes", "chosen", "ran: exit"), rows)


def coverage() -> str:
    """Share of people inside their interval and its width, by sample and decade."""
    card = read_card(PACKAGE / "models" / "weights" / "mavae" / "card.json")
    found = {
        inputs: scores["interval"]
        for inputs, scores in card.metrics.items()
        if isinstance(scores, dict) and "interval" in scores
    }
    rows = [("**everyone**", {inputs: one["out_of_fold"] for inputs, one in found.items()})]
    for level, name in (("per_dataset", "{}"), ("per_decade", "{} to {} years")):
        for key in sorted({key for one in found.values() for key in one[level]}):
            title = name.format(key, int(key) + 9) if key.isdecimal() else key
            have = {i: one[level] for i, one in found.items() if key in one[level]}
            rows.append((title, {i: one[key] for i, one in have.items()}))
    cells = ("{n}", "{coverage:.3f}", "{width:.1f}")
    return _table(
        ("", *(f"{inputs}: {what}" for inputs in found for what in ("people", "inside", "width"))),
        [
            (title, *((cell.format(**of[i]) if i in of else "") for i in found for cell in cells))
            for title, of in rows
        ],
    )


def flags() -> str:
    """How often good and faulty input is flagged."""
    with (ROOT / "docs" / "flags.tsv").open(encoding="utf-8", newline="") as file:
        found = list(csv.reader(file, delimiter="\t"))
    return _table(found[0], found[1:])


def changes() -> str:
    """The list of changes, without its title."""
    return (ROOT / "CHANGES.md").read_text(encoding="utf-8").partition("\n")[2]


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<label>", "&lt;label&gt;")


def _table(header: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    lines = [list(header), *([str(cell) for cell in row] for row in rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


MAKERS = {
    maker.__name__: maker
    for maker in (
        app_options,
        tool_options,
        columns,
        added_columns,
        effect_columns,
        explanation_columns,
        trajectory_columns,
        limits,
        ranges,
        presets,
        cards,
        layouts,
        coverage,
        flags,
        changes,
    )
}
