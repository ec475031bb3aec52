"""Which software and version wrote a FreeSurfer-like subject folder."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from bids_brainage.features.stats_files import StatsFile

_STAMPS = (
    "build-stamp.txt",
    "scripts/build-stamp.txt",
    "scripts/recon-all.done",
    "scripts/recon-all-status.log",
    "scripts/recon-all.log",
)
_FASTSURFER_FILES = (
    "stats/aseg+DKT.stats",
    "stats/aseg+DKT.VINN.stats",
    "stats/lh.aparc.DKTatlas.mapped.stats",
    "scripts/deep-seg.log",
)
_RELEASE = re.compile(r"(?:^|[-v\s])(\d\.\d+(?:\.\d+)?(?:-(?:beta|alpha|dev)\w*)?)(?=$|[-\s)])")
_REVISION = re.compile(r"mri_segstats\.c,v (\d+(?:\.\d+)+)")


def software_version(
    subject_dir: Path, stats: Iterable[StatsFile], revisions: Mapping[str, str]
) -> tuple[str, str]:
    """Find name and version of the software.

    Parameters
    ----------
    subject_dir
        Folder that holds ``stats`` and ``scripts``.
    stats
        Stats files that were read, the most telling first.
    revisions
        Source revision of ``mri_segstats.c`` to release, for FreeSurfer 6 and older.

    Returns
    -------
        ``FreeSurfer`` or ``FastSurfer``, and the version or ``unknown``.
    """
    files = list(stats)
    if _is_fastsurfer(subject_dir, files):
        return "FastSurfer", _fastsurfer_version(subject_dir, files)
    stated = [file.header.get("cvs_version", "") for file in files]
    for text in stated:
        if "$Id" not in text and (match := _RELEASE.search(text)):
            return "FreeSurfer", match.group(1)
    for name in _STAMPS:
        if version := _stamp_version(subject_dir / name):
            return "FreeSurfer", version
    for text in stated:
        if match := _REVISION.search(text):
            revision = match.group(1)
            known = [key for key in revisions if (revision + ".").startswith(key + ".")]
            if known:
                return "FreeSurfer", revisions[max(known, key=len)]
    return "FreeSurfer", "unknown"


def _is_fastsurfer(subject_dir: Path, files: list[StatsFile]) -> bool:
    programs = " ".join(
        f"{file.header.get('generating_program', '')} {file.header.get('cmdline', '')}"
        for file in files
    ).lower()
    if "segstats.py" in programs or "fastsurfer" in programs:
        return True
    return any((subject_dir / name).is_file() for name in _FASTSURFER_FILES)


def _fastsurfer_version(subject_dir: Path, files: list[StatsFile]) -> str:
    for file in files:
        for key, text in file.header.items():
            if "fastsurfer" in key.lower() and (match := _RELEASE.search(text)):
                return match.group(1)
    for name in ("scripts/BUILD.log", "scripts/build.log", "scripts/deep-seg.log"):
        text = _head(subject_dir / name)
        match = re.search(r"(?i)(?:fastsurfer|version)\D{0,20}(\d+\.\d+(?:\.\d+)?)", text)
        if match:
            return match.group(1)
    return "unknown"


def _stamp_version(path: Path) -> str:
    """Version in a build stamp such as ``freesurfer-Linux-centos6_x86_64-stable-pub-v5.3.0``."""
    for line in _head(path).splitlines():
        if "freesurfer" in line.lower() and (match := _RELEASE.search(line)):
            return match.group(1)
    return ""


def _head(path: Path, size: int = 20_000) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(size)
    except OSError:
        return ""
