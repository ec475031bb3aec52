"""The carpet of one run, and which volumes of the run its rows are."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bids_brainage.report import figures
from bids_brainage.report.methods import censoring_threshold
from bids_brainage.report.pages import decimals
from bids_brainage.report.panel import Panel, save_figure
from bids_brainage.report.reading import NumericTable, SessionDerivatives, number

MAX_VOLUMES = 100_000


@dataclass(frozen=True)
class RunVolumes:
    """Which volumes of a run were kept.

    Parameters
    ----------
    kept
        Position of each row in the run, from 0.
    total
        Volumes of the run, as far as they can be placed.
    placed
        Whether the positions are recorded; otherwise rows just follow each other.
    displacement
        Framewise displacement of every volume, mm; None if not recorded or not placeable.
    """

    kept: np.ndarray
    total: int
    placed: bool
    displacement: np.ndarray | None = None


def carpet_panel(
    output_dir: Path, folder: Path, table: NumericTable, session: SessionDerivatives
) -> Panel:
    """Draw one run's carpet and say what it shows.

    Raises
    ------
    OutputError
        If the figure cannot be written.
    """
    run = run_volumes(table)
    settings = session.log.settings if session.log is not None else {}
    threshold = censoring_threshold([table.sidecar], settings)
    step = number(table.sidecar.get("RepetitionTime"))
    rows = table.values.shape[0]
    caption = f"{rows} volumes kept"
    if run.total > rows:
        caption += f" of {run.total}; the {run.total - rows} left out are marked red"
    if np.isfinite(step):
        caption += f"; one volume every {decimals(step)} s"
    caption += ". Each region's cleaned signal in units of its own standard deviation; "
    caption += "missing regions grey."
    mean = _mean(run.displacement)
    if np.isnan(mean):
        mean = number(table.sidecar.get("MeanFramewiseDisplacement"))
    if np.isfinite(mean):
        caption += f" Mean framewise displacement (FD) {decimals(mean)} mm"
        caption += f", limit {threshold:g} mm." if threshold is not None else "."
    if not run.placed:
        caption += " Which volumes were left out is not recorded, so motion is not drawn."
    text = figures.carpet(
        table.values,
        table.regions,
        run.kept,
        run.total,
        run.displacement,
        threshold,
        step if np.isfinite(step) and step > 0 else None,
    )
    stem = table.stem.replace("_desc-denoised", "")
    source = save_figure(output_dir, folder, f"{stem}_desc-carpet_timeseries.svg", text)
    alt = (
        f"Cleaned signal of {len(table.regions)} regions over {rows} volumes as a grey-scale "
        f"carpet; mean framewise displacement {decimals(mean)} mm."
    )
    return Panel(source, stem.removeprefix(f"{session.key.stem}_"), alt, caption)


def run_volumes(table: NumericTable) -> RunVolumes:
    """Place the rows of a table in their run from what its sidecar records."""
    rows, sidecar = table.values.shape[0], table.sidecar
    displacement = _numbers(sidecar.get("FramewiseDisplacement"))
    recorded = number(sidecar.get("Volumes"))
    total = None if np.isnan(recorded) else int(recorded)
    if displacement is not None:
        total = len(displacement)
    kept = _positions(sidecar.get("KeptVolumes"))
    if kept is None and (total is None or total == rows):
        kept = np.arange(rows)
    if kept is None or len(kept) != rows:
        return RunVolumes(np.arange(rows), rows, placed=False)
    last = int(kept.max(initial=-1)) + 1
    if total is None or not last <= total <= MAX_VOLUMES:
        return RunVolumes(kept, last, placed=True)
    return RunVolumes(kept, total, True, displacement)


def _positions(content: Any) -> np.ndarray | None:
    if isinstance(content, list) and all(
        isinstance(v, int) and 0 <= v < MAX_VOLUMES for v in content
    ):
        return np.array(content, dtype=int)
    return None


def _numbers(content: Any) -> np.ndarray | None:
    if not isinstance(content, list) or not content:
        return None
    return np.array([number(value) for value in content])


def _mean(values: np.ndarray | None) -> float:
    if values is None or not np.isfinite(values).any():
        return float("nan")
    return float(np.nanmean(values))
