"""Write time series and connectivity matrices as derivatives with sidecars."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bids_brainage.bids.outputs import write_json, write_tsv
from bids_brainage.features.connectivity import DECIMALS
from bids_brainage.records.features import Connectivity, RunSeries

_SHARED = ("Atlas", "Space", "Denoising", "SoftwareVersions")


def write_timeseries(path_tsv: Path, run: RunSeries, sidecar_extra: Mapping[str, Any]) -> Path:
    """Write the kept volumes of a run, one column per region, and a JSON sidecar."""
    rows = [
        dict(zip(run.regions, values, strict=True))
        for values in np.round(run.series, DECIMALS).tolist()
    ]
    sidecar = {
        "Description": "Cleaned BOLD series of atlas regions, z-scored; n/a where a region is "
        "missing; one row per kept volume",
        **run.details,
        "Volumes": run.n_volumes,
        "CensoredVolumes": run.n_censored,
        "MeanFramewiseDisplacement": run.mean_fd,
        "Coverage": dict(zip(run.regions, np.round(run.coverage, 4).tolist(), strict=True)),
        "Notes": list(run.notes),
        **sidecar_extra,
    }
    write_json(path_tsv.with_suffix(".json"), sidecar)
    return write_tsv(path_tsv, rows, run.regions)


def write_relmat(
    path_tsv: Path, connectivity: Connectivity, sidecar_extra: Mapping[str, Any]
) -> Path:
    """Write a session's matrix, header of region names, and a JSON sidecar."""
    rows = [
        dict(zip(connectivity.regions, values, strict=True))
        for values in connectivity.matrix.tolist()
    ]
    details: dict[str, Any] = connectivity.runs[0].details if connectivity.runs else {}
    sidecar = {
        "Description": "Pearson correlations of cleaned BOLD series; rows in the order of the "
        "columns; n/a where a region is missing",
        "RelationshipMeasure": "Pearson correlation",
        "Weighted": True,
        "Directed": False,
        "ValidDiagonal": True,
        "Sources": [run.run.bold.name for run in connectivity.runs],
        "Volumes": [len(run.series) for run in connectivity.runs],
        **{key: details[key] for key in _SHARED if key in details},
        "Notes": list(connectivity.notes),
        **sidecar_extra,
    }
    write_json(path_tsv.with_suffix(".json"), sidecar)
    return write_tsv(path_tsv, rows, connectivity.regions)
