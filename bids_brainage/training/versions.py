"""Versions of what takes part in a training, for the card of a model."""

import platform
from collections.abc import Iterable
from importlib import metadata

from bids_brainage import __version__


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Return the versions of this package, of Python and of some other packages."""
    return {"bids_brainage": __version__, "python": platform.python_version()} | {
        name: metadata.version(name) for name in packages
    }
