"""What a folder is: fMRIPrep output, FreeSurfer subjects folder, or neither."""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from bids_brainage.bids.scan import (
    SESSION_FOLDER,
    folder_names,
    is_there,
    list_participants,
    list_recons,
    natural_key,
)
from bids_brainage.bids.text import printable, read_json_object

DESCRIPTION = "dataset_description.json"
OWN_NAME = "bids_brainage"
PIPELINES = ("fmriprep", "smriprep")
SAMPLE = 8
PREPROCESSED = re.compile(
    r"_desc-preproc_bold\.nii|_bold_space-[^_]+_preproc\.nii"
    r"|_desc-confounds_(timeseries|regressors)\.tsv|_bold_confounds\.tsv"
)


@dataclass(frozen=True)
class Derivative:
    """A derivative dataset with preprocessed BOLD, in the layout of fMRIPrep.

    Parameters
    ----------
    pipeline
        Name and version of what made it, as its description states, else ``unknown pipeline``.
    """

    name: str
    root: Path
    pipeline: str


def pipeline_of(description: dict[str, Any]) -> tuple[str, str]:
    """Name and version of the pipeline that a dataset description states; empty if none."""
    made_by = description.get("GeneratedBy") or description.get("PipelineDescription") or []
    for entry in made_by if isinstance(made_by, list) else [made_by]:
        if isinstance(entry, str):
            return entry, ""
        if isinstance(entry, dict) and entry.get("Name"):
            return str(entry["Name"]), str(entry.get("Version") or "")
    return "", ""


def states_fmriprep(description: dict[str, Any]) -> bool:
    """Whether a dataset description says that fMRIPrep, or sMRIPrep, made the dataset."""
    name, _ = pipeline_of(description)
    stated = (name or str(description.get("Name", ""))).lower()
    return any(pipeline in stated for pipeline in PIPELINES)


def holds_preprocessed_bold(root: Path) -> bool:
    """Whether file names of the first participants are those of fMRIPrep's BOLD output."""
    for label in islice(list_participants(root), SAMPLE):
        folder = root / f"sub-{label}"
        sessions = [n for n in folder_names(folder) if SESSION_FOLDER.fullmatch(n)]
        for place in (folder, *(folder / name for name in sessions[:2])):
            if any(PREPROCESSED.search(name) for name in _file_names(place / "func")):
                return True
    return False


def _file_names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def as_derivative(root: Path, name: str = "") -> Derivative:
    """Describe a folder as a derivative dataset, whatever its description says."""
    description, _ = read_json_object(root / DESCRIPTION)
    pipeline = " ".join(part for part in pipeline_of(description) if part)
    return Derivative(printable(name or root.name), root, printable(pipeline) or "unknown pipeline")


def is_fmriprep_like(root: Path) -> bool:
    """Whether a folder holds fMRIPrep output, by its description, name or files."""
    if not list_participants(root):
        return False
    description, _ = read_json_object(root / DESCRIPTION)
    if pipeline_of(description)[0].lower() == OWN_NAME:
        return False
    named = root.name.lower().startswith(PIPELINES)
    return states_fmriprep(description) or named or holds_preprocessed_bold(root)


def is_subjects_dir(root: Path) -> bool:
    """Whether the first recognised folders hold FreeSurfer or FastSurfer statistics."""
    return any(is_there(root / recon.name / "stats") for recon in list_recons(root)[:SAMPLE])


def find_derivatives(bids_dir: Path) -> list[Derivative]:
    """fMRIPrep-like datasets below BIDS_DIR: fMRIPrep's newest version first, then by name."""
    parent = bids_dir / "derivatives"
    places = [parent, bids_dir / "fmriprep", *expand(parent)]
    found = [as_derivative(place) for place in places if is_fmriprep_like(place)]
    found.sort(key=lambda d: natural_key(d.root.name))
    found.sort(key=_version, reverse=True)
    return found


def expand(parent: Path) -> list[Path]:
    """Folders of a folder of pipelines, and ``fmriprep*`` folders one level below."""
    names = [name for name in folder_names(parent) if not name.startswith((".", "sub-"))]
    children = [parent / name for name in names]
    below = [
        child / name
        for child in children
        for name in folder_names(child)
        if name.lower().startswith("fmriprep")
    ]
    return children + below


def _version(derivative: Derivative) -> tuple[bool, tuple[int, ...]]:
    numbers = tuple(int(n) for n in re.findall(r"\d+", derivative.pipeline)[:3])
    return "fmriprep" in derivative.pipeline.lower(), numbers


def find_subjects_dirs(bids_dir: Path, derivatives: list[Derivative]) -> list[Path]:
    """FreeSurfer subjects folders near a dataset, in order of preference, FastSurfer last."""
    children = [bids_dir / "derivatives" / n for n in folder_names(bids_dir / "derivatives")]
    named = [c for c in children if c.name.lower().startswith("freesurfer")]
    fast = [c for c in children if c.name.lower().startswith("fastsurfer")]
    beside = [
        place
        for d in derivatives
        for place in (
            d.root / "sourcedata" / "freesurfer",
            d.root.parent / "freesurfer",
            d.root / "freesurfer",
        )
    ]
    own = [bids_dir / "sourcedata" / "freesurfer", bids_dir / "freesurfer"]
    # Of pipelines that gave no image of anyone, too: recon-all may be all that ran.
    own += [child / "sourcedata" / "freesurfer" for child in children]
    taken = {d.root for d in derivatives} | set(named) | set(fast)
    others = [c for c in children if c not in taken and is_subjects_dir(c)]
    itself = [bids_dir] if is_subjects_dir(bids_dir) else []
    homes = [subjects_dir_in(p) for p in (*named, *beside, *own, *others, *itself, *fast)]
    return unique_folders(home for home in homes if list_recons(home))


def unique_folders(folders: Iterable[Path]) -> list[Path]:
    """Folders once each, in order, where links to one folder count as that folder."""
    found: dict[str, Path] = {}
    for folder in folders:
        found.setdefault(os.path.realpath(folder), folder)
    return list(found.values())


def subjects_dir_in(folder: Path) -> Path:
    """Return the folder itself, or its ``subjects`` folder where that holds the participants."""
    inner = folder / "subjects"
    return inner if is_there(inner) and not list_participants(folder) else folder
