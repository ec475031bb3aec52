"""Option defaults from a TOML file."""

import argparse
import tomllib
from pathlib import Path
from typing import Any

from bids_brainage.errors import MissingInputError, UsageError


def apply_config_file(parser: argparse.ArgumentParser, argv: list[str]) -> None:
    """Make the options of ``--config-file`` the parser's defaults.

    Keys are the long option names with or without dashes replaced by underscores. Values go
    through the same checks as on the command line.

    Raises
    ------
    MissingInputError
        If the file does not exist.
    UsageError
        If it is not TOML, or names an option that does not exist or a value it does not take.
    """
    finder = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    finder.add_argument("--config-file", type=Path)
    path = finder.parse_known_args(argv)[0].config_file
    if path is None:
        return
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise MissingInputError(
            f"cannot read the configuration: {error.strerror}",
            place=path,
            hint="check the path after --config-file",
        ) from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"not a TOML file: {error}", place=path) from error
    options = {
        name.lstrip("-").replace("-", "_"): action
        for action in parser._actions
        for name in (*action.option_strings, action.dest)
    }
    for key, value in content.items():
        action = options.get(key.replace("-", "_"))
        if action is None or not action.option_strings or key in ("help", "version", "config_file"):
            raise UsageError(
                f"unknown option {key!r}", place=path, hint="use the long option names of --help"
            )
        parser.set_defaults(**{action.dest: _convert(parser, action, key, value, path)})


def _convert(
    parser: argparse.ArgumentParser, action: argparse.Action, key: str, value: Any, path: Path
) -> Any:
    option = next(name for name in action.option_strings if name.startswith("--"))
    if action.nargs == 0:
        expected: type = int if option == "--verbose" else bool
        if type(value) is not expected:
            raise UsageError(
                f"{key} = {value!r}",
                place=path,
                hint=f"give {'a number' if expected is int else 'true or false'}",
            )
        return value
    words = [str(v) for v in value] if isinstance(value, list) else [str(value)]
    single = argparse.ArgumentParser(add_help=False, exit_on_error=False, allow_abbrev=False)
    kinds: dict[str, Any] = {"nargs": action.nargs, "type": action.type, "dest": action.dest,
                             "choices": action.choices}  # fmt: skip
    single.add_argument(option, action=type(action), **kinds)
    try:
        options, more = single.parse_known_args([option, *words])
        if more:
            raise argparse.ArgumentTypeError("one value is taken")
    except (argparse.ArgumentError, argparse.ArgumentTypeError) as error:
        raise UsageError(f"{key} = {value!r}: {error}", place=path) from error
    result = getattr(options, action.dest)
    return tuple(result) if isinstance(result, list) else result
