"""Features of one session, before they are written as derivatives."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from bids_brainage.records.inputs import BoldRun


@dataclass(frozen=True)
class Morphometry:
    """FreeSurfer measures by their training-table names.

    Parameters
    ----------
    values
        Measure name to value (mm for thickness, mm3 for volumes); NaN where missing.
    software
        ``FreeSurfer`` or ``FastSurfer``.
    version
        Version as the stats files state it, else ``unknown``.
    notes
        Missing files, renamed or suspicious measures, in plain words.
    sources
        Stats files that were read.
    """

    values: dict[str, float]
    software: str = "FreeSurfer"
    version: str = "unknown"
    notes: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()


@dataclass(frozen=True)
class RunSeries:
    """Cleaned region time series of one BOLD run.

    Parameters
    ----------
    series
        Kept volumes x regions; NaN columns for regions outside the field of view.
    regions
        Region names, one per column.
    coverage
        Share of each region's voxels inside the brain mask, 0 to 1.
    mean_fd
        Mean framewise displacement in mm; NaN if unknown.
    n_volumes
        Volumes in the run.
    n_censored
        Volumes removed by scrubbing and as non-steady-state.
    details
        Sidecar content: denoising as applied, columns used, what was computed here.
    notes
        Choices and warnings in plain words.
    """

    run: "BoldRun"
    series: "np.ndarray"
    regions: tuple[str, ...]
    coverage: "np.ndarray"
    mean_fd: float
    n_volumes: int
    n_censored: int
    details: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Connectivity:
    """A session's connectivity matrix.

    Parameters
    ----------
    matrix
        Regions x regions Pearson correlations; NaN where a region is missing.
    regions
        Region names in matrix order.
    runs
        The runs it was computed from.
    notes
        How runs were combined, in plain words.
    """

    matrix: "np.ndarray"
    regions: tuple[str, ...]
    runs: tuple[RunSeries, ...]
    notes: tuple[str, ...] = ()
