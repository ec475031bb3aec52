"""A home for libraries that insist on one."""

import os


def ensure_home() -> None:
    """Set HOME to ``/``, as Docker does, where neither HOME nor the user id names a home.

    pybids cannot even be imported without one; only root could write to this one.
    """
    if os.path.expanduser("~") == "~":  # noqa: PTH111
        os.environ["HOME"] = "/"
