"""The ``brainage`` command: models, training, evaluation and the demo, outside of BIDS."""

import argparse
import logging
import sys
from collections.abc import Sequence

from bids_brainage import __version__
from bids_brainage.cli import (
    evaluate_verb,
    model_verbs,
    self_test_verb,
    training_verbs,
    traverse_verb,
)
from bids_brainage.cli.home import ensure_home
from bids_brainage.cli.shell import run_guarded


def build_parser() -> argparse.ArgumentParser:
    """Build the parser with one subparser per verb."""
    parser = argparse.ArgumentParser(
        prog="brainage",
        description="Models, training and evaluation of bids_brainage.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    training_verbs.add_verbs(verbs)
    model_verbs.add_verbs(verbs)
    evaluate_verb.add_verbs(verbs)
    traverse_verb.add_verbs(verbs)
    self_test_verb.add_verbs(verbs)
    for verb in verbs.choices.values():
        _add_verbose(verb)
    return parser


def _add_verbose(parser: argparse.ArgumentParser) -> None:
    """Add ``--verbose`` to the last parser of each verb: after the family, where there is one."""
    nested = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    for action in nested:
        for family in action.choices.values():
            _add_verbose(family)
    if not nested:
        parser.add_argument("-v", "--verbose", action="store_true", help="say what is done")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return its exit code."""
    ensure_home()
    return run_guarded("brainage", lambda: _run(argv))


def _run(argv: Sequence[str] | None) -> int:
    options = build_parser().parse_args(argv)
    level = logging.INFO if options.verbose else logging.WARNING
    logging.getLogger("bids_brainage").setLevel(level)
    return options.work(options)


if __name__ == "__main__":
    sys.exit(main())
