"""One figure on a page and its file."""

from dataclasses import dataclass
from pathlib import Path

from bids_brainage.bids import outputs


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
    return outputs.write_bytes(folder / name, data).relative_to(output_dir).as_posix()
