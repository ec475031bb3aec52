"""Options of a recipe from the command line: ``--set option=value``."""

import argparse
import dataclasses
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from bids_brainage.cli.arguments import available_cpus, positive, setting_value
from bids_brainage.errors import UsageError


def add_settings(parser: argparse.ArgumentParser, example: str) -> None:
    """Add ``--set`` with an example, ``--resume`` and ``--threads``."""
    parser.add_argument(
        "--set",
        dest="settings",
        nargs="+",
        default=[],
        metavar="OPTION=VALUE",
        help=f"any other option of the recipe, for example {example}",
    )
    parser.add_argument(
        "--resume", action="store_true", help="go on from checkpoints in the output"
    )
    parser.add_argument("--threads", type=positive, default=available_cpus(), metavar="N")


def command_line() -> str:
    """Tell the command that runs, for the card of a model; of paths, their last part alone."""
    return shlex.join(["brainage", *(Path(w).name if "/" in w else w for w in sys.argv[1:])])


class Recipe(Protocol):
    """Frozen options of a training."""

    def changed(self, **options: Any) -> Any:
        """Return a copy with some options changed."""
        ...


Kind = TypeVar("Kind", bound=Recipe)


def changed_recipe(recipe: Kind, settings: Sequence[str], **options: Any) -> Kind:
    """Change options of a recipe.

    Parameters
    ----------
    settings
        Texts ``option=value``.
    options
        Options with an argument of their own; None where it was not given.

    Raises
    ------
    UsageError
        If an option does not exist or its value does not fit.
    """
    changed = {name: value for name, value in options.items() if value is not None}
    known = {field.name for field in dataclasses.fields(recipe)}  # type: ignore[arg-type]
    for setting in settings:
        name, separator, text = setting.partition("=")
        if not separator:
            raise UsageError(f"--set {setting}", hint="write option=value")
        if name not in known:
            raise UsageError(
                f"--set {name}: the recipe has no such option",
                hint=f"options are {', '.join(sorted(known))}",
            )
        changed[name] = setting_value(text)
    try:
        return recipe.changed(**changed)
    except TypeError as error:
        raise UsageError(f"--set {' '.join(settings)}: {error}") from error
