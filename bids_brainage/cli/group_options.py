"""Options of the group level."""

import argparse
from typing import Any

from bids_brainage.bids.expression import read_condition
from bids_brainage.cli.arguments import Extend
from bids_brainage.config import GroupOptions
from bids_brainage.errors import UsageError

METHODS = ("beheshti", "cole", "quadratic")
EVERYONE = "everyone"


def add_group_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the group level to the App's parser."""
    group = parser.add_argument_group("group level")
    group.add_argument(
        "--bias-fit",
        nargs="?",
        const=EVERYONE,
        metavar="CONDITION",
        help="correct the age bias by the dataset's own people, nobody by themselves: by those "
        "for whom CONDITION holds, such as \"group == 'control'\", of columns of the group table, "
        "participants.tsv and sessions.tsv (default: everyone)",
    )
    group.add_argument(
        "--bias-method",
        choices=METHODS,
        help="beheshti: gap minus the gap expected at that age (default); cole: predicted age "
        "minus intercept, over slope; quadratic: as beheshti, with age squared",
    )
    group.add_argument(
        "--harmonise",
        choices=("combat",),
        help="take differences between sites out of the gap, age and sex preserved",
    )
    group.add_argument(
        "--site-column",
        metavar="COLUMN",
        help="column of participants.tsv or sessions.tsv that names the site (default: site)",
    )
    group.add_argument(
        "--group-by",
        nargs="+",
        action=Extend,
        metavar="COLUMN",
        help="columns whose groups, or numbers, the gap is compared with",
    )
    group.add_argument(
        "--covariates",
        nargs="+",
        action=Extend,
        metavar="COLUMN",
        help="covariates of that comparison, beside age (default: sex, site where there is one, "
        "and mean_fd where most have it)",
    )
    group.add_argument(
        "--nipoppy-table",
        action="store_true",
        help="also write idp/brainage.tsv, a row per session with labels without prefixes, as "
        "nipoppy wants imaging-derived phenotypes",
    )


def group_options(options: argparse.Namespace, levels: tuple[str, ...]) -> GroupOptions:
    """Turn parsed options into the settings of the group level.

    Raises
    ------
    UsageError
        If an option is given that has no effect without another, or without the group level, or
        the condition is none.
    """
    found = GroupOptions(
        bias_fit=options.bias_fit,
        bias_method=options.bias_method or METHODS[0],
        harmonise=options.harmonise or "",
        site_column=options.site_column or "",
        group_by=_many(options.group_by),
        covariates=_many(options.covariates),
        nipoppy_table=options.nipoppy_table,
    )
    needs = {
        "--bias-method": (options.bias_method, found.bias_fit is not None, "--bias-fit"),
        "--covariates": (found.covariates, bool(found.group_by), "--group-by"),
        "--site-column": (
            found.site_column, bool(found.harmonise or found.group_by), "--harmonise or --group-by"
        ),
        "--bias-fit": (found.bias_fit, "group" in levels, "the group level"),
        "--harmonise": (found.harmonise, "group" in levels, "the group level"),
        "--group-by": (found.group_by, "group" in levels, "the group level"),
        "--nipoppy-table": (found.nipoppy_table, "group" in levels, "the group level"),
    }  # fmt: skip
    for option, (given, met, wanted) in needs.items():
        if given and not met:
            raise UsageError(f"{option} has no effect without {wanted}", hint=f"add {wanted}")
    if found.bias_fit not in (None, EVERYONE):
        read_condition(found.bias_fit, "--bias-fit")
    return found


def _many(values: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values or ()))
