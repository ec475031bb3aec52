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
from bids_brainage.models.cards import InputSpec, ModelCard, read_card
from bids_brainage.records.explanation import COLUMNS as EXPLANATION
from bids_brainage.records.group_columns import group_columns
from bids_brainage.records.prediction import data_dictionary

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
    yield card.description
    if card.caveat:
        yield f"**{card.caveat}**"
    facts = [
        ("version", card.version),
        ("use", card.use),
        ("inputs", "; ".join(_input(*item) for item in card.inputs.items())),
        *((f"ages with {k}", f"{a:g} to {b:g} years") for k, (a, b) in card.age_range.items()),
        *(
            (f"bias correction with {k}", f"slope {v['slope']:.3f}, intercept {v['intercept']:.2f}")
            for k, v in card.bias_correction.items()
        ),
        ("trained by", f"`{card.command}`"),
        ("seed", card.seed),
        ("weights (SHA-256)", f"`{card.sha256}`"),
    ]
    yield _table(("of the card", "value"), [(name, _cell(str(text))) for name, text in facts])
    yield "Trained on:"
    rows = [
        (
            one.dataset,
            f"{one.n} ({one.n_female} / {one.n_male})",
            f"{one.age_min:.0f} to {one.age_max:.0f} ({one.age_median:.0f})",
            len(one.sites),
            _cell(one.source),
            one.licence,
        )
        for one in card.training
    ]
    yield _table(("sample", "people (F / M)", "ages (median)", "sites", "source", "terms"), rows)
    scores = [
        (inputs, *(_number(found["out_of_fold"].get(key)) for key in SCORES))
        for inputs, found in card.metrics.items()
        if isinstance(found, dict) and "out_of_fold" in found
    ]
    if scores:
        yield f"Out-of-fold scores. {card.metrics.get('note', '')}"
        yield _table(("inputs", *SCORES.values()), scores)
    if card.references:
        yield "References:"
        yield "\n".join(f"- {text}" for text in card.references)


SCORES = {"n": "people", "mae": "mean absolute error", "mae_median": "guessing the median",
          "rmse": "RMSE", "pcc": "correlation", "sex_auc": "sex AUC"}  # fmt: skip


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}" if isinstance(value, float) else str(value)


def _input(name: str, spec: InputSpec) -> str:
    told = [spec.unit] if spec.unit else []
    told += [
        f"{word} {value}"
        for word, value in (("atlas", spec.atlas), ("denoising", spec.denoising))
        if value
    ]
    return f"{name}: {len(spec.names)} measures" + (f" ({', '.join(told)})" if told else "")


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
        limits,
        ranges,
        presets,
        cards,
        layouts,
        changes,
    )
}
