"""Inputs of one session, found in the worker that needs them; one participant at a time."""

from collections.abc import Sequence
from dataclasses import dataclass, field
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
from bids_brainage.bids.entities import NamedFile, content_problem, list_files
from bids_brainage.bids.filters import Query
from bids_brainage.bids.freesurfer import find_recon
from bids_brainage.bids.preferences import InputSelection, task_wanted
from bids_brainage.bids.raw import (
    DERIVED_ONLY,
    borrowed_t1w,
    is_raw_t1w,
    rank_t1w,
    raw_runs,
    what_else,
)
from bids_brainage.bids.selection import sessions_of
from bids_brainage.bids.sidecar import repetition_time
from bids_brainage.bids.template_t1w import find_template_t1w
from bids_brainage.bids.text import counted
from bids_brainage.records.inputs import BoldRun, SessionInputs
from bids_brainage.records.raw import RawBold, RawT1w
from bids_brainage.records.session import SessionKey


@dataclass
class _Raw:
    """Raw images that were found, and those of them to be preprocessed."""

    t1w_files: list[NamedFile] = field(default_factory=list)
    bold_files: list[NamedFile] = field(default_factory=list)
    t1w: tuple[RawT1w, ...] = ()
    borrowed: bool = False
    runs: tuple[RawBold, ...] = ()


def find_inputs(
    dataset: Dataset, key: SessionKey, selection: InputSelection | None = None
) -> SessionInputs:
    """Find what one session offers, and choose; oddities become notes, never errors."""
    selection = selection or InputSelection()
    notes: list[str] = []
    problems: list[str] = []
    raw = _Raw()
    listed: list[NamedFile] = []
    if dataset.raw is not None:
        raw.t1w_files = _raw_t1w(dataset.raw, key, selection.filters.get("t1w", Query()), notes)
        folder = dataset.raw / key.folder / "func"
        listed = [f for f in list_files(dataset.raw, folder, key, notes) if is_raw_bold(f)]
    runs = _find_runs(dataset, key, selection, listed, notes, problems)
    wanted = wanted_tasks(listed, selection.task_ids, [] if runs else notes)
    query = selection.filters.get("bold", Query())
    raw.bold_files = passing(wanted, query, DERIVED_ONLY, "bold", [] if runs else notes)
    before = len(notes)
    recon = find_recon(dataset, key, sessions_of(dataset, key.participant), notes)
    if recon is None and (broken := [note for note in notes[before:] if "left out" in note]):
        problems.append(f"morphometry left out: {'; '.join(broken)}")
    if selection.raw:
        _choose_raw(dataset, key, selection, raw, bool(runs), recon is not None, notes, problems)
    else:
        _note_unused(raw, bool(runs), recon is not None, notes)
    if dataset.raw and not (raw.t1w_files or listed or runs or recon):
        notes.append(what_else(dataset.raw, key))
    template = find_template_t1w(dataset, key, selection.filters.get("t1w", Query()), notes)
    return SessionInputs(
        key=key,
        demographics=read_demographics(dataset, key),
        runs=tuple(runs),
        freesurfer=recon,
        raw_t1w=tuple(f.path for f in raw.t1w_files),
        raw_bold=tuple(f.path for f in raw.bold_files),
        t1w=raw.t1w[0] if raw.t1w else None,
        t1w_spare=raw.t1w[1:],
        t1w_borrowed=raw.borrowed,
        template_t1w=template,
        raw_runs=raw.runs,
        notes=tuple(dict.fromkeys(notes)),
        problems=tuple(problems),
    )


def _choose_raw(
    dataset: Dataset,
    key: SessionKey,
    selection: InputSelection,
    raw: _Raw,
    has_runs: bool,
    has_recon: bool,
    notes: list[str],
    problems: list[str],
) -> None:
    """Choose the raw images to preprocess: those for which there is no derivative."""
    if dataset.raw is None:
        return
    if raw.bold_files and not has_runs:
        raw.runs = raw_runs(raw.bold_files, dataset.raw, notes)
    if has_recon and not raw.runs:
        return
    raw.t1w = rank_t1w(raw.t1w_files, dataset.raw, notes)
    if not raw.t1w and raw.runs:
        query = selection.filters.get("t1w", Query())
        raw.t1w = borrowed_t1w(dataset, key, query, notes)
        raw.borrowed = bool(raw.t1w)
    if raw.runs and not raw.t1w:
        problems.append(
            f"connectivity left out: {counted(len(raw.runs), 'raw BOLD image')}, but no T1w image "
            "of this participant to register to: add one, or run fMRIPrep"
        )
        raw.runs = ()
    if raw.runs:
        # The preprocessed runs that cannot be used are replaced.
        replaced = [p for p in problems if p.startswith("connectivity left out")]
        notes += replaced
        problems[:] = [p for p in problems if p not in replaced]
    what = [raw.t1w[0].path.name] if raw.t1w and not raw.borrowed else []
    what += [counted(len(raw.runs), "raw BOLD image")] if raw.runs else []
    if what:
        notes.append(f"to be preprocessed, since there is no derivative: {', '.join(what)}")


def _note_unused(raw: _Raw, has_runs: bool, has_recon: bool, notes: list[str]) -> None:
    if raw.bold_files and not has_runs:
        found = counted(len(raw.bold_files), "raw BOLD image")
        notes.append(
            f"{found} found, but no preprocessed one to use: run fMRIPrep, name its output with "
            "--derivatives, or leave out --no-raw"
        )
    if raw.t1w_files and not has_recon:
        found = counted(len(raw.t1w_files), "raw T1w image")
        notes.append(
            f"{found} found, but no FreeSurfer output to use: name it with --fs-subjects-dir, or "
            "leave out --no-raw"
        )


def _raw_t1w(root: Path, key: SessionKey, query: Query, notes: list[str]) -> list[NamedFile]:
    """Raw T1w images of the session, and those outside of any session."""
    found = []
    for owner in dict.fromkeys((key, SessionKey(key.participant))):
        files = list_files(root, root / owner.folder / "anat", owner, notes)
        images = [f for f in files if is_raw_t1w(f)]
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
