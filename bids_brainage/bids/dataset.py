"""What BIDS_DIR is, which derivatives and FreeSurfer folders belong to it, and who is in it."""

import json
import logging
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from bids_brainage.bids.discovery import (
    DESCRIPTION,
    Derivative,
    as_derivative,
    expand,
    find_derivatives,
    find_subjects_dirs,
    holds_preprocessed_bold,
    is_fmriprep_like,
    is_subjects_dir,
    states_fmriprep,
    subjects_dir_in,
    unique_folders,
)
from bids_brainage.bids.scan import (
    ReconFolder,
    is_there,
    list_participants,
    list_recons,
    natural_key,
    odd_participant_folders,
)
from bids_brainage.bids.tables import participant_labels
from bids_brainage.bids.text import printable, read_text
from bids_brainage.errors import DatasetError, MissingInputError

logger = logging.getLogger(__name__)
# BIDS keeps MEG noise recordings of a room without anybody under this label.
EMPTY_ROOM = "emptyroom"


@dataclass(frozen=True)
class Dataset:
    """A dataset and the derivatives that belong to it; holds names and paths only.

    Parameters
    ----------
    root
        BIDS_DIR, absolute.
    raw
        Root of the raw dataset; None where BIDS_DIR is a derivative dataset itself.
    derivatives
        fMRIPrep-like datasets, in order of preference.
    freesurfer
        FreeSurfer and FastSurfer subjects folders, in order of preference.
    participants
        Labels in natural order, over all roots.
    notes
        What was recognised, and oddities of the dataset as a whole.
    doi
        DOI that its description states.
    """

    root: Path
    name: str
    raw: Path | None
    derivatives: tuple[Derivative, ...] = ()
    freesurfer: tuple[Path, ...] = ()
    participants: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    doi: str = ""

    @property
    def image_roots(self) -> tuple[tuple[Path, bool], ...]:
        """Roots that hold images, each with whether it is the raw one."""
        raw = ((self.raw, True),) if self.raw else ()
        return raw + tuple((d.root, False) for d in self.derivatives)

    @property
    def table_roots(self) -> tuple[Path, ...]:
        """Folders whose participants and sessions tables are read, in order."""
        places = [self.root, *(d.root for d in self.derivatives)]
        if self.raw is None:
            places.append(self.root / "sourcedata" / "raw")
            if self.root.parent.name == "derivatives":
                places.append(self.root.parent.parent)
        return tuple(dict.fromkeys(places))

    @property
    def links(self) -> dict[str, Path]:
        """Names of BIDS URIs and the folders they stand for."""
        links = {"raw": self.raw} if self.raw else {}
        named = [(d.name, d.root) for d in self.derivatives]
        for name, root in named + [(home.name, home) for home in self.freesurfer]:
            link = re.sub(r"[^0-9a-zA-Z.-]+", "", name) or "derivative"
            while link in links:
                link += "2"
            if root not in links.values():
                links[link] = root
        return links

    def uri(self, path: Path) -> str:
        """BIDS URI of a file inside the dataset, else its plain name."""
        inside = [(len(str(r)), name, r) for name, r in self.links.items() if r in path.parents]
        if not inside:
            return path.name
        _, name, root = max(inside)
        return f"bids:{name}:{path.relative_to(root).as_posix()}"


def open_dataset(
    bids_dir: Path,
    derivatives: Sequence[str] = (),
    fs_subjects_dir: Path | None = None,
    *,
    search: bool = True,
) -> Dataset:
    """Recognise a dataset and everything that belongs to it, by folder names.

    Parameters
    ----------
    derivatives
        ``PATH`` or ``NAME=PATH`` of fMRIPrep-like datasets; where given, no other is searched.
    fs_subjects_dir
        FreeSurfer subjects folder; where given, no other is searched.
    search
        Whether derivatives that are not named are searched in the dataset.

    Raises
    ------
    MissingInputError
        If a named folder does not exist.
    DatasetError
        If the dataset description is broken, or there is no participant.
    """
    root = _existing(Path(bids_dir), "BIDS_DIR")
    description, notes = _read_description(root)
    named, homes = _named_derivatives(derivatives)
    derived = description.get("DatasetType") == "derivative" or states_fmriprep(description)
    itself = derived or (search and holds_preprocessed_bold(root))
    found = named or [
        *([as_derivative(root)] if itself else []),
        *(find_derivatives(root) if search else []),
    ]
    if fs_subjects_dir is not None:
        homes = [subjects_dir_in(_existing(Path(fs_subjects_dir), "--fs-subjects-dir"))]
        if not list_recons(homes[0]):
            notes.append(f"{printable(homes[0].name)} holds no FreeSurfer subject folder")
    elif search:
        homes = unique_folders(homes + find_subjects_dirs(root, found))
    raw = None if derived else root
    notes += _describe(raw, found, homes)
    participants = _participants(raw, root, found, homes, explicit=fs_subjects_dir is not None)
    if EMPTY_ROOM in participants:
        participants = tuple(label for label in participants if label != EMPTY_ROOM)
        notes.append(f"sub-{EMPTY_ROOM} holds recordings of an empty room and is no participant")
    places = {root, *(d.root for d in found)} - set(homes)
    odd = sorted({printable(n) for place in places for n in odd_participant_folders(place)})
    if odd:
        notes.append(f"folders without a valid participant label are left out: {', '.join(odd)}")
        logger.warning("Folders without a valid participant label are left out: %s", ", ".join(odd))
    if not participants:
        raise DatasetError(
            "no participant found",
            place=root,
            hint="BIDS_DIR is the folder that holds sub-<label> folders; FreeSurfer output "
            "elsewhere is named with --fs-subjects-dir, fMRIPrep output with --derivatives",
        )
    name = printable(str(description.get("Name") or root.name))
    doi = printable(str(description.get("DatasetDOI") or ""))
    return Dataset(root, name, raw, tuple(found), tuple(homes), participants, tuple(notes), doi)


def _existing(path: Path, what: str) -> Path:
    try:
        found, wrong = path.is_dir(), "is not a folder" if path.exists() else "does not exist"
    except OSError as error:
        found, wrong = False, f"cannot be read ({error.strerror})"
    if not found:
        raise MissingInputError(f"{what} {wrong}", place=path, hint="check the path, and in a "
                                "container that it is mounted")  # fmt: skip
    return Path(os.path.abspath(path))  # noqa: PTH100 (links stay as given)


def _read_description(root: Path) -> tuple[dict[str, Any], list[str]]:
    path = root / DESCRIPTION
    try:
        content = json.loads(read_text(path))
    except FileNotFoundError:
        note = f"{DESCRIPTION} is absent; the dataset is read all the same"
        logger.warning("%s (%s)", note, root)
        return {}, [note]
    except OSError as error:
        raise DatasetError(f"{DESCRIPTION} cannot be read: {error.strerror or error}", place=path,
                           hint="check its permissions") from error  # fmt: skip
    except json.JSONDecodeError as error:
        line = error.doc.splitlines()[error.lineno - 1 :][:1]
        raise DatasetError(
            f"{DESCRIPTION} is not valid JSON: {error.msg} at {(line or [''])[0].strip()[:60]!r}",
            place=f"{path}, line {error.lineno}, column {error.colno}",
            hint="correct that line (often a missing comma or quote), or remove the file",
        ) from error
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"{DESCRIPTION} is not valid JSON: {error}", place=path,
                           hint="correct or remove it") from error  # fmt: skip
    if not isinstance(content, dict):
        raise DatasetError(f"{DESCRIPTION} holds a {type(content).__name__}, not an object",
                           place=path, hint="start it with { and end it with }")  # fmt: skip
    return content, []


def _named_derivatives(specifications: Sequence[str]) -> tuple[list[Derivative], list[Path]]:
    found: list[Derivative] = []
    homes: list[Path] = []
    for text in specifications:
        match = re.fullmatch(r"([\w.+-]+)=(.+)", text)
        label, place = match.groups() if match and not is_there(Path(text)) else ("", text)
        root = _existing(Path(place), "--derivatives")
        inside = [p for p in expand(root) if is_fmriprep_like(p)]
        if is_fmriprep_like(root) or not (inside or is_subjects_dir(subjects_dir_in(root))):
            found.append(as_derivative(root, label))
        elif inside:
            found += [as_derivative(p) for p in inside]
        else:
            homes.append(subjects_dir_in(root))
    return found, homes


def _describe(raw: Path | None, found: Sequence[Derivative], homes: Sequence[Path]) -> list[str]:
    notes = ["BIDS_DIR is a raw dataset" if raw else "BIDS_DIR is a derivative dataset"]
    notes += [f"preprocessed BOLD is looked for in {d.name} ({d.pipeline})" for d in found]
    notes += [f"FreeSurfer output is looked for in {h.parent.name}/{h.name}" for h in homes]
    return [printable(note) for note in notes]


@lru_cache(maxsize=16)
def _recons(subjects_dir: Path, _mtime: int) -> dict[str, tuple[ReconFolder, ...]]:
    by_participant: dict[str, list[ReconFolder]] = {}
    for recon in list_recons(subjects_dir):
        by_participant.setdefault(recon.participant, []).append(recon)
    return {label: tuple(recons) for label, recons in by_participant.items()}


def recons_by_participant(subjects_dir: Path) -> dict[str, tuple[ReconFolder, ...]]:
    """FreeSurfer folders by participant label; listed once per process until they change."""
    try:
        return _recons(subjects_dir, subjects_dir.stat().st_mtime_ns)
    except OSError:
        return {}


def _participants(
    raw: Path | None,
    root: Path,
    found: Sequence[Derivative],
    homes: Sequence[Path],
    *,
    explicit: bool,
) -> tuple[str, ...]:
    """Union of the labels of all roots; unprefixed recon folders count if a label is known."""
    labels = {label for place in (raw, *(d.root for d in found)) if place
              for label in list_participants(place)}  # fmt: skip
    recons = [r for home in homes for group in recons_by_participant(home).values() for r in group]
    labels |= {r.participant for r in recons if r.prefixed}
    unprefixed = {r.participant for r in recons if not r.prefixed}
    if unprefixed - labels:
        labels |= unprefixed & participant_labels(root / "participants.tsv")
        if not labels and explicit:
            labels = {r.participant for r in recons if is_there(homes[0] / r.name / "stats")}
    return tuple(sorted(labels, key=natural_key))
