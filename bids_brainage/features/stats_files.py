"""Parser of FreeSurfer's and FastSurfer's ``.stats`` text files."""

import re
from dataclasses import dataclass, field
from pathlib import Path

_UNITS = {"mm": "mm", "mm^2": "mm2", "mm^3": "mm3", "mm3": "mm3", "unitless": "count"}


@dataclass(frozen=True)
class StatsFile:
    """Content of one ``.stats`` file.

    Parameters
    ----------
    measures
        ``# Measure`` lines: lower-case short name to text of the value and unit.
    rows
        Table rows: structure name to column name to text.
    units
        Unit of each table column, where the header states it.
    header
        Comment lines as key to text (``cvs_version``, ``generating_program`` …).
    broken
        Number of table rows that do not have as many cells as the header has columns.
    """

    path: Path
    measures: dict[str, tuple[str, str]] = field(default_factory=dict)
    rows: dict[str, dict[str, str]] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    header: dict[str, str] = field(default_factory=dict)
    broken: int = 0


def plain_unit(text: str) -> str:
    """Spell a unit as the derivatives do (``mm^3`` becomes ``mm3``)."""
    text = text.strip()
    return _UNITS.get(text.lower(), text)


def read_stats(path: Path) -> StatsFile:
    """Read one file; what cannot be understood is left out and counted, never guessed.

    Raises
    ------
    OSError
        If the file cannot be opened.
    """
    stats = StatsFile(path)
    columns: list[str] = []
    column_of: dict[str, str] = {}
    broken = 0
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith("#"):
            text = line.lstrip("#").strip()
            key, _, rest = text.partition(" ")
            rest = rest.strip()
            if key == "Measure":
                _add_measure(stats.measures, rest)
            elif key == "ColHeaders":
                columns = rest.split()
            elif key == "TableCol":
                _add_column(stats.units, column_of, rest)
            elif key:
                stats.header.setdefault(key, rest)
            continue
        cells = line.split()
        if not cells:
            continue
        if not columns or len(cells) != len(columns) or "StructName" not in columns:
            broken += 1
            continue
        row = dict(zip(columns, cells, strict=True))
        stats.rows.setdefault(row["StructName"], row)
    return StatsFile(path, stats.measures, stats.rows, stats.units, stats.header, broken)


def _add_measure(measures: dict[str, tuple[str, str]], text: str) -> None:
    """``Cortex, MeanThickness, Mean Thickness, 2.52, mm``; the description may hold commas."""
    parts = [part.strip() for part in text.split(",")]
    if len(parts) < 5:
        return
    measures.setdefault(parts[1].lower(), (parts[-2], plain_unit(parts[-1])))


def _add_column(units: dict[str, str], column_of: dict[str, str], text: str) -> None:
    """``4 ColHeader Volume_mm3`` names a column, ``4 Units mm^3`` its unit."""
    match = re.match(r"(\d+)\s+(ColHeader|Units)\s+(\S+)", text)
    if not match:
        return
    number, what, value = match.groups()
    if what == "ColHeader":
        column_of[number] = value
    elif number in column_of:
        units[column_of[number]] = plain_unit(value)
