"""Read one participant's derivatives from disk; what cannot be read is named, never guessed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bids_brainage.bids import outputs
from bids_brainage.bids.extraction_logs import read_extraction
from bids_brainage.bids.scan import natural_key
from bids_brainage.errors import InputError
from bids_brainage.records.extraction import Extraction
from bids_brainage.records.session import SessionKey
from bids_brainage.report.reading_images import Files, find_anatomy, find_runs

_SESSION = re.compile(r"^ses-(?P<session>.+)$")


@dataclass(frozen=True)
class NumericTable:
    """A derivative table of numbers.

    Parameters
    ----------
    values
        Rows x regions; NaN where the file says ``n/a``.
    sidecar
        Content of the JSON file beside it; empty if there is none.
    """

    path: Path
    regions: tuple[str, ...]
    values: np.ndarray
    sidecar: dict[str, Any] = field(default_factory=dict)

    @property
    def stem(self) -> str:
        """File name without BIDS suffix and extension."""
        return self.path.name.rsplit("_", 1)[0]


@dataclass(frozen=True)
class SessionDerivatives:
    """Everything the report can show of one session.

    Parameters
    ----------
    log
        Extraction log, or None if absent or unreadable.
    predictions
        Rows of the predictions file as text cells.
    dictionary
        Data dictionary of the predictions file.
    anatomy, raw_runs
        Images that preprocessing of raw images left, by their paths.
    volumes
        Rows of the volumes of a raw T1w.
    explanation, explanation_sidecar
        Rows of the table that explains the predicted ages, and its sidecar.
    trajectory, trajectory_sidecar
        Rows of the table of measures at other ages, and its sidecar.
    modulated
        Atlases whose modulated grey matter was written.
    interrupted
        Whether the session was started and never finished.
    problems
        Files that are there and cannot be read, in plain words.
    """

    key: SessionKey
    log: Extraction | None = None
    predictions: tuple[dict[str, str], ...] = ()
    dictionary: dict[str, Any] = field(default_factory=dict)
    connectivity: tuple[NumericTable, ...] = ()
    timeseries: tuple[NumericTable, ...] = ()
    morphometry: tuple[dict[str, str], ...] = ()
    morphometry_sidecar: dict[str, Any] = field(default_factory=dict)
    anatomy: Files | None = None
    raw_runs: tuple[Files, ...] = ()
    volumes: tuple[dict[str, str], ...] = ()
    explanation: tuple[dict[str, str], ...] = ()
    explanation_sidecar: dict[str, Any] = field(default_factory=dict)
    trajectory: tuple[dict[str, str], ...] = ()
    trajectory_sidecar: dict[str, Any] = field(default_factory=dict)
    modulated: tuple[str, ...] = ()
    interrupted: bool = False
    problems: tuple[str, ...] = ()


def find_sessions(output_dir: Path, participant: str) -> list[SessionKey]:
    """Sessions of a participant that left a folder or a start marker below OUTPUT_DIR.

    Parameters
    ----------
    participant
        Label without ``sub-``.
    """
    base = SessionKey(participant)
    folder = output_dir / base.folder
    labels: set[str] = set()
    if folder.is_dir():
        matches = (_SESSION.match(p.name) for p in folder.iterdir() if p.is_dir())
        labels = {match["session"] for match in matches if match}
    markers = outputs.start_marker(output_dir, base).parent
    if markers.is_dir():
        prefix = f"{base.participant_id}_ses-"
        labels |= {
            p.stem.removeprefix(prefix) for p in markers.glob("*.json") if p.stem.startswith(prefix)
        }
    keys = [SessionKey(participant, label) for label in sorted(labels, key=natural_key)]
    own = (
        outputs.extraction_log(output_dir, base),
        outputs.predictions_file(output_dir, base),
        outputs.start_marker(output_dir, base),
    )
    if not keys or any(path.is_file() for path in own):
        keys.insert(0, base)
    return keys


def read_session(output_dir: Path, key: SessionKey, *, numbers: bool = True) -> SessionDerivatives:
    """Read a session's derivatives; a damaged file becomes a problem in plain words.

    Parameters
    ----------
    numbers
        Whether to read matrices and series; else their tables hold names and no rows.
    """
    problems: list[str] = []
    log = _read_log(output_dir, key, problems)
    table = outputs.predictions_file(output_dir, key)
    morph = _derivatives(output_dir, key, log, "morphometry", "anat", "desc-freesurfer_morph.tsv")
    volumes = outputs.session_file(output_dir, key, "desc-volumes_morph.tsv", "anat")
    why = outputs.explanation_files(output_dir, key)[0]
    others = outputs.trajectory_files(output_dir, key)[0]
    relmats = _derivatives(output_dir, key, log, "connectivity", "func", "*_relmat.tsv")
    series = _derivatives(
        output_dir, key, log, "timeseries", "func", "*_desc-denoised_timeseries.tsv"
    )
    return SessionDerivatives(
        key=key,
        log=log,
        predictions=tuple(_read_rows(table, problems)),
        dictionary=_read_sidecar(table, problems),
        connectivity=tuple(_read_numbers(relmats, problems, numbers)),
        timeseries=tuple(_read_numbers(series, problems, numbers)),
        morphometry=tuple(_read_rows(morph[0], problems)) if morph else (),
        morphometry_sidecar=_read_sidecar(morph[0], problems) if morph else {},
        anatomy=find_anatomy(output_dir, key),
        raw_runs=find_runs(output_dir, key),
        volumes=tuple(_read_rows(volumes, problems)),
        explanation=tuple(_read_rows(why, problems)) if numbers else (),
        explanation_sidecar=_read_sidecar(why, problems) if numbers else {},
        trajectory=tuple(_read_rows(others, problems)) if numbers else (),
        # The methods text needs it, too.
        trajectory_sidecar=_read_sidecar(others, problems),
        modulated=_modulated(volumes.parent, key),
        interrupted=outputs.start_marker(output_dir, key).is_file(),
        problems=tuple(problems),
    )


def texts(content: Any) -> Iterator[str]:
    """All text values inside nested lists and mappings."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, dict):
        for value in content.values():
            yield from texts(value)
    elif isinstance(content, list | tuple):
        for value in content:
            yield from texts(value)


def number(cell: Any) -> float:
    """Read a table cell as a number; NaN where it holds none."""
    try:
        value = float(cell)
    except (TypeError, ValueError):
        return float("nan")
    return value if np.isfinite(value) else float("nan")


def _modulated(folder: Path, key: SessionKey) -> tuple[str, ...]:
    """Names of atlases between ``seg-`` and the description."""
    start, end = f"{key.stem}_seg-", "_desc-modulated_morph.tsv"
    found = sorted(path.name for path in folder.glob(f"{start}*{end}"))
    return tuple(name.removeprefix(start).removesuffix(end) for name in found)


def _derivatives(
    output_dir: Path, key: SessionKey, log: Extraction | None, kind: str, datatype: str, glob: str
) -> list[Path]:
    """Files the log names (an earlier run may have left others), else those in the folder."""
    if log is not None and isinstance(log.derivatives, dict):
        root = output_dir.resolve()
        named = [(output_dir / name) for name in texts(log.derivatives.get(kind))]
        named = [
            path
            for path in named
            if path.match(f"*_{glob}") and path.is_file() and path.resolve().is_relative_to(root)
        ]
        if named:
            return named
    return sorted((output_dir / key.folder / datatype).glob(f"{key.stem}_{glob}"))


def _read_log(output_dir: Path, key: SessionKey, problems: list[str]) -> Extraction | None:
    path = outputs.extraction_log(output_dir, key)
    if not path.is_file():
        return None
    try:
        return read_extraction(path, key)
    except InputError:
        problems.append(f"{path.name} is damaged and was left out")
    return None


def _read_rows(path: Path, problems: list[str]) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    try:
        return outputs.read_tsv(path)
    except InputError:
        problems.append(f"{path.name} is damaged and was left out")
    return []


def _read_sidecar(table: Path, problems: list[str]) -> dict[str, Any]:
    path = table.with_suffix(".json")
    if not path.is_file():
        return {}
    try:
        content = outputs.read_json(path)
    except InputError:
        content = None
    if isinstance(content, dict):
        return content
    problems.append(f"{path.name} is damaged and was left out")
    return {}


def _read_numbers(paths: list[Path], problems: list[str], numbers: bool) -> Iterator[NumericTable]:
    for path in paths:
        try:
            with path.open(encoding="utf-8") as file:
                header = file.readline().rstrip("\n")
                lines = file.read().splitlines() if numbers else []
            regions = tuple(header.split("\t"))
            values = np.array(
                [[number(cell) for cell in line.split("\t")] for line in lines], dtype=float
            )
            values = values.reshape(len(lines), -1) if lines else np.empty((0, len(regions)))
            if values.shape[1] != len(regions):
                raise ValueError("ragged table")
        except (OSError, ValueError):
            problems.append(f"{path.name} is damaged and was left out")
            continue
        yield NumericTable(path, regions, values, _read_sidecar(path, problems))
