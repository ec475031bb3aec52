"""Reading small text files that people made: any encoding, any line end, never an exception."""

import json
import re
from pathlib import Path
from typing import Any

MAX_BYTES = 64 * 2**20
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
# What git-annex and git-lfs leave in place of a file's content, and the size they stay below.
POINTER_BYTES = 2**15
POINTERS = {
    b"/annex/objects/": "is a pointer without content (with DataLad: datalad get)",
    b"version https://git-lfs": "is a pointer without content (git lfs pull)",
}


def pointer_problem(content: bytes) -> str:
    """Whether the start of a file is that of a pointer to content elsewhere, in plain words."""
    return next((told for start, told in POINTERS.items() if content.startswith(start)), "")


def read_text(path: Path) -> str:
    """Read a text file in UTF-8 (with or without byte-order mark), UTF-16 or Latin-1.

    Raises
    ------
    OSError
        If it cannot be opened, is larger than 64 MiB, or is a pointer without content.
    """
    if path.stat().st_size > MAX_BYTES:
        raise OSError(f"larger than {MAX_BYTES // 2**20} MiB")
    content = path.read_bytes()
    if problem := pointer_problem(content):
        raise OSError(problem)
    return decode(content)


def printable(text: str) -> str:
    """Text that can be written as UTF-8 and shown, whatever bytes a file system gave.

    Control characters could change what a terminal shows.
    """
    return CONTROL.sub("?", text.encode("utf-8", "replace").decode())


def counted(number: int, noun: str) -> str:
    """Number and noun, in the plural where it is not one."""
    return f"{number} {noun}" + ("" if number == 1 else "s")


def decode(content: bytes) -> str:
    """Decode bytes as UTF-8, else UTF-16 by its byte-order mark, else Latin-1."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def read_json_object(path: Path) -> tuple[dict[str, Any], str]:
    """Read a JSON object without ever failing.

    Returns
    -------
    content
        The object; empty if the file is absent or unusable.
    problem
        What is wrong, in plain words; empty if nothing is, or if the file is absent.
    """
    try:
        content = json.loads(read_text(path))
    except FileNotFoundError:
        broken = path.is_symlink()
        return {}, f"{path.name} is a broken link (datalad get)" if broken else ""
    except OSError as error:
        return {}, f"{path.name} cannot be read ({error.strerror or error})"
    except json.JSONDecodeError as error:
        return {}, f"{path.name} is not JSON (line {error.lineno}: {error.msg})"
    except (ValueError, RecursionError) as error:
        return {}, f"{path.name} is not JSON ({error})"
    if not isinstance(content, dict):
        return {}, f"{path.name} is not a JSON object"
    return content, ""
