"""Raw images of a session: which T1w, which BOLD runs, and what their sidecars say."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nibabel as nib

from bids_brainage.bids.dataset import Dataset
from bids_brainage.bids.entities import NIFTI, NamedFile, content_problem, list_files
from bids_brainage.bids.filters import Query
from bids_brainage.bids.scan import IMAGE_FOLDERS, SESSION_FOLDER, folder_names, natural_key
from bids_brainage.bids.selection import sessions_of
from bids_brainage.bids.sidecar import UNREADABLE, inherited_sidecars, repetition_time
from bids_brainage.bids.text import printable, read_json_object
from bids_brainage.records.raw import RawBold, RawT1w
from bids_brainage.records.session import SessionKey

# A filter for raw images says nothing of what only derivatives have.
DERIVED_ONLY = frozenset({"space", "res", "den", "desc", "cohort", "label"})
THICK = 2.5  # mm; slices of localizers and of 2D T1w are thicker, those of 3D T1w are not


def is_raw_t1w(file: NamedFile) -> bool:
    """Whether a file is a raw T1w image (magnitude)."""
    made = file.get("desc") or file.get("space")
    magnitude = file.get("part") in (None, "mag")
    return file.suffix == "T1w" and file.extension in NIFTI and not made and magnitude


def rank_t1w(files: Sequence[NamedFile], root: Path, notes: list[str]) -> tuple[RawT1w, ...]:
    """Rank T1w images by what can be told from their names and headers, the one to use first.

    Readable ones come first, then those of thin slices, of the session itself, without contrast
    agent, and of all echoes; among equals the first name in natural order. BIDS has no field
    that says which of several images is best; the user's filter comes before.

    Parameters
    ----------
    files
        Raw T1w images of the session.
    root
        Dataset root, up to which sidecars apply.
    notes
        Receives the choice, and images that hold nothing.
    """
    usable = []
    for file in files:
        problem = content_problem(file.path)
        if problem:
            notes.append(f"{file.path.name} {problem}; left out")
        else:
            usable.append(file)
    if len(usable) > 1:
        usable.sort(key=_preference)
        others = ", ".join(f.path.name for f in usable[1:])
        notes.append(f"{usable[0].path.name} is used as T1w; also there: {others}")
    return tuple(_raw_t1w(file, root, notes) for file in usable)


def _raw_t1w(file: NamedFile, root: Path, notes: list[str]) -> RawT1w:
    stripped = merged_sidecars(file, root, notes).get("SkullStripped")
    return RawT1w(file.path, stripped if isinstance(stripped, bool) else None, file.pairs)


def _preference(file: NamedFile) -> tuple[Any, ...]:
    """Place of a T1w among several; the lowest is used."""
    try:
        header: Any = nib.load(file.path).header
        size = max(float(zoom) for zoom in header.get_zooms()[:3])
    except UNREADABLE:
        size = math.nan
    outside, contrast, echo = file.get("ses") is None, file.get("ce"), file.get("echo")
    later = outside, contrast is not None, echo is not None
    return math.isnan(size), size > THICK, *later, natural_key(file.path.name)


def borrowed_t1w(
    dataset: Dataset, key: SessionKey, query: Query, notes: list[str]
) -> tuple[RawT1w, ...]:
    """T1w images of another session of the participant, for registering BOLD of a session without.

    Parameters
    ----------
    query
        Filter for T1w images.
    """
    if dataset.raw is None:
        return ()
    for label in sessions_of(dataset, key.participant):
        other = SessionKey(key.participant, label)
        if other == key:
            continue
        listed = list_files(dataset.raw, dataset.raw / other.folder / "anat", other, [])
        images = [f for f in listed if is_raw_t1w(f)]
        images = [f for f in images if not query.failing(f.entities, DERIVED_ONLY)]
        found = rank_t1w(images, dataset.raw, [])
        if found:
            notes.append(f"no T1w in this session; BOLD is registered to {found[0].path.name}")
            return found
    return ()


def raw_runs(files: Sequence[NamedFile], root: Path, notes: list[str]) -> tuple[RawBold, ...]:
    """Raw runs that hold data, with their sidecars merged.

    Parameters
    ----------
    files
        Raw BOLD images of the wanted tasks; all echoes.
    """
    runs: list[RawBold] = []
    for file in sorted(files, key=lambda f: natural_key(f.path.name)):
        problem = content_problem(file.path)
        if problem:
            notes.append(f"{file.path.name} {problem}; left out")
            continue
        if any(file.pairs == run.entities for run in runs):
            notes.append(f"{file.path.name} is there twice, as .nii and .nii.gz; one is used")
            continue
        seconds = repetition_time(file, root, [], None, notes)
        runs.append(RawBold(file.path, file.pairs, merged_sidecars(file, root, notes), seconds))
    return tuple(runs)


def what_else(root: Path, key: SessionKey) -> str:
    """Say what a session without T1w and BOLD images holds, by kind."""
    kinds = []
    for name in folder_names(root / key.folder):
        files = list_files(root, root / key.folder / name, key, [])
        suffixes = sorted({f.suffix for f in files if f.extension in NIFTI})
        if name in IMAGE_FOLDERS and suffixes:
            kinds.append(f"{name} ({', '.join(suffixes)})")
        elif name not in IMAGE_FOLDERS and not SESSION_FOLDER.fullmatch(name):
            kinds.append(printable(name))
    return "no raw T1w or BOLD image" + (f"; there is {', '.join(kinds)}" if kinds else "")


def merged_sidecars(file: NamedFile, root: Path, notes: list[str]) -> dict[str, Any]:
    """Sidecars of an image merged; the nearest and most specific wins."""
    merged: dict[str, Any] = {}
    for path in inherited_sidecars(file, root):
        content, problem = read_json_object(path)
        if problem:
            notes.append(f"{problem}; it is passed over")
        merged = content | merged
    return merged
