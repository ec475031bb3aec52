"""One figure on a page and its file."""

import contextlib
import secrets
from dataclasses import dataclass
from pathlib import Path

from bids_brainage.bids import outputs
from bids_brainage.errors import OutputError


@dataclass(frozen=True)
class Panel:
    """A figure on the page.

    Parameters
    ----------
    source
        Figure file relative to OUTPUT_DIR.
    alt
        What it shows, for readers who cannot see it.
    """

    source: str
    title: str
    alt: str
    caption: str


def save_figure(output_dir: Path, folder: Path, name: str, text: str) -> str:
    """Write a figure in one step and give its path relative to OUTPUT_DIR.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    return outputs.write_text(folder / name, text).relative_to(output_dir).as_posix()


def save_picture(output_dir: Path, folder: Path, name: str, data: bytes) -> str:
    """Write a picture in one step and give its path relative to OUTPUT_DIR.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    path = folder / name
    temporary = path.with_name(f".{name}.{secrets.token_hex(4)}.tmp")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(data)
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise OutputError(
            f"cannot write: {error.strerror}", place=path, hint="check space and permissions"
        ) from error
    return path.relative_to(output_dir).as_posix()
