"""Cleaned region time series of BOLD runs, and a session's connectivity matrix of them."""

from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version

import numpy as np
from nilearn.connectome import ConnectivityMeasure
from nilearn.signal import clean
from sklearn.covariance import EmpiricalCovariance

from bids_brainage.errors import InputError
from bids_brainage.preprocessing.atlas import space_note
from bids_brainage.preprocessing.bold import (
    MINIMUM_COVERAGE,
    MINIMUM_VOLUMES,
    BoldSignals,
    open_bold,
    read_signals,
)
from bids_brainage.preprocessing.confounds import read_confounds
from bids_brainage.preprocessing.denoising import Denoising
from bids_brainage.preprocessing.design import Design, confound_design, needs_tissues
from bids_brainage.preprocessing.parcellation import Atlas
from bids_brainage.preprocessing.scrubbing import framewise_displacement, kept_volumes
from bids_brainage.records.features import Connectivity, RunSeries
from bids_brainage.records.inputs import BoldRun

MINIMUM_FREEDOM = 10
DECIMALS = 6


def extract_run(
    run: BoldRun, atlas: Atlas, denoising: Denoising, fd_threshold: float | None = None
) -> RunSeries:
    """Extract, clean and z-score the region time series of one run.

    Region means as nilearn's NiftiLabelsMasker gives them; confounds, band-pass and censoring by
    ``nilearn.signal.clean`` (Lindquist et al. 2019, doi:10.1002/hbm.24528).

    Parameters
    ----------
    denoising
        Preset of :func:`bids_brainage.preprocessing.denoising.load_preset`.
    fd_threshold
        Framewise displacement in mm above which volumes are left out; None leaves it to the
        preset.

    Returns
    -------
        Series of the kept volumes. Empty (no rows) if so much was censored that the confounds
        leave no degrees of freedom; :func:`combine_runs` then leaves the run out.

    Raises
    ------
    InputError
        If image, mask or confounds are broken, do not belong together, or are too short.
    """
    try:
        return _extract(run, atlas, denoising, fd_threshold)
    except InputError as error:
        if error.place:
            raise
        raise InputError(error.message, place=run.bold, hint=error.hint) from error


def extract_runs(
    runs: Sequence[BoldRun],
    atlas: Atlas,
    denoising: Denoising,
    fd_threshold: float | None = None,
) -> tuple[list[RunSeries], list[str]]:
    """Extract every run of a session; a broken run does not spoil the others.

    Returns
    -------
        Series of the runs that worked, and a note for each that did not.

    Raises
    ------
    InputError
        That of the first run, if none worked.
    """
    extracted: list[RunSeries] = []
    notes: list[str] = []
    first: InputError | None = None
    for run in runs:
        try:
            extracted.append(extract_run(run, atlas, denoising, fd_threshold))
        except InputError as error:
            first = first or error
            notes.append(f"run {run.label} left out: {error}")
    if first and not extracted:
        raise first
    return extracted, notes


def combine_runs(runs: Sequence[RunSeries]) -> Connectivity:
    """Connectivity of a session: correlations of its runs, averaged by number of volumes.

    That average equals the correlation of the runs' z-scored series put end to end, so a long run
    counts for more than a short one; a region missing in one run is taken of the others.

    Raises
    ------
    InputError
        If no run has enough volumes left, or runs have different regions.
    """
    if not runs:
        raise InputError("no run to compute connectivity from", hint="check --task-id")
    regions = runs[0].regions
    if any(run.regions != regions for run in runs):
        raise InputError("runs have different regions", hint="use one atlas for all runs")
    used = [run for run in runs if len(run.series) >= MINIMUM_VOLUMES]
    notes = [
        f"run {run.run.label} left out: {len(run.series)} of {run.n_volumes} volumes left, fewer "
        f"than {MINIMUM_VOLUMES}"
        for run in runs
        if len(run.series) < MINIMUM_VOLUMES
    ]
    if not used:
        raise InputError(
            f"no run has {MINIMUM_VOLUMES} volumes left after censoring "
            f"(most: {max(len(run.series) for run in runs)})",
            place=runs[0].run.bold,
            hint="raise --fd-threshold or choose a preset with fewer confounds",
        )
    total = np.zeros((len(regions), len(regions)))
    weight = np.zeros_like(total)
    for run in used:
        matrix = series_correlation(run.series)
        known = np.isfinite(matrix)
        total[known] += len(run.series) * matrix[known]
        weight[known] += len(run.series)
    matrix = np.full_like(total, np.nan)
    np.divide(total, weight, out=matrix, where=weight > 0)
    if len(used) > 1:
        notes.append(
            f"{len(used)} runs combined: correlations averaged by volumes "
            f"({', '.join(str(len(run.series)) for run in used)})"
        )
    return Connectivity(np.round(matrix, DECIMALS), regions, tuple(used), tuple(notes))


def series_correlation(series: np.ndarray) -> np.ndarray:
    """Pearson correlations of region time series by nilearn's ConnectivityMeasure.

    Parameters
    ----------
    series
        Volumes x regions.

    Returns
    -------
        Regions x regions; NaN for regions that are constant or hold NaN.
    """
    data = np.asarray(series, dtype=np.float64)
    spread = data.std(axis=0)
    varies = np.isfinite(spread) & (spread > 1e-10)
    matrix = np.full((data.shape[1], data.shape[1]), np.nan)
    if not varies.any():
        return matrix
    measure = ConnectivityMeasure(
        cov_estimator=EmpiricalCovariance(store_precision=False),
        kind="correlation",
        standardize="zscore_sample",
    )
    matrix[np.ix_(varies, varies)] = measure.fit_transform([data[:, varies]])[0]
    return matrix


def _extract(
    run: BoldRun, atlas: Atlas, denoising: Denoising, fd_threshold: float | None
) -> RunSeries:
    image = open_bold(run)
    n_volumes = image.shape[3]
    table = read_confounds(run.confounds, n_volumes) if run.confounds else None
    threshold = denoising.fd_threshold if fd_threshold is None else fd_threshold
    displacement = framewise_displacement(table, required=threshold is not None)
    unsteady = table.non_steady_state() if table else []
    kept, steady = kept_volumes(
        n_volumes, unsteady, displacement, threshold, denoising.minimum_segment
    )
    signals = read_signals(run, image, atlas, needs_tissues(denoising, table))
    design = confound_design(denoising, table, signals, steady, run.repetition_time)
    notes = [*signals.notes, *(table.notes if table else ()), *design.notes]
    if note := space_note(atlas, run.space):
        notes.append(note)
    if unsteady:
        notes.append(f"{len(unsteady)} non-steady-state volumes left out")
    series = _clean(run, signals, design, denoising, kept, int(steady.sum()), notes)
    missing = ~np.isfinite(series).all(axis=0) if len(series) else np.zeros(0, dtype=bool)
    if missing.all() and len(series):
        raise InputError("no region varies over time", place=run.bold, hint="leave this run out")
    details = {
        "Atlas": atlas.describe(),
        "Space": run.space,
        "RepetitionTime": run.repetition_time,
        "Denoising": replace(denoising, fd_threshold=threshold).describe(),
        "Confounds": list(design.columns),
        "ComputedConfounds": design.computed,
        "KeptVolumes": kept.tolist(),
        "FramewiseDisplacement": None if displacement is None else displacement.tolist(),
        "RegionCentroids": atlas.centroids,
        "MinimumCoverage": MINIMUM_COVERAGE,
        "Sources": [path.name for path in (run.bold, run.mask, run.confounds) if path],
        "SoftwareVersions": {name: version(name) for name in ("nibabel", "nilearn", "numpy")},
    }
    return RunSeries(
        run=run,
        series=series,
        regions=atlas.regions,
        coverage=signals.coverage,
        mean_fd=float(displacement[1:].mean()) if displacement is not None else float("nan"),
        n_volumes=n_volumes,
        n_censored=n_volumes - len(kept),
        details=details,
        notes=tuple(notes),
    )


def _clean(
    run: BoldRun,
    signals: BoldSignals,
    design: Design,
    denoising: Denoising,
    kept: np.ndarray,
    n_steady: int,
    notes: list[str],
) -> np.ndarray:
    """Regress, filter and z-score; no rows if censoring took the degrees of freedom."""
    n_volumes, n_regions = signals.regions.shape
    confounds = design.matrix(n_volumes)
    share, low, high = _passed_share(run, denoising)
    rank = int(np.linalg.matrix_rank(confounds[kept])) if len(kept) and confounds.size else 0
    freedom = share * len(kept) - rank - 1
    if freedom < MINIMUM_FREEDOM:
        numbers = (
            f"{len(kept)} volumes and {rank} confounds leave {freedom:.0f} degrees of freedom, "
            f"fewer than {MINIMUM_FREEDOM}"
        )
        if len(kept) == n_steady:
            raise InputError(
                numbers, place=run.bold, hint="choose a --denoising preset with fewer confounds"
            )
        notes.append(f"too much motion: {numbers}")
        return np.empty((0, n_regions))
    constant = np.ptp(signals.regions, axis=0) == 0
    present = np.isfinite(signals.regions).all(axis=0) & ~constant
    if constant.any():
        notes.append(f"{int(constant.sum())} regions are constant and missing")
    series = np.full((len(kept), n_regions), np.nan)
    if not present.any():
        return series
    series[:, present] = clean(
        signals.regions[:, present],
        detrend=False,
        standardize="zscore_sample",
        sample_mask=None if len(kept) == n_volumes else kept.copy(),
        confounds=confounds if confounds.size else None,
        filter="butterworth" if denoising.band_pass else False,
        low_pass=high,
        high_pass=low,
        t_r=run.repetition_time,
    )
    return series


def _passed_share(run: BoldRun, denoising: Denoising) -> tuple[float, float | None, float | None]:
    """Share of the spectrum a band-pass leaves, and its edges in Hz."""
    if denoising.band_pass is None:
        return 1.0, None, None
    if not run.repetition_time:
        raise InputError(
            "the repetition time is not known, the band-pass cannot be applied",
            place=run.bold,
            hint="add RepetitionTime to the BOLD's JSON, or use --denoising compcor",
        )
    low, high = denoising.band_pass
    nyquist = 0.5 / run.repetition_time
    if low >= nyquist:
        raise InputError(
            f"band-pass from {low:g} Hz lies above half the sampling rate, {nyquist:g} Hz",
            place=run.bold,
            hint="choose another --denoising preset",
        )
    upper = high if high < nyquist else None
    return (min(high, nyquist) - low) / nyquist, low or None, upper
