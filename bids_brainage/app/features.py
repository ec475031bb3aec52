"""Compute and write every feature that a session's inputs allow."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from bids_brainage.app.raw import (
    prepare_anatomy,
    prepare_runs,
    write_anatomy,
)
from bids_brainage.app.session import Progress, Session
from bids_brainage.app.template_image import write_template_image
from bids_brainage.app.volumes import write_regional_volumes, write_tissue_volumes
from bids_brainage.bids.dataset import Dataset
from bids_brainage.bids.outputs import session_file
from bids_brainage.config import RunConfig
from bids_brainage.errors import InputError
from bids_brainage.features.connectivity import combine_runs, extract_runs
from bids_brainage.features.image_quality import anatomical_quality
from bids_brainage.features.morphometry import read_morphometry, write_morphometry
from bids_brainage.features.quality_checks import check_anatomy
from bids_brainage.features.relmat import write_relmat, write_timeseries
from bids_brainage.preprocessing.atlas import load_atlas, packaged_name
from bids_brainage.preprocessing.denoising import load_preset, preset_names
from bids_brainage.records.extraction import Extraction
from bids_brainage.records.features import Connectivity, Morphometry, RunSeries
from bids_brainage.records.inputs import BoldRun, SessionInputs, TemplateT1w
from bids_brainage.records.raw import AnatomicalResult

MODALITIES = ("morphometry", "connectivity", "volumes", "image")


def extract_features(
    config: RunConfig, dataset: Dataset, inputs: SessionInputs, threads: int = 1
) -> Extraction:
    """Write the features of one session; raw images are preprocessed first.

    A modality that fails is left out with its reason; the session fails if none is left.

    Parameters
    ----------
    threads
        Threads for raw images; everything else takes one.

    Raises
    ------
    OutputError
        If OUTPUT_DIR cannot be written.
    """
    progress = Progress(inputs)
    session = Session(config, dataset, inputs, progress, threads)
    if inputs.freesurfer:
        session.attempt("morphometry", lambda: _morphometry(session))
    anatomy = _first_anatomy(session)
    if anatomy is not None and not inputs.t1w_borrowed:
        session.attempt("volumes", lambda: _volumes(session, anatomy))
    if inputs.template_t1w and "anatomical" not in progress.derivatives:
        _template_image(session, inputs.template_t1w)
    runs = list(inputs.runs)
    if inputs.raw_runs and anatomy is None:
        progress.problems.append("connectivity left out: without the T1w, BOLD is not registered")
    elif inputs.raw_runs and anatomy is not None:
        runs = _preprocessed(session, anatomy)
    if runs:
        session.say("connectivity")
        session.attempt("connectivity", lambda: _connectivity(session, runs))
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


def _outcome(inputs: SessionInputs, progress: Progress) -> tuple[str, str]:
    if any(name in progress.derivatives for name in MODALITIES):
        return "ok", "; ".join(progress.problems)
    if not inputs.usable:
        why = inputs.problems or inputs.notes
        nothing = "no usable FreeSurfer statistics, BOLD or T1w"
        return "no_input", "; ".join((nothing, *why))
    return "failed", "; ".join(progress.problems or progress.notes[-1:])


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


def _morphometry(session: Session) -> None:
    config, inputs, progress = session.config, session.inputs, session.progress
    assert inputs.freesurfer is not None
    morphometry: Morphometry = read_morphometry(inputs.freesurfer)
    if all(np.isnan(value) for value in morphometry.values.values()):
        raise InputError(
            "no measure in the stats files",
            place=inputs.freesurfer,
            hint="rerun recon-all for this session",
        )
    path = session_file(config.output_dir, inputs.key, "desc-freesurfer_morph.tsv", "anat")
    sources = [session.dataset.uri(Path(source)) for source in morphometry.sources]
    write_morphometry(path, morphometry, {"Sources": sources})
    progress.sources["morphometry"] = sources
    progress.derivatives["morphometry"] = session.relative(path)
    holes = morphometry.values.get("SurfaceHoles", float("nan"))
    progress.quality["surface_holes"] = None if np.isnan(holes) else holes
    progress.notes += [f"{morphometry.software} {morphometry.version}", *morphometry.notes]


def _first_anatomy(session: Session) -> AnatomicalResult | None:
    """Anatomy of the first T1w that can be used; why those before it cannot becomes a note."""
    problems = session.progress.problems
    before = len(problems)
    for t1w in session.inputs.t1w_choices:
        session.inputs = replace(session.inputs, t1w=t1w)
        anatomy = session.attempt("volumes", lambda: _anatomy(session))
        if anatomy is not None:
            session.progress.notes += [f"another T1w is used: {p}" for p in problems[before:]]
            del problems[before:]
            return anatomy
    return None


def _anatomy(session: Session) -> AnatomicalResult:
    """Preprocess the T1w, and write and judge what came of it."""
    config, inputs, progress = session.config, session.inputs, session.progress
    with threadpool_limits(session.threads):
        anatomy = prepare_anatomy(config, inputs, session.threads, session.say)
    progress.notes += map(session.short, anatomy.notes)
    if inputs.t1w_borrowed:
        check_anatomy(anatomical_quality(anatomy), anatomy.source.path)
        return anatomy
    session.say("writing T1w derivatives")
    written = write_anatomy(config, session.dataset, inputs, anatomy)
    progress.derivatives["anatomical"] = [session.relative(path) for path in written]
    progress.quality |= anatomical_quality(anatomy)
    check_anatomy(progress.quality, anatomy.source.path)
    return anatomy


def _template_image(session: Session, t1w: TemplateT1w) -> None:
    """Keep a T1w in template space; if it cannot be used, only models of images miss it."""
    problems = session.progress.problems
    before = len(problems)
    session.attempt("image", lambda: write_template_image(session, t1w))
    session.progress.notes += problems[before:]
    del problems[before:]


def _volumes(session: Session, anatomy: AnatomicalResult) -> None:
    """Volumes of the session's own T1w; an atlas that does not fit costs its own table only."""
    config, progress = session.config, session.progress
    session.say("volumes")
    made_of = [config.output_dir / name for name in progress.derivatives["anatomical"]]
    path = write_tissue_volumes(config, session.inputs, anatomy, made_of)
    progress.sources["volumes"] = [session.dataset.uri(anatomy.source.path)]
    progress.derivatives["volumes"] = session.relative(path)
    tables, notes = write_regional_volumes(config, session.inputs, anatomy, made_of)
    progress.derivatives["regional_volumes"] = [session.relative(table) for table in tables]
    progress.notes += map(session.short, notes)


def _preprocessed(session: Session, anatomy: AnatomicalResult) -> list[BoldRun]:
    """Preprocess the raw runs; each that fails is left out with its reason."""
    config, progress = session.config, session.progress
    with threadpool_limits(session.threads):
        done = prepare_runs(
            config, session.dataset, session.inputs, anatomy, session.threads, session.say
        )
    problems = [session.short(problem) for problem in done.problems]
    progress.notes += [*map(session.short, done.notes), *problems]
    progress.derivatives["functional"] = [session.relative(path) for path in done.files]
    progress.quality |= done.quality
    if not done.runs:
        progress.problems.append(f"connectivity left out: {'; '.join(problems)}")
    return done.runs


def _connectivity(session: Session, runs: Sequence[BoldRun]) -> None:
    config, progress = session.config, session.progress
    preset = load_preset(config.denoising)
    atlas = load_atlas(config.atlas, runs[0].space)
    series, problems = extract_runs(runs, atlas, preset, config.fd_threshold)
    progress.notes += [session.short(problem) for problem in problems]
    connectivity = combine_runs(series)
    used = connectivity.runs
    sources = [
        _uri(path, session)
        for one in used
        for path in (one.run.bold, one.run.mask, one.run.confounds)
        if path
    ]
    written = [_write_series(session, one) for one in used]
    name = _relmat_name(connectivity)
    path = session_file(config.output_dir, session.inputs.key, name, "func")
    uris = [f"bids::{name}" for name in written]
    write_relmat(path, connectivity, {"Sources": uris})
    progress.sources["connectivity"] = sources
    progress.derivatives["connectivity"] = session.relative(path)
    progress.derivatives["timeseries"] = written
    progress.quality |= run_quality(connectivity)
    progress.notes += [note for one in used for note in one.notes] + list(connectivity.notes)


def _uri(path: Path, session: Session) -> str:
    """BIDS URI of an input, or of a derivative of our own."""
    if path.is_relative_to(session.config.output_dir):
        return f"bids::{session.relative(path)}"
    return session.dataset.uri(path)


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


def _write_series(session: Session, series: RunSeries) -> str:
    config = session.config
    name = f"{series.run.label}_seg-{series.details['Atlas']['Name']}_desc-denoised_timeseries.tsv"
    path = session_file(config.output_dir, session.inputs.key, name, "func")
    write_timeseries(path, series, {"Sources": [_uri(series.run.bold, session)]})
    return session.relative(path)


def _relmat_name(connectivity: Connectivity) -> str:
    runs = connectivity.runs
    tasks = dict.fromkeys(dict(one.run.entities).get("task", "rest") for one in runs)
    atlas = runs[0].details["Atlas"]["Name"]
    return f"task-{''.join(tasks)}_seg-{atlas}_meas-PearsonCorrelation_desc-denoised_relmat.tsv"
