"""Compute and write every feature that a session's inputs allow."""

import logging
from pathlib import Path
from typing import Any

import numpy as np

from bids_brainage.bids.dataset import Dataset
from bids_brainage.bids.outputs import session_file
from bids_brainage.config import RunConfig
from bids_brainage.errors import BrainAgeError, InputError, OutputError
from bids_brainage.features.connectivity import combine_runs, extract_runs
from bids_brainage.features.morphometry import read_morphometry, write_morphometry
from bids_brainage.features.relmat import write_relmat, write_timeseries
from bids_brainage.preprocessing.atlas import load_atlas, packaged_name
from bids_brainage.preprocessing.denoising import load_preset, preset_names
from bids_brainage.records.extraction import Extraction
from bids_brainage.records.features import Connectivity, Morphometry, RunSeries
from bids_brainage.records.inputs import SessionInputs

logger = logging.getLogger(__name__)


class _Progress:
    """What the extraction of one session has given so far."""

    def __init__(self, inputs: SessionInputs) -> None:
        self.sources: dict[str, list[str]] = {}
        self.derivatives: dict[str, Any] = {}
        self.quality: dict[str, float | None] = {}
        self.notes = [*inputs.demographics.notes, *inputs.notes]
        self.problems = list(inputs.problems)


def extract_features(config: RunConfig, dataset: Dataset, inputs: SessionInputs) -> Extraction:
    """Write morphometry and connectivity of one session.

    A modality that fails is left out with its reason; the session fails if none is left.

    Raises
    ------
    OutputError
        If OUTPUT_DIR cannot be written.
    """
    progress = _Progress(inputs)
    for wanted, extract in ((inputs.freesurfer, _morphometry), (inputs.runs, _connectivity)):
        if not wanted:
            continue
        try:
            extract(config, dataset, inputs, progress)
        except OutputError:
            raise
        except BrainAgeError as error:
            modality = extract.__name__.lstrip("_")
            progress.problems.append(f"{modality} left out: {_without_roots(str(error), dataset)}")
    status, reason = _outcome(inputs, progress)
    return Extraction(
        participant=inputs.key.participant,
        session=inputs.key.session,
        status=status,
        reason=reason,
        age=inputs.demographics.age,
        sex=inputs.demographics.sex,
        sources=progress.sources,
        derivatives=progress.derivatives,
        quality=progress.quality,
        notes=progress.notes,
        settings=config.feature_settings() | recipe_names(config),
    )


def _outcome(inputs: SessionInputs, progress: _Progress) -> tuple[str, str]:
    if progress.derivatives:
        return "ok", "; ".join(progress.problems)
    if not inputs.usable:
        why = inputs.problems or inputs.notes
        return "no_input", "; ".join(("no usable FreeSurfer statistics or preprocessed BOLD", *why))
    return "failed", "; ".join(progress.problems)


def recipe_names(config: RunConfig) -> dict[str, str]:
    """Atlas and denoising by the names that model cards use; a file goes by its own name.

    A user's file never passes as a packaged preset, whatever name stands in it.
    """
    packaged = config.denoising == "default" or config.denoising in preset_names()
    return {
        "atlas": packaged_name(config.atlas) or Path(config.atlas).name,
        "denoising": load_preset(config.denoising).name if packaged
        else f"file {Path(config.denoising).name}",
    }  # fmt: skip


def _without_roots(text: str, dataset: Dataset) -> str:
    """Shorten paths to those inside their dataset: reasons end up in published tables."""
    for root in sorted({dataset.root, *dataset.links.values()}, key=lambda p: -len(str(p))):
        text = text.replace(f"{root}/", "")
    return text


def _morphometry(
    config: RunConfig, dataset: Dataset, inputs: SessionInputs, progress: _Progress
) -> None:
    assert inputs.freesurfer is not None
    morphometry: Morphometry = read_morphometry(inputs.freesurfer)
    if all(np.isnan(value) for value in morphometry.values.values()):
        raise InputError(
            "no measure in the stats files",
            place=inputs.freesurfer,
            hint="rerun recon-all for this session",
        )
    path = session_file(config.output_dir, inputs.key, "desc-freesurfer_morph.tsv", "anat")
    sources = [dataset.uri(Path(source)) for source in morphometry.sources]
    write_morphometry(path, morphometry, {"Sources": sources})
    progress.sources["morphometry"] = sources
    progress.derivatives["morphometry"] = _relative(path, config)
    holes = morphometry.values.get("SurfaceHoles", float("nan"))
    progress.quality["surface_holes"] = None if np.isnan(holes) else holes
    progress.notes += [f"{morphometry.software} {morphometry.version}", *morphometry.notes]


def _connectivity(
    config: RunConfig, dataset: Dataset, inputs: SessionInputs, progress: _Progress
) -> None:
    preset = load_preset(config.denoising)
    atlas = load_atlas(config.atlas, inputs.runs[0].space)
    series, problems = extract_runs(inputs.runs, atlas, preset, config.fd_threshold)
    progress.notes += [_without_roots(problem, dataset) for problem in problems]
    connectivity = combine_runs(series)
    used = connectivity.runs
    sources = [
        dataset.uri(path)
        for one in used
        for path in (one.run.bold, one.run.mask, one.run.confounds)
        if path
    ]
    written = [_write_series(config, inputs, one, dataset) for one in used]
    path = session_file(config.output_dir, inputs.key, _relmat_name(connectivity, config), "func")
    uris = [f"bids::{name}" for name in written]
    write_relmat(path, connectivity, {"Sources": uris})
    progress.sources["connectivity"] = sources
    progress.derivatives["connectivity"] = _relative(path, config)
    progress.derivatives["timeseries"] = written
    progress.quality |= run_quality(connectivity)
    progress.notes += [note for one in used for note in one.notes] + list(connectivity.notes)


def run_quality(connectivity: Connectivity) -> dict[str, float | None]:
    """Quality numbers of the runs behind a connectivity matrix, weighted by their volumes."""
    runs = connectivity.runs
    volumes = np.array([one.n_volumes for one in runs], dtype=float)
    displacement = np.array([one.mean_fd for one in runs])
    known = np.isfinite(displacement)
    mean_fd = np.average(displacement[known], weights=volumes[known]) if known.any() else None
    missing = np.isnan(connectivity.matrix).all(axis=0)
    return {
        "mean_fd": None if mean_fd is None else float(mean_fd),
        "censored_share": float(sum(one.n_censored for one in runs) / volumes.sum()),
        "n_volumes": float(volumes.sum()),
        "region_coverage": float(1 - missing.mean()),
    }


def _write_series(
    config: RunConfig, inputs: SessionInputs, series: RunSeries, dataset: Dataset
) -> str:
    name = f"{series.run.label}_seg-{series.details['Atlas']['Name']}_desc-denoised_timeseries.tsv"
    path = session_file(config.output_dir, inputs.key, name, "func")
    write_timeseries(path, series, {"Sources": [dataset.uri(series.run.bold)]})
    return _relative(path, config)


def _relmat_name(connectivity: Connectivity, config: RunConfig) -> str:
    runs = connectivity.runs
    tasks = dict.fromkeys(dict(one.run.entities).get("task", "rest") for one in runs)
    atlas = runs[0].details["Atlas"]["Name"]
    return f"task-{''.join(tasks)}_seg-{atlas}_meas-PearsonCorrelation_desc-denoised_relmat.tsv"


def _relative(path: Path, config: RunConfig) -> str:
    return path.relative_to(config.output_dir).as_posix()
