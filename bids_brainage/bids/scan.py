"""Participants and sessions by folder names alone: no file is opened, nothing is indexed."""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

LABEL = "[0-9a-zA-Z+]+"
SUBJECT_FOLDER = re.compile(rf"sub-({LABEL})")
SESSION_FOLDER = re.compile(rf"ses-({LABEL})")
RECON_FOLDER = re.compile(
    rf"(?P<prefix>sub-)?(?P<participant>{LABEL})(?:_ses-(?P<session>{LABEL}))?"
    r"(?P<long>\.long\..+)?"
)
IMAGE_FOLDERS = ("anat", "func")


def natural_key(label: str) -> tuple[tuple[tuple[bool, int, str], ...], str]:
    """Sorting key that puts 2 before 10 and keeps labels such as 01 and 1 apart."""
    parts = re.findall(r"\d+|\D+", label)
    return tuple((not p.isdecimal(), int(p) if p.isdecimal() else 0, p) for p in parts), label


def folder_names(folder: Path) -> list[str]:
    """Names of the folders in a folder; empty if it is absent or unreadable.

    Links to folders count, broken links and files do not.
    """
    try:
        with os.scandir(folder) as entries:
            return sorted(e.name for e in entries if _is_folder(e))
    except OSError:
        return []


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def is_there(path: Path) -> bool:
    """Whether a file or folder is there and its folder may be looked into."""
    try:
        return path.exists()
    except OSError:
        return False


def list_participants(root: Path) -> list[str]:
    """Participant labels of a dataset root, in natural order.

    Only folders whose whole name is ``sub-<letters and digits>`` count.
    """
    matches = (SUBJECT_FOLDER.fullmatch(name) for name in folder_names(root))
    return sorted((m.group(1) for m in matches if m), key=natural_key)


def odd_participant_folders(root: Path) -> list[str]:
    """Folders that look like a participant's but have no valid name, such as ``sub-01_a``."""
    return [
        name
        for name in folder_names(root)
        if name.lower().startswith("sub-") and not SUBJECT_FOLDER.fullmatch(name)
    ]


def list_sessions(root: Path, participant: str) -> list[str]:
    """Session labels of a participant, in natural order; empty without session folders."""
    return image_sessions(root, participant)[0]


def image_sessions(root: Path, participant: str) -> tuple[list[str], set[str]]:
    """Session labels of a participant, and which image folders lie outside any session.

    Returns
    -------
    sessions
        Labels in natural order.
    bare
        Those of ``anat`` and ``func`` that lie directly in the participant's folder.
    """
    names = folder_names(root / f"sub-{participant}")
    matches = (SESSION_FOLDER.fullmatch(name) for name in names)
    sessions = sorted((m.group(1) for m in matches if m), key=natural_key)
    return sessions, {name for name in IMAGE_FOLDERS if name in names}


@dataclass(frozen=True)
class ReconFolder:
    """A FreeSurfer subject folder and the participant and session that its name states.

    Parameters
    ----------
    name
        Path relative to the subjects folder.
    longitudinal
        Whether it is the longitudinal run of a session (``.long.``).
    prefixed
        Whether the name starts with ``sub-``; others count only if they equal a known label.
    """

    name: str
    participant: str
    session: str
    longitudinal: bool
    prefixed: bool


def list_recons(subjects_dir: Path) -> list[ReconFolder]:
    """Subject folders of a FreeSurfer subjects folder, by name.

    ``fsaverage*`` and names without a valid participant label are left out. Where a
    participant's folder holds ``ses-*`` folders in place of ``stats``, those are listed too;
    a folder without them among the first participants means that the layout is flat.
    """
    recons: list[ReconFolder] = []
    tries = 3
    for name in folder_names(subjects_dir):
        match = RECON_FOLDER.fullmatch(name)
        if match is None or name.startswith("fsaverage"):
            continue
        recon = ReconFolder(name, match["participant"], match["session"] or "",
                            match["long"] is not None, match["prefix"] is not None)  # fmt: skip
        if recon.prefixed and not recon.session and tries:
            sessions = _nested_sessions(subjects_dir / name)
            tries = tries if sessions else tries - 1
            recons += [
                ReconFolder(f"{name}/ses-{s}", recon.participant, s, False, True) for s in sessions
            ]
        recons.append(recon)
    return recons


def _nested_sessions(folder: Path) -> list[str]:
    names = folder_names(folder)
    if "stats" in names:
        return []
    matches = [m for m in map(SESSION_FOLDER.fullmatch, names) if m]
    nested = matches and is_there(folder / matches[0].group() / "stats")
    return [m.group(1) for m in matches] if nested else []


def union_of_sessions(
    participant: str, image_roots: Iterable[tuple[Path, bool]], recons: Iterable[ReconFolder]
) -> list[str]:
    """Sessions of a participant over all roots; ``[""]`` for one without sessions.

    Parameters
    ----------
    image_roots
        Raw and derivative roots, each with whether it is the raw one.
    recons
        FreeSurfer folders of this participant.

    Notes
    -----
    A participant can have session folders and images outside of them. The latter are a session
    of their own only when they hold BOLD runs, or when the raw root has no session folder:
    fMRIPrep writes the anatomical template of a multi-session participant outside the sessions.
    """
    labels = {recon.session for recon in recons} - {""}
    bare = False
    for root, is_raw in image_roots:
        sessions, folders = image_sessions(root, participant)
        labels.update(sessions)
        bare = bare or "func" in folders or (is_raw and "anat" in folders and not sessions)
    listed = sorted(labels, key=natural_key)
    return ["", *listed] if bare or not listed else listed
