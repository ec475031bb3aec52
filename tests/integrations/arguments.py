"""Read the App's arguments out of what other engines are given."""

from collections.abc import Sequence

from bids_brainage.cli.app_config import to_config
from bids_brainage.cli.app_parser import build_parser
from bids_brainage.config import RunConfig


def accepted(words: Sequence[str]) -> RunConfig:
    """The settings that our own parser makes of a command line; it exits where it refuses one."""
    return to_config(build_parser().parse_args(list(words)))
