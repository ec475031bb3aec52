"""``brainage models fetch``: weights for builds of images."""

import argparse
from collections.abc import Callable
from pathlib import Path

from bids_brainage.errors import UsageError


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of fetching to the parser of ``brainage models``."""
    group = parser.add_argument_group("fetch, for builds of images: nothing is fetched later")
    group.add_argument("--to", type=Path, metavar="DIR", help="folder for the file")
    group.add_argument("--url", help="https, http or file URL of the weights")
    group.add_argument("--sha256", default="", metavar="HEX", help="expected SHA-256")
    group.add_argument(
        "--blob", default="", metavar="HEX", help="expected id of the file in its git repository"
    )


def fetch(options: argparse.Namespace, say: Callable[[str], None]) -> int:
    """Fetch what the options ask for."""
    from bids_brainage.app.fetch import fetch_weights

    missing = [f"--{name}" for name in ("to", "url") if getattr(options, name) is None]
    if missing:
        raise UsageError(
            f"{' and '.join(missing)} not given",
            place="brainage models fetch",
            hint="brainage models fetch sfcn --to DIR --url URL --sha256 HEX",
        )
    path, found = fetch_weights(
        options.name, options.url, options.to, sha256=options.sha256, blob=options.blob
    )
    say(f"{path}: tells {found.tells}, {found.size} bytes, SHA-256 {found.sha256}, "
        f"git blob {found.blob}")  # fmt: skip
    return 0
