"""``brainage self-test``: does this installation compute what it should."""

import argparse
from pathlib import Path
from typing import Any

from bids_brainage.cli.arguments import device


def add_verbs(verbs: Any) -> None:
    """Add the verb to the ``brainage`` parser."""
    parser = verbs.add_parser(
        "self-test",
        help="predict a made-up person with every shipped model and compare with stored values",
    )
    parser.add_argument(
        "--device", type=device, default="auto", metavar="auto|cpu|cuda[:N]",
        help="auto takes the CPU, and a GPU too where there is one",
    )  # fmt: skip
    parser.add_argument(
        "--write", type=Path, metavar="JSON",
        help="write what is found as the values to expect, for new weights, and compare nothing",
    )  # fmt: skip
    parser.set_defaults(work=_work)


def _work(options: argparse.Namespace) -> int:
    from bids_brainage.app.self_test import COLUMNS, self_test, write_expectations
    from bids_brainage.cli.model_verbs import say, say_table

    if options.write:
        say(f"{write_expectations(options.write)}: values of all shipped models")
        return 0
    outcome = self_test(options.device)
    say_table(outcome.rows, COLUMNS)
    say("passed" if outcome.passed else "FAILED: this installation does not compute what it should")
    return 0 if outcome.passed else 1
