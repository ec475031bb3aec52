"""Logging of the App's processes: short lines on stderr."""

import logging


def set_up_logging(level: int = logging.WARNING) -> None:
    """Send the package's messages of a level and above to stderr."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S"))
    package = logging.getLogger("bids_brainage")
    package.handlers[:] = [handler]
    package.setLevel(level)
    package.propagate = False
    # It warns of every home that it cannot write to; a folder in /tmp does as well.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
