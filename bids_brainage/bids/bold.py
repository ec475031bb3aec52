"""Preprocessed BOLD runs of a session: image, brain mask and confounds, in one standard space."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bids_brainage.bids.entities import MADE, NIFTI, SURFACE, NamedFile, content_problem
from bids_brainage.bids.filters import Query
from bids_brainage.bids.preferences import (
    ATLAS_SPACE,
    resolution_rank,
    space_problem,
    space_rank,
    task_wanted,
)
from bids_brainage.bids.scan import natural_key
from bids_brainage.bids.text import counted

# A filter written for raw images says nothing about these in fMRIPrep's output.
RAW_ONLY = frozenset({"part", "echo", "desc", "suffix", "extension", "datatype"})
CONFOUNDS = (("timeseries", "confounds"), ("regressors", "confounds"), ("confounds", None),
             ("timeseries", None))  # fmt: skip


@dataclass(frozen=True)
class RunFiles:
    """The files chosen for one run."""

    image: NamedFile
    mask: NamedFile | None
    confounds: NamedFile | None


def is_preprocessed(file: NamedFile) -> bool:
    """Whether a file is fMRIPrep's preprocessed BOLD, under its old or new name."""
    if file.extension not in NIFTI or file.get("variant"):
        return False
    new = file.suffix == "bold" and file.get("desc") == "preproc"
    return new or (file.suffix == "preproc" and "bold" in file.words)


def is_raw_bold(file: NamedFile) -> bool:
    """Whether a file is a raw BOLD image (magnitude)."""
    made = any(file.get(k) for k in ("space", "desc", "res"))
    raw = file.suffix == "bold" and file.extension in NIFTI and not made
    return raw and file.get("part") in (None, "mag")


def choose_runs(
    files: Sequence[NamedFile],
    task_ids: Sequence[str],
    spaces: Sequence[str],
    query: Query,
    notes: list[str],
) -> list[RunFiles]:
    """Choose one preprocessed image per run, with the mask and confounds that belong to it.

    Parameters
    ----------
    files
        Everything in the session's ``func`` folder.
    notes
        Receives what was chosen, left out, and why.
    """
    _note_others(files, notes)
    preprocessed = [f for f in files if is_preprocessed(f)]
    tables = [f for f in files if f.extension == ".tsv" and (f.suffix, f.get("desc")) in CONFOUNDS]
    if tables and not preprocessed:
        notes.append(f"{counted(len(tables), 'confounds table')} found, but no preprocessed BOLD "
                     "image in a volume space")  # fmt: skip
    wanted = wanted_tasks(preprocessed, task_ids, notes)
    wanted = passing(wanted, query, RAW_ONLY, "bold", notes)
    parts = [f for f in wanted if f.get("part") not in (None, "mag")]
    if parts:
        notes.append(f"phase and complex images left out: {_names(parts)}")
    runs: dict[frozenset[tuple[str, str]], list[NamedFile]] = {}
    for file in wanted:
        if file not in parts:
            runs.setdefault(file.run_identity, []).append(file)
    chosen = []
    for candidates in runs.values():
        image = _choose_image(candidates, spaces, notes)
        if image is not None:
            mask = _choose_mask(image, files, notes)
            chosen.append(RunFiles(image, mask, _choose_confounds(image, files, notes)))
    used = {r.image.get("space") for r in chosen}
    if len(used) > 1:
        notes.append(f"the runs are in different spaces: {', '.join(sorted(map(str, used)))}")
    return sorted(chosen, key=lambda run: natural_key(run.image.path.name))


def wanted_tasks(
    files: Iterable[NamedFile], task_ids: Sequence[str], notes: list[str]
) -> list[NamedFile]:
    """Files of the wanted tasks; where there are none but other tasks, a note names those."""
    files = list(files)
    wanted = [f for f in files if task_wanted(f.get("task"), task_ids)]
    tasks = {f.get("task") or "(no label)" for f in files}
    others = sorted(tasks - {f.get("task") for f in wanted})
    if others and not wanted:
        what = f"task {', '.join(task_ids)}" if task_ids else "rest-like task"
        note = f"no {what} among the BOLD runs; there is {', '.join(others)}: use --task-id"
        if note not in notes:
            notes.append(note)
    elif others:
        notes.append(f"runs of other tasks left out: {', '.join(others)}")
    return wanted


def passing(
    files: Iterable[NamedFile], query: Query, ignore: frozenset[str], name: str, notes: list[str]
) -> list[NamedFile]:
    """Files that pass a BIDS filter; a note names the conditions that others fail."""
    kept, reasons = [], set()
    for file in files:
        reason = query.failing(file.entities, ignore)
        if reason:
            reasons.add(reason)
        else:
            kept.append(file)
    if reasons:
        shown = ", ".join(sorted(reasons))
        notes.append(f"left out by the BIDS filter '{name}': files whose {shown}")
    return kept


def _note_others(files: Sequence[NamedFile], notes: list[str]) -> None:
    other = [f for f in files if f.suffix in ("bold", "preproc") and f.extension in NIFTI
             and not is_preprocessed(f) and (f.get("desc") or f.get("variant"))]  # fmt: skip
    if other:
        kinds = sorted({f.get("desc") or f"variant-{f.get('variant')}" for f in other})
        notes.append(f"BOLD images of other kinds left out: {', '.join(kinds)}")
    surfaces = [f for f in files if f.extension in SURFACE]
    if surfaces:
        kind = counted(len(surfaces), "surface or CIFTI file")
        notes.append(f"{kind} left out (regions are volumes)")


def _choose_image(
    candidates: list[NamedFile], spaces: Sequence[str], notes: list[str]
) -> NamedFile | None:
    ranked = []
    refused = []
    for file in candidates:
        rank = space_rank(file.get("space"), file.get("cohort"), spaces)
        if rank is None:
            refused.append(space_problem(file.get("space"), file.get("cohort")))
            continue
        key = (rank, *resolution_rank(file.get("res")), *_echo_rank(file),
               NIFTI.index(file.extension), file.path.name)  # fmt: skip
        ranked.append((key, file))
    run = _run_name(candidates[0])
    for _, file in sorted(ranked, key=lambda pair: pair[0]):
        problem = content_problem(file.path)
        if problem:
            notes.append(f"{file.path.name} {problem}; left out")
            continue
        _note_choice(run, file, [f for _, f in ranked], notes)
        return file
    if not ranked:
        notes.append(f"{run}: no usable image ({'; '.join(sorted(set(refused)))}); "
                     f"run fMRIPrep with --output-spaces {ATLAS_SPACE}:res-2")  # fmt: skip
    return None


def _echo_rank(file: NamedFile) -> tuple[bool, bool, str]:
    """Combined echoes first, then the second echo, then the others."""
    echo = file.get("echo")
    return echo is not None, (echo or "").lstrip("0") != "2", echo or ""


def _note_choice(run: str, file: NamedFile, usable: Sequence[NamedFile], notes: list[str]) -> None:
    space = file.get("space")
    resolution = file.get("res")
    text = f"{run}: space-{space}" + (f" res-{resolution}" if resolution else "")
    others = sorted({_variant(f) for f in usable} - {_variant(file)})
    notes.append(text + " is used" + (f"; also there: {', '.join(others)}" if others else ""))
    if space != ATLAS_SPACE:
        notes.append(f"{run}: {space} is not the atlas's space {ATLAS_SPACE}; regions are "
                     "resampled and may be off by a few millimetres")  # fmt: skip
    if file.get("echo"):
        notes.append(f"{run}: no combined image, echo {file.get('echo')} is used")


def _variant(file: NamedFile) -> str:
    pairs = [f"{k}-{v}" for k, v in file.pairs if k in ("space", "res", "echo")]
    return "_".join(pairs) + ("" if file.extension == ".nii.gz" else file.extension)


def _choose_mask(
    image: NamedFile, files: Sequence[NamedFile], notes: list[str]
) -> NamedFile | None:
    masks = []
    for file in files:
        new = file.suffix == "mask" and "brain" in (file.get("desc"), file.get("label"))
        old = file.suffix == "brainmask" and "bold" in file.words
        alike = all(file.get(k) == image.get(k) for k in ("space", "cohort"))
        alike = alike and file.run_identity == image.run_identity
        if (new or old) and alike and file.extension in NIFTI:
            masks.append(file)
    exact = [m for m in masks if m.get("res") == image.get("res")]
    run = _run_name(image)
    for mask in sorted(exact, key=lambda m: (m.get("echo") != image.get("echo"), m.path.name)):
        problem = content_problem(mask.path)
        if not problem:
            return mask
        notes.append(f"{mask.path.name} {problem}; left out")
    reason = " of its resolution" if masks and not exact else ""
    notes.append(f"{run}: no brain mask{reason} in space-{image.get('space')}")
    return None


def _choose_confounds(
    image: NamedFile, files: Sequence[NamedFile], notes: list[str]
) -> NamedFile | None:
    tables = []
    for file in files:
        kind = (file.suffix, file.get("desc"))
        if kind not in CONFOUNDS or file.extension != ".tsv" or file.get("space"):
            continue
        if file.suffix == "confounds" and "bold" not in file.words:
            continue
        plain = file.suffix != "timeseries" or file.get("desc") or not _names_regions(file)
        if plain and file.run_identity == image.run_identity:
            echo = file.get("echo")
            if echo in (None, image.get("echo")):
                tables.append((CONFOUNDS.index(kind), echo is None, file.path.name, file))
    run = _run_name(image)
    for _, _, name, file in sorted(tables, key=lambda t: t[:3]):
        problem = content_problem(file.path)
        if not problem:
            if len(tables) > 1:
                notes.append(f"{run}: confounds {name} is used, of {len(tables)} tables")
            return file
        notes.append(f"{name} {problem}; left out")
    notes.append(f"{run}: no confounds table")
    return None


def _names_regions(file: NamedFile) -> bool:
    return any(file.get(k) for k in ("seg", "atlas", "recording"))


def _run_name(file: NamedFile) -> str:
    """The part of the name that tells the run."""
    return "_".join(f"{k}-{v}" for k, v in file.pairs if k not in MADE)


def _names(files: Sequence[NamedFile]) -> str:
    return ", ".join(f.path.name for f in files[:3]) + (" …" if len(files) > 3 else "")
