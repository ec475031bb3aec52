"""Names and atomic writing of everything below OUTPUT_DIR."""

import contextlib
import csv
import io
import json
import math
import os
import re
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bids_brainage.errors import InputError, OutputError
from bids_brainage.records.session import SessionKey

BIDS_VERSION = "1.10.0"
LEFTOVER = re.compile(r"\..+\.[0-9a-f]{8}\.(tmp|claim)")
LEFTOVER_AGE = 3600.0  # seconds; no file takes this long to write
# Spreadsheet programs compute cells that begin so.
FORMULA = ("=", "+", "-", "@")
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)


def session_file(output_dir: Path, key: SessionKey, suffix: str, datatype: str = "") -> Path:
    """Path of a session's derivative.

    Parameters
    ----------
    suffix
        File name after the session stem and its underscore.
    datatype
        ``anat``, ``func`` or empty for files that belong to the whole session.
    """
    return output_dir / key.folder / datatype / f"{key.stem}_{suffix}"


def extraction_log(output_dir: Path, key: SessionKey) -> Path:
    """Path of the session's extraction log."""
    return session_file(output_dir, key, "desc-extraction_log.json")


def predictions_file(output_dir: Path, key: SessionKey) -> Path:
    """Path of the session's predictions."""
    return session_file(output_dir, key, "desc-brainage_predictions.tsv")


def prediction_files(output_dir: Path, key: SessionKey) -> tuple[Path, Path]:
    """Paths of the session's predictions and of their sidecar."""
    table = predictions_file(output_dir, key)
    return table, table.with_suffix(".json")


def explanation_files(output_dir: Path, key: SessionKey) -> tuple[Path, Path]:
    """Paths of the table that explains the session's predictions, and of its sidecar."""
    table = session_file(output_dir, key, "desc-brainage_explanation.tsv")
    return table, table.with_suffix(".json")


def trajectory_files(output_dir: Path, key: SessionKey) -> tuple[Path, Path]:
    """Paths of the table of the session's measures at other ages, and of its sidecar."""
    table = session_file(output_dir, key, "desc-trajectory_morph.tsv", "anat")
    return table, table.with_suffix(".json")


def model_files(output_dir: Path, key: SessionKey) -> tuple[Path, ...]:
    """Paths of all that models make of a session's features."""
    return (
        *prediction_files(output_dir, key),
        *explanation_files(output_dir, key),
        *trajectory_files(output_dir, key),
    )


def start_marker(output_dir: Path, key: SessionKey) -> Path:
    """Path of the marker that stands while a session is being worked on."""
    return output_dir / "logs" / "started" / f"{key.stem}.json"


def format_cell(value: Any) -> str:
    """One table cell: missing is ``n/a``, numbers keep nine digits, booleans are lower case.

    Text that a spreadsheet program would take for a formula gets an apostrophe in front.
    """
    if value is None or value == "" or (isinstance(value, float) and not math.isfinite(value)):
        return "n/a"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.9g}"
    text = " ".join(str(value).split())
    formula = text.startswith(FORMULA) and not NUMBER.fullmatch(text)
    return f"'{text}" if formula else text


def format_table(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """BIDS TSV text with a header line."""
    text = io.StringIO()
    writer = csv.writer(
        text,
        delimiter="\t",
        lineterminator="\n",
        quoting=csv.QUOTE_NONE,
        quotechar=None,
        escapechar=None,
    )
    writer.writerow(columns)
    for row in rows:
        writer.writerow([format_cell(row.get(name)) for name in columns])
    return text.getvalue()


def write_tsv(path: Path, rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> Path:
    """Write a BIDS TSV in one step.

    Raises
    ------
    OutputError
        If the folder cannot be written.
    """
    return write_text(path, format_table(rows, columns))


def write_json(path: Path, content: Any) -> Path:
    """Write JSON in one step; NaN becomes null."""
    return write_text(path, json.dumps(_plain(content), indent=2, ensure_ascii=False) + "\n")


def claim_json(path: Path, content: Any) -> bool:
    """Write JSON in one step unless the file is there, also where many processes try at once.

    Returns
    -------
        Whether this call wrote it.

    Raises
    ------
    OutputError
        If the folder cannot be written.
    """
    if path.exists():
        return False
    draft = write_json(path.with_name(f".{path.name}.{secrets.token_hex(4)}.claim"), content)
    try:
        os.link(draft, path)
    except FileExistsError:
        return False
    except OSError:
        # A file system without hard links: the last writer wins.
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return True


def write_text(path: Path, text: str) -> Path:
    """Write a text file in one step, as UTF-8.

    Raises
    ------
    OutputError
        If the folder cannot be written.
    """
    return write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> Path:
    """Write a file in one step, so that no reader ever sees half of it.

    Raises
    ------
    OutputError
        If the folder cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise OutputError(
            f"cannot write: {error.strerror}", place=path, hint="check space and permissions"
        ) from error
    return path


def remove_leftovers(*folders: Path) -> None:
    """Remove what killed processes left of half-written files; never what is written now."""
    oldest = time.time() - LEFTOVER_AGE
    for folder in folders:
        with contextlib.suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                if LEFTOVER.fullmatch(entry.name) and entry.stat().st_mtime < oldest:
                    Path(entry.path).unlink(missing_ok=True)


def read_json(path: Path) -> Any:
    """Read a JSON file of the output.

    Raises
    ------
    InputError
        If it is absent or not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"cannot read: {error}", place=path, hint="rerun with --force") from error


def read_tsv(path: Path) -> list[dict[str, str]]:
    """Read a TSV of the output as text cells; raises as :func:`iterate_tsv`."""
    return list(iterate_tsv(path))


def iterate_tsv(path: Path) -> Iterator[dict[str, str]]:
    """Read a TSV of the output row by row, as text cells.

    Raises
    ------
    InputError
        If it is absent, empty or not UTF-8.
    """
    try:
        with path.open(encoding="utf-8") as file:
            first = file.readline()
            if not first:
                raise InputError("the table is empty", place=path, hint="rerun with --force")
            header = first.rstrip("\n").split("\t")
            for line in file:
                yield dict(zip(header, line.rstrip("\n").split("\t"), strict=False))
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read: {error}", place=path, hint="rerun with --force") from error


def _plain(content: Any) -> Any:
    if isinstance(content, Mapping):
        return {str(k): _plain(v) for k, v in content.items()}
    if isinstance(content, list | tuple):
        return [_plain(v) for v in content]
    if isinstance(content, Path):
        return content.as_posix()
    if hasattr(content, "tolist"):
        return _plain(content.tolist())
    if isinstance(content, float) and not math.isfinite(content):
        return None
    return content
