"""Fetch weights that the user brings, for builds of images; nothing is fetched at run time."""

import contextlib
import hashlib
import re
import secrets
from http.client import HTTPException
from pathlib import Path
from urllib.parse import unquote, urlsplit
from urllib.request import urlopen

from bids_brainage.config import SFCN
from bids_brainage.errors import ModelError, OutputError, UsageError
from bids_brainage.models.sfcn_weights import LARGEST, load_network
from bids_brainage.models.user_weights import WeightsFile, git_blob

SCHEMES = ("https", "http", "file")
TIMEOUT = 60.0  # seconds without an answer
_HASHES = {"sha256": 64, "blob": 40}
_FILE = re.compile(r"[\w+-][\w.+-]*")


def fetch_weights(
    name: str, url: str, folder: Path, *, sha256: str = "", blob: str = ""
) -> tuple[Path, WeightsFile]:
    """Fetch a file of weights, check its hash, and that it is what the model takes.

    Parameters
    ----------
    url
        ``https:``, ``http:`` or ``file:``; its last part is the name of the file.
    folder
        Where the file is put; it is made if need be.
    sha256, blob
        Expected SHA-256, and id that git gives to the content; at least one.

    Returns
    -------
        The file, and what tells it from others.

    Raises
    ------
    UsageError
        If the model is shipped, no hash is given, or the URL cannot be used.
    ModelError
        If the file is not there, has another hash, or is not of the model; nothing is left.
    OutputError
        If it cannot be written.
    """
    wanted = {"sha256": sha256.lower(), "blob": blob.lower()}
    file_name = _check(name, url, wanted)
    path = folder / file_name
    # The ending tells how it is read.
    draft = folder / f".{secrets.token_hex(4)}.{file_name}"
    try:
        content = _download(url)
        _compare(content, wanted, url)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(content)
        except OSError as error:
            raise OutputError(f"cannot write the weights: {error.strerror}", place=folder,
                              hint="choose another with --to") from error  # fmt: skip
        _, found = load_network(draft, shown=path)
        try:
            draft.replace(path)
        except OSError as error:
            raise OutputError(f"cannot write the weights: {error.strerror}", place=path,
                              hint="choose another with --to") from error  # fmt: skip
    finally:
        with contextlib.suppress(OSError):
            draft.unlink()
    return path, found


def _check(name: str, url: str, wanted: dict[str, str]) -> str:
    """Return the name of the file that a URL ends with."""
    if name != SFCN:
        raise UsageError(f"nothing to fetch for model '{name}'", place="brainage models fetch",
                         hint=f"only {SFCN} takes weights that are not shipped")  # fmt: skip
    if not any(wanted.values()):
        raise UsageError(
            "no expected hash: what comes from elsewhere is not taken on trust",
            place="brainage models fetch",
            hint="give --sha256, or with --blob the id that the repository shows",
        )
    for option, value in wanted.items():
        if value and not re.fullmatch(f"[0-9a-f]{{{_HASHES[option]}}}", value):
            raise UsageError(f"--{option} {value} has not {_HASHES[option]} hexadecimal digits",
                             place="brainage models fetch", hint="copy it whole")  # fmt: skip
    parts = urlsplit(url)
    file_name = unquote(parts.path.rpartition("/")[2])
    if parts.scheme not in SCHEMES or not _FILE.fullmatch(file_name):
        raise UsageError(f"cannot fetch '{url}'", place="--url",
                         hint="give an https, http or file URL that ends with a file")  # fmt: skip
    return file_name


def _download(url: str) -> bytes:
    try:
        with urlopen(url, timeout=TIMEOUT) as answer:
            content = answer.read(LARGEST + 1)
    except (OSError, HTTPException, ValueError) as error:
        raise ModelError(f"cannot fetch the weights: {error}", place=url,
                         hint="check the URL and the network") from error  # fmt: skip
    if len(content) > LARGEST:
        raise ModelError(f"more than {LARGEST} bytes are too many for weights", place=url,
                         hint="check the URL")  # fmt: skip
    return content


def _compare(content: bytes, wanted: dict[str, str], url: str) -> None:
    found = {"sha256": hashlib.sha256(content).hexdigest(), "blob": git_blob(content)}
    for option, value in wanted.items():
        if value and found[option] != value:
            raise ModelError(
                f"the fetched file has {option} {found[option]}, not {value}; it is not kept",
                place=url,
                hint="check the URL and the hash: a repository may answer with a page instead",
            )
