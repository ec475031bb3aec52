"""The verb ``evaluate``: scores of any predictions of people of known age."""

import argparse
import sys
from itertools import zip_longest
from pathlib import Path
from typing import Any

from bids_brainage.cli.arguments import count, positive
from bids_brainage.cli.model_verbs import say_table
from bids_brainage.errors import UsageError

PREDICTIONS = {
    "predicted": "predicted age in years, not corrected for age bias",
    "probability": "predicted probability of being female",
}
COLUMNS = {
    "age": "chronological age in years",
    "sex": "F or M",
    "model": "which model a row is of",
    "site": "where people were scanned",
    "participant": "whose row it is",
    "session": "which of the participant's sessions it is",
    "head-size": "head size, such as intracranial volume: sex is also scored without it",
}


def add_verbs(verbs: Any) -> None:
    """Add the verb to the ``brainage`` parser."""
    evaluate = verbs.add_parser("evaluate", help="score any predictions of people of known age")
    evaluate.add_argument(
        "tables",
        nargs="+",
        type=Path,
        metavar="TABLE",
        help="TSV or CSV with ages and predicted ages, such as group_brainage.tsv",
    )
    evaluate.add_argument(
        "--output", type=Path, metavar="DIR", help="write tables and figures there, too"
    )
    for role, meaning in PREDICTIONS.items():
        evaluate.add_argument(
            f"--{role}-column", action="append", default=[], metavar="NAME",
            help=f"{meaning} (default: found by its usual names); one for each of several models",
        )  # fmt: skip
    for role, meaning in COLUMNS.items():
        evaluate.add_argument(
            f"--{role}-column", default="", metavar="NAME",
            help=f"{meaning} (default: found by its usual names)",
        )  # fmt: skip
    evaluate.add_argument(
        "--cluster",
        choices=("participant", "site", "dataset"),
        default="participant",
        help="what is resampled as a whole for the intervals (default: participant)",
    )
    evaluate.add_argument(
        "--reference-age",
        type=_years,
        metavar="YEARS",
        help="what guessing gives everyone (default: the median of these people)",
    )
    evaluate.add_argument(
        "--draws",
        type=positive,
        default=2000,
        metavar="N",
        help="bootstrap samples (default: 2000)",
    )
    evaluate.add_argument("--seed", type=count, default=0, metavar="N", help="of the resampling")
    evaluate.set_defaults(work=_evaluate)


def _years(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not an age in years")
    return value


def _evaluate(options: argparse.Namespace) -> int:
    from bids_brainage.app.evaluate import evaluate_tables, write_evaluation

    predicted, probable = options.predicted_column, options.probability_column
    if probable and len(probable) != max(len(predicted), 1):
        raise UsageError(
            f"{len(probable)} of --probability-column and {len(predicted)} of --predicted-column",
            hint="give one for each model, in the same order, or none",
        )
    columns = {role.replace("-", "_"): getattr(options, f"{role}_column".replace("-", "_"))
               for role in COLUMNS}  # fmt: skip
    found = evaluate_tables(
        options.tables,
        {role: name for role, name in columns.items() if name},
        predictions=list(zip_longest(predicted or [""] * len(probable), probable, fillvalue="")),
        cluster=options.cluster,
        reference=options.reference_age,
        draws=options.draws,
        seed=options.seed,
    )
    for note in found.notes:
        sys.stderr.write(f"brainage: {note}\n")
    rows = found.summary()
    say_table(rows, list(dict.fromkeys(name for row in rows for name in row)))
    if options.output:
        write_evaluation(found, options.output)
        sys.stderr.write(f"brainage: wrote {options.output / 'evaluation.html'} and its tables\n")
    return 0
