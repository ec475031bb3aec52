"""The ``bids_brainage`` command."""

import logging
import sys
from collections.abc import Sequence

from bids_brainage.cli.app_config import to_config
from bids_brainage.cli.app_parser import build_parser
from bids_brainage.cli.config_file import apply_config_file
from bids_brainage.cli.home import ensure_home
from bids_brainage.cli.progress import Progress
from bids_brainage.cli.shell import run_guarded

logger = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the BIDS App and return its exit code."""
    ensure_home()
    arguments = list(sys.argv[1:] if argv is None else argv)
    return run_guarded("bids_brainage", lambda: _run(arguments))


def _run(arguments: list[str]) -> int:
    parser = build_parser()
    apply_config_file(parser, arguments)
    options = parser.parse_args(arguments)
    config = to_config(options)
    logging.getLogger("bids_brainage").setLevel(
        (logging.WARNING, logging.INFO, logging.DEBUG)[min(options.verbose, 2)]
    )
    from bids_brainage.app.run import run

    with Progress() as progress:
        return run(config, progress.say, progress.step)


if __name__ == "__main__":
    sys.exit(main())
