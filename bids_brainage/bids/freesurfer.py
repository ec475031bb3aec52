"""The FreeSurfer or FastSurfer folder that belongs to a session."""

import os
import re
from pathlib import Path

from bids_brainage.bids.dataset import Dataset, recons_by_participant
from bids_brainage.bids.entities import content_problem
from bids_brainage.bids.scan import ReconFolder, is_there
from bids_brainage.bids.text import printable
from bids_brainage.records.session import SessionKey

STATS = re.compile(r"(aseg.*|[lr]h\.aparc.*)\.stats")
DESTRIEUX = ("lh.aparc.a2009s.stats", "rh.aparc.a2009s.stats")
KINDS = ("of this session", "longitudinal run of this session", "of the participant as a whole")


def find_recon(
    dataset: Dataset, key: SessionKey, sessions: list[str], notes: list[str]
) -> Path | None:
    """Choose the subject folder with statistics: of the session, else longitudinal, else shared.

    Parameters
    ----------
    sessions
        All sessions of the participant.
    notes
        Receives what was chosen, left out, and why.
    """
    ranked: list[tuple[int, int, bool, str, Path]] = []
    for order, home in enumerate(dataset.freesurfer):
        for recon in recons_by_participant(home).get(key.participant, ()):
            rank = _rank(recon, key)
            if rank is not None:
                place = home / recon.name
                ranked.append((rank, order, not recon.prefixed, recon.name, place))
    ranked.sort()
    usable = []
    for rank, _, _, _, place in ranked:
        problem = _stats_problem(place)
        if problem:
            notes.append(f"FreeSurfer folder {_shown(place)} is left out: {problem}")
        else:
            usable.append((rank, place))
    if not usable:
        if dataset.freesurfer and not ranked:
            notes.append("no FreeSurfer folder of this participant and session")
        return None
    rank, chosen = usable[0]
    notes.append(f"FreeSurfer folder {_shown(chosen)} is used ({KINDS[rank]})")
    if rank == 2 and key.session and len(sessions) > 1:
        notes.append("that FreeSurfer folder is not specific to this session: the participant's "
                     f"{len(sessions)} sessions share it")  # fmt: skip
    if len(usable) > 1:
        others = ", ".join(_shown(place) for _, place in usable[1:])
        notes.append(f"other FreeSurfer folders not used: {others}")
    _remark(chosen, notes)
    return chosen


def _rank(recon: ReconFolder, key: SessionKey) -> int | None:
    if recon.session == key.session:
        return 1 if recon.longitudinal else 0
    return 2 if key.session and not recon.session and not recon.longitudinal else None


def _stats_problem(recon: Path) -> str:
    try:
        names = [n for n in sorted(os.listdir(recon / "stats")) if STATS.fullmatch(n)]
    except OSError as error:
        return f"its stats folder cannot be read ({error.strerror or error})"
    if not names:
        return "its stats folder has no aseg or aparc statistics"
    problems = [content_problem(recon / "stats" / name) for name in names]
    return f"{names[0]} {problems[0]}, and so are the others" if all(problems) else ""


def _remark(recon: Path, notes: list[str]) -> None:
    absent = [name for name in DESTRIEUX if content_problem(recon / "stats" / name)]
    if absent:
        notes.append(f"without Destrieux thickness: {', '.join(absent)} missing or empty")
    if content_problem(recon / "stats" / "aseg.stats"):
        notes.append("without region volumes: aseg.stats missing or empty")
    scripts = recon / "scripts"
    if is_there(scripts / "recon-all.error"):
        notes.append("recon-all.error says that recon-all ended with an error")
    elif any(is_there(scripts / f"IsRunning.{h}") for h in ("lh", "rh", "lh+rh")):
        notes.append("IsRunning says that recon-all was still running")


def _shown(place: Path) -> str:
    return printable(f"{place.parent.name}/{place.name}")
