"""Features of one session, written as derivatives; runs in a worker process."""

import hashlib
import json
import logging
import os
import platform
import resource
import time
import traceback
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from bids_brainage import __version__
from bids_brainage.app.features import extract_features
from bids_brainage.app.raw import NO_MEMORY, segmenter_version
from bids_brainage.app.steps import report_step
from bids_brainage.bids.dataset import Dataset
from bids_brainage.bids.extraction_logs import read_extraction
from bids_brainage.bids.inputs import find_inputs
from bids_brainage.bids.outputs import (
    extraction_log,
    model_files,
    remove_leftovers,
    session_file,
    start_marker,
    write_json,
    write_text,
)
from bids_brainage.bids.preferences import InputSelection
from bids_brainage.config import RunConfig
from bids_brainage.errors import BrainAgeError, OutputError
from bids_brainage.preprocessing.denoising import load_preset
from bids_brainage.records.extraction import Extraction
from bids_brainage.records.inputs import SessionInputs
from bids_brainage.records.session import SessionKey

logger = logging.getLogger(__name__)
LIBRARIES = (
    "antspyx", "nibabel", "nilearn", "numpy", "pandas", "picsl-greedy", "pybids", "scikit-learn",
    "scipy", "torch",
)  # fmt: skip


@dataclass(frozen=True)
class Job:
    """One session's work, and what it shares with the others."""

    config: RunConfig
    dataset: Dataset
    selection: InputSelection
    key: SessionKey
    threads: int = 1


def extract_key(job: Job, key: SessionKey) -> Extraction:
    """Extract another session as a job says; the job travels to a worker once."""
    return extract_session(replace(job, key=key))


def extract_session(job: Job) -> Extraction:
    """Find one session's inputs, compute its features and write them with a log.

    Nothing that is wrong with one session leaves this function as an exception, except an
    output folder that cannot be written. One BLAS thread is used, so that results do not depend
    on the number of workers.

    Raises
    ------
    OutputError
        If OUTPUT_DIR cannot be written.
    """
    output = job.config.output_dir
    started = time.monotonic()
    # The libraries of the raw path read it when they are loaded.
    os.environ["ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"] = str(job.threads)
    try:
        with threadpool_limits(1):
            result = _extract(job)
    except OutputError:
        raise
    except BrainAgeError as error:
        result = _failed(job, str(error))
    except MemoryError as error:
        result = _failed(job, f"{NO_MEMORY} ({error})")
    except Exception as error:
        crash = output / "logs" / f"crash-{job.key.stem}.txt"
        write_text(crash, traceback.format_exc())
        result = _failed(job, f"unexpected {type(error).__name__}: {error} (see {crash.name})")
    finally:
        report_step(job.key.stem, "")
    if result.seconds is not None:  # of an earlier run
        return result
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    scale = 2**20 if platform.system() == "Darwin" else 2**10
    result = replace(
        result, seconds=round(time.monotonic() - started, 2), peak_memory_mb=round(peak / scale, 1)
    )
    return _write(job, result)


def failed_extraction(job: Job, reason: str) -> Extraction:
    """Log of a session whose worker could not say itself what went wrong."""
    return _write(job, replace(_failed(job, reason), seconds=0.0))


def _write(job: Job, result: Extraction) -> Extraction:
    """Write the log; predictions and files of an earlier one no longer hold."""
    output = job.config.output_dir
    remove_files(model_files(output, job.key))
    if result.status == "ok":
        written = [output / name for name in result.files]
        kept = {*written, *(p.with_name(p.name.split(".")[0] + ".json") for p in written)}
        remove_files(path for path in _session_files(output, job.key) if path not in kept)
    write_json(extraction_log(output, job.key), result.to_json())
    if job.config.stage == "extract":
        start_marker(output, job.key).unlink(missing_ok=True)
    return result


def _failed(job: Job, reason: str) -> Extraction:
    return Extraction(
        participant=job.key.participant,
        session=job.key.session,
        status="failed",
        reason=reason,
        settings=job.config.feature_settings(),
        versions=versions(),
    )


def _extract(job: Job) -> Extraction:
    output = job.config.output_dir
    remove_leftovers(*_session_folders(output, job.key))
    inputs = find_inputs(job.dataset, job.key, job.selection)
    for note in (*inputs.demographics.notes, *inputs.notes):
        logger.info("%s: %s", job.key.stem, note)
    fingerprint = _fingerprint(job.config, inputs)
    earlier = None if job.config.force else _reusable(output, inputs, fingerprint)
    if earlier:
        logger.info("%s: features of an earlier run are reused", job.key.stem)
        return earlier
    mark_started(output, job.key)
    _remove_earlier(output, job.key)
    extraction = extract_features(job.config, job.dataset, inputs, job.threads)
    return replace(extraction, config_hash=fingerprint, versions=versions())


def _reusable(output: Path, inputs: SessionInputs, fingerprint: str) -> Extraction | None:
    """Return the log of an earlier run if it was successful with the same inputs and settings."""
    path = extraction_log(output, inputs.key)
    if not path.is_file():
        return None
    try:
        log = read_extraction(path, inputs.key)
    except BrainAgeError:
        return None
    if log.status != "ok" or log.config_hash != fingerprint:
        return None
    return log if all((output / name).is_file() for name in log.files) else None


def _remove_earlier(output: Path, key: SessionKey) -> None:
    """Remove what an earlier run of this App wrote for the session: it no longer matches.

    Without a log the session was interrupted, or another process works on it at this moment: its
    files are replaced one by one.
    """
    log = extraction_log(output, key)
    stale = [log, *model_files(output, key)]
    remove_files(stale + _session_files(output, key) if log.is_file() else stale)


def _session_folders(output: Path, key: SessionKey) -> list[Path]:
    return [session_file(output, key, "x", datatype).parent for datatype in ("", "anat", "func")]


def _session_files(output: Path, key: SessionKey) -> list[Path]:
    folders = _session_folders(output, key)[1:]
    return [path for folder in folders for path in folder.glob(f"{key.stem}_*")]


def mark_started(output: Path, key: SessionKey) -> None:
    """Say that a session is not done, until its results are whole."""
    write_json(start_marker(output, key), {"process": os.getpid(), "version": __version__})


def remove_files(files: Iterable[Path]) -> None:
    """Remove files that are there.

    Raises
    ------
    OutputError
        If one cannot be removed.
    """
    for path in files:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(
                f"cannot replace an earlier result: {error.strerror}",
                place=path,
                hint="check permissions",
            ) from error


def _fingerprint(config: RunConfig, inputs: SessionInputs) -> str:
    """Hash of everything that shapes the features: settings, version, and the input files."""
    files = sorted((inputs.freesurfer / "stats").glob("*.stats")) if inputs.freesurfer else []
    for run in inputs.runs:
        files += [path for path in (run.bold, run.mask) if path]
        files += [run.confounds, run.confounds.with_suffix(".json")] if run.confounds else []
    files += [t1w.path for t1w in inputs.t1w_choices]
    if template := inputs.template_t1w:
        files += [template.path, template.mask]
    files += [run.path for run in inputs.raw_runs]
    if (atlas := Path(config.atlas)).is_file():
        files += [atlas, *atlas.parent.glob(f"{atlas.name.split('.')[0]}*.[tc]sv")]
    content: dict[str, Any] = {
        "settings": config.feature_settings(),
        "denoising": load_preset(config.denoising).describe(),
        "version": __version__,
        "demographics": [inputs.demographics.age, inputs.demographics.sex],
        "repetition_times": [run.repetition_time for run in inputs.runs],
        "raw_repetition_times": [run.repetition_time for run in inputs.raw_runs],
        "sidecars": [run.metadata for run in inputs.raw_runs],
        "skull_stripped": [t1w.skull_stripped for t1w in inputs.t1w_choices],
        "segmenter": segmenter_version() if inputs.t1w else None,
        "files": [_identity(path) for path in files],
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[
        :16
    ]


def _identity(path: Path) -> list[Any]:
    try:
        status = path.stat()
    except OSError:
        return [path.name, None, None]
    return [path.name, status.st_size, status.st_mtime_ns]


@cache
def versions() -> dict[str, str]:
    """Versions of the libraries that shape the numbers; looked up once per process."""
    found = {"bids_brainage": __version__, "python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
