"""Files of weights that the user brings, told apart by size and hashes."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bids_brainage.errors import ModelError

# Git blob ids of published files, as their repository shows them, and what they are.
PUBLISHED: dict[str, str] = {}


@dataclass(frozen=True)
class WeightsFile:
    """What tells one file of weights from another.

    Parameters
    ----------
    file
        Its name.
    tells
        ``age`` or ``sex``.
    size
        Bytes.
    blob
        Id that git gives to its content.
    sha256
        Hash of its content.
    published
        What it is, if its id is among those of `PUBLISHED`.
    """

    file: str
    tells: str
    size: int
    blob: str
    sha256: str
    published: str = ""


def identify(path: Path, tells: str) -> WeightsFile:
    """Read a file for what tells it from others.

    Parameters
    ----------
    tells
        ``age`` or ``sex``.
    """
    content = path.read_bytes()
    blob = git_blob(content)
    digest = hashlib.sha256(content).hexdigest()
    return WeightsFile(path.name, tells, len(content), blob, digest, PUBLISHED.get(blob, ""))


def git_blob(content: bytes) -> str:
    """Return the id that git gives to a file's content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def weights_hash(files: Sequence[Path]) -> str:
    """Hash of all files in any order, that of the card they give.

    Raises
    ------
    ModelError
        If one cannot be read.
    """
    try:
        return joined_hash([hashlib.sha256(path.read_bytes()).hexdigest() for path in files])
    except OSError as error:
        raise ModelError(
            f"cannot be read as weights: {error.strerror}",
            place=str(error.filename),
            hint="check the path",
        ) from error


def joined_hash(hashes: Sequence[str]) -> str:
    """Return one hash for several; a single one stays as it is."""
    if len(hashes) == 1:
        return hashes[0]
    return hashlib.sha256("".join(sorted(hashes)).encode()).hexdigest()
