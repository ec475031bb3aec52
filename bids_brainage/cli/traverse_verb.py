"""``brainage traverse``: what a brain would look like at other ages, after a generative model."""

import argparse
from pathlib import Path
from typing import Any

from bids_brainage.cli.arguments import Extend, labels


def add_verbs(verbs: Any) -> None:
    """Add the verb to the ``brainage`` parser."""
    parser = verbs.add_parser(
        "traverse",
        help="a person's measures at other ages, and beside those of the same age and sex",
    )
    parser.add_argument(
        "source",
        type=Path,
        metavar="INPUT",
        help="OUTPUT_DIR of the participant level, or a TSV or CSV with a column per measure "
        "(and participant_id, session_id, age, sex)",
    )
    parser.add_argument("--output", type=Path, required=True, metavar="DIR",
                        help="folder to write, with one folder per person")  # fmt: skip
    parser.add_argument("--model", default="cvae", help="shipped model or folder (default: cvae)")
    parser.add_argument(
        "--participant-label", dest="participants", type=labels, nargs="+", action=Extend,
        default=(), metavar="LABEL", help="only these people",
    )  # fmt: skip
    parser.add_argument(
        "--session-label", dest="sessions", type=labels, nargs="+", action=Extend,
        default=(), metavar="LABEL", help="only these sessions",
    )  # fmt: skip
    parser.add_argument(
        "--ages", type=_years, nargs="+", default=(), metavar="YEARS",
        help="ages of the tables (default: every fifth year that the model knows)",
    )  # fmt: skip
    parser.add_argument("--age", type=_years, metavar="YEARS",
                        help="of one person, in place of what the input tells")  # fmt: skip
    parser.add_argument("--sex", choices=("F", "M"), help="of one person, the same way")
    parser.set_defaults(work=_work)


def _years(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not an age in years")
    return value


def _work(options: argparse.Namespace) -> int:
    from bids_brainage.app.traverse import COLUMNS, TraverseOptions, traverse_people
    from bids_brainage.cli.model_verbs import say_table

    rows = traverse_people(TraverseOptions(
        source=options.source, output=options.output, model=options.model,
        participants=tuple(options.participants), sessions=tuple(options.sessions),
        ages=tuple(options.ages), age=options.age, sex=options.sex,
    ))  # fmt: skip
    say_table(rows, COLUMNS)
    return 0 if all(row.get("folder") for row in rows) else 1
