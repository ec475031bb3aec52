"""What simple models said of unseen people, kept for a run that goes on."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bids_brainage.errors import OutputError
from bids_brainage.training.array_files import BROKEN

Said = dict[tuple[str, str], np.ndarray]


def slug(name: str) -> str:
    """Return a name as part of a file's name."""
    return name.replace(" ", "-")


def write_kept(path: Path, key: str, said: Mapping[tuple[str, str], np.ndarray]) -> None:
    """Keep what was said, by target and scheme.

    Raises
    ------
    OutputError
        If the folder cannot be written.
    """
    arrays = {f"{target}|{scheme}": values for (target, scheme), values in said.items()}
    part = path.with_name(f".{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(part, key=np.array(key), **arrays)  # type: ignore[arg-type]
        part.replace(path)
    except OSError as error:
        raise OutputError(f"cannot write: {error.strerror}", place=path) from error


def read_kept(path: Path, key: str) -> Said | None:
    """Read what was said from the same features of the same people; None without."""
    if not path.is_file():
        return None
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            if str(arrays["key"]) != key:
                return None
            names = [name.partition("|") for name in arrays.files if name != "key"]
            return {(target, scheme): arrays[f"{target}|{scheme}"] for target, _, scheme in names}
    except (*BROKEN, KeyError):
        return None
