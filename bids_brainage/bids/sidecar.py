"""Repetition time of a run: sidecars with BIDS inheritance, else the image header."""

import os
import zlib
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import nibabel as nib
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError

from bids_brainage.bids.entities import EXTENSION, NamedFile
from bids_brainage.bids.text import read_json_object
from bids_brainage.records.raw import TIME_UNITS, repetition_seconds

UNREADABLE = (ImageFileError, HeaderDataError, OSError, EOFError, ValueError, KeyError,
              AttributeError, zlib.error)  # fmt: skip


def repetition_time(
    image: NamedFile, root: Path, raw: Sequence[NamedFile], raw_root: Path | None, notes: list[str]
) -> float | None:
    """Find the repetition time in seconds; None if nothing states it.

    Parameters
    ----------
    image
        Preprocessed image below the derivative ``root``.
    raw
        Raw images of the same run (one per echo), below ``raw_root``.
    notes
        Receives where it was found, and broken sidecars.
    """
    header = _header_time(image.path, notes)
    places = [(image, root, "sidecar")]
    if raw_root is not None:
        places += [(file, raw_root, "raw run's sidecar") for file in raw]
    for file, top, source in places:
        for path in inherited_sidecars(file, top):
            content, problem = read_json_object(path)
            if problem:
                notes.append(f"{problem}; it is passed over")
            seconds, note = repetition_seconds(content.get("RepetitionTime"))
            if seconds is not None:
                if note:
                    notes.append(f"{note} ({path.name})")
                if header is not None and abs(header - seconds) > 0.01 * seconds:
                    notes.append(f"repetition time {seconds:g} s of {path.name} is used; the image "
                                 f"header says {header:g} s")  # fmt: skip
                elif file is not image:
                    notes.append(f"repetition time is taken from the {source} {path.name}")
                return seconds
    if header is not None:
        notes.append(f"repetition time {header:g} s is taken from the header of {image.path.name}")
    else:
        notes.append(f"the repetition time of {image.path.name} is unknown")
    return header


def inherited_sidecars(image: NamedFile, root: Path) -> Iterator[Path]:
    """Sidecars that apply to an image under BIDS inheritance, nearest and most specific first."""
    parts = {*image.pairs, *(("", word) for word in image.words)}
    for folder in (image.path.parent, *image.path.parent.parents):
        applying = []
        for name in _json_names(folder):
            *pieces, suffix = name.removesuffix(".json").split("_")
            named = {tuple(p.split("-", 1)) if "-" in p else ("", p) for p in pieces}
            if suffix == image.suffix and named <= parts:
                applying.append((-len(named), name))
        yield from (folder / name for _, name in sorted(applying))
        if folder == root:
            return


def _json_names(folder: Path) -> tuple[str, ...]:
    try:
        return _listed(folder, folder.stat().st_mtime_ns)
    except OSError:
        return ()


@lru_cache(maxsize=256)
def _listed(folder: Path, _mtime: int) -> tuple[str, ...]:
    return tuple(name for name in os.listdir(folder)
                 if name.endswith(".json") and EXTENSION.search(name))  # fmt: skip


def _header_time(path: Path, notes: list[str]) -> float | None:
    try:
        header: Any = nib.load(path).header
        zooms = header.get_zooms()
        unit = header.get_xyzt_units()[1]
    except UNREADABLE as error:
        notes.append(f"the header of {path.name} cannot be read ({type(error).__name__})")
        return None
    if len(zooms) < 4:
        notes.append(f"{path.name} has {len(zooms)} dimensions, not 4")
        return None
    return repetition_seconds(float(zooms[3]) * TIME_UNITS.get(unit, 1.0))[0]
