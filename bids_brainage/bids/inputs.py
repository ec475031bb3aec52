"""Inputs of one session, found in the worker that needs them; one participant at a time."""

from collections.abc import Sequence
from pathlib import Path

from bids_brainage.bids.bold import (
    RunFiles,
    choose_runs,
    is_preprocessed,
    is_raw_bold,
    passing,
    wanted_tasks,
)
from bids_brainage.bids.dataset import Dataset
from bids_brainage.bids.demographics import read_demographics
from bids_brainage.bids.discovery import Derivative
from bids_brainage.bids.entities import NIFTI, NamedFile, content_problem, list_files
from bids_brainage.bids.filters import Query
from bids_brainage.bids.freesurfer import find_recon
from bids_brainage.bids.preferences import InputSelection, task_wanted
from bids_brainage.bids.selection import sessions_of
from bids_brainage.bids.sidecar import repetition_time
from bids_brainage.bids.text import counted
from bids_brainage.records.inputs import BoldRun, SessionInputs
from bids_brainage.records.session import SessionKey

DERIVED_ONLY = frozenset({"space", "res", "den", "desc", "cohort", "label"})


def find_inputs(
    dataset: Dataset, key: SessionKey, selection: InputSelection | None = None
) -> SessionInputs:
    """Find what one session offers, and choose; oddities become notes, never errors."""
    selection = selection or InputSelection()
    notes: list[str] = []
    bold_query = selection.filters.get("bold", Query())
    raw_t1w: list[NamedFile] = []
    raw_bold: list[NamedFile] = []
    if dataset.raw is not None:
        raw_t1w = _raw_t1w(dataset.raw, key, selection.filters.get("t1w", Query()), notes)
        listed = list_files(dataset.raw, dataset.raw / key.folder / "func", key, notes)
        raw_bold = [f for f in listed if is_raw_bold(f)]
    problems: list[str] = []
    runs = _find_runs(dataset, key, selection, raw_bold, notes, problems)
    raw_wanted = wanted_tasks(raw_bold, selection.task_ids, [] if runs else notes)
    raw_wanted = passing(raw_wanted, bold_query, DERIVED_ONLY, "bold", [] if runs else notes)
    if raw_wanted and not runs:
        notes.append(f"{counted(len(raw_wanted), 'raw BOLD image')} found, but no preprocessed "
                     "one to use: run fMRIPrep, or name its output with --derivatives")  # fmt: skip
    before = len(notes)
    recon = find_recon(dataset, key, sessions_of(dataset, key.participant), notes)
    if recon is None and (broken := [note for note in notes[before:] if "left out" in note]):
        problems.append(f"morphometry left out: {'; '.join(broken)}")
    if raw_t1w and recon is None:
        notes.append(f"{counted(len(raw_t1w), 'raw T1w image')} found, but no FreeSurfer output "
                     "to use: name it with --fs-subjects-dir")  # fmt: skip
    return SessionInputs(
        key=key,
        demographics=read_demographics(dataset, key),
        runs=tuple(runs),
        freesurfer=recon,
        raw_t1w=tuple(f.path for f in raw_t1w),
        raw_bold=tuple(f.path for f in raw_wanted),
        notes=tuple(dict.fromkeys(notes)),
        problems=tuple(problems),
    )


def _raw_t1w(root: Path, key: SessionKey, query: Query, notes: list[str]) -> list[NamedFile]:
    """Raw T1w images of the session, and those outside of any session."""
    found = []
    for owner in dict.fromkeys((key, SessionKey(key.participant))):
        files = list_files(root, root / owner.folder / "anat", owner, notes)
        images = [
            f for f in files
            if f.suffix == "T1w" and f.extension in NIFTI and not f.get("desc")
            and not f.get("space") and f.get("part") in (None, "mag")
        ]  # fmt: skip
        for file in passing(images, query, DERIVED_ONLY, "t1w", notes):
            problem = content_problem(file.path)
            if problem and "empty" not in problem:
                notes.append(f"{file.path.name} {problem}; left out")
                continue
            found.append(file)
            if owner != key:
                notes.append(f"{file.path.name} lies outside the sessions and counts for each")
    return found


def _find_runs(
    dataset: Dataset,
    key: SessionKey,
    selection: InputSelection,
    raw_bold: Sequence[NamedFile],
    notes: list[str],
    problems: list[str],
) -> list[BoldRun]:
    """Runs of the first derivative that has usable ones; runs are never mixed between them."""
    runs: list[BoldRun] = []
    before, wanted = len(notes), False
    for derivative in dataset.derivatives:
        files = list_files(derivative.root, derivative.root / key.folder / "func", key, notes)
        preprocessed = [f for f in files if is_preprocessed(f)]
        wanted |= any(task_wanted(f.get("task"), selection.task_ids) for f in preprocessed)
        if runs:
            if preprocessed:
                notes.append(f"preprocessed BOLD in {derivative.name} is not used as well")
            continue
        chosen = choose_runs(files, selection.task_ids, selection.spaces,
                             selection.filters.get("bold", Query()), notes)  # fmt: skip
        runs = [_as_record(run, derivative, raw_bold, dataset, notes) for run in chosen]
        if runs:
            notes.append(f"used of {derivative.name} ({derivative.pipeline}): "
                         f"{counted(len(runs), 'preprocessed BOLD run')}")  # fmt: skip
    if wanted and not runs:
        problems.append(f"connectivity left out: {'; '.join(notes[before:])}")
    if dataset.derivatives and not runs:
        notes.append("no usable preprocessed BOLD run of this session")
    return runs


def _as_record(
    run: RunFiles,
    derivative: Derivative,
    raw_bold: Sequence[NamedFile],
    dataset: Dataset,
    notes: list[str],
) -> BoldRun:
    image = run.image
    raw = [f for f in raw_bold if f.run_identity == image.run_identity]
    return BoldRun(
        bold=image.path,
        mask=run.mask.path if run.mask else None,
        confounds=run.confounds.path if run.confounds else None,
        repetition_time=repetition_time(image, derivative.root, raw, dataset.raw, notes),
        space=image.get("space") or "",
        entities=tuple(pair for pair in image.pairs if pair[0] != "desc"),
    )
