"""Files of one session with the entities in their names, parsed by pybids."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bids.layout import parse_file_entities
from bids.layout.models import Config, Entity

from bids_brainage.bids.text import POINTER_BYTES, counted, pointer_problem, printable
from bids_brainage.records.session import SessionKey

NIFTI = (".nii.gz", ".nii")
SURFACE = (".dtseries.nii", ".ptseries.nii", ".func.gii", ".shape.gii")
EXTENSION = re.compile(r"(\.(nii\.gz|[a-z]+\.nii|[a-z]+\.gii|[a-zA-Z0-9]+))$")
# Entities that tell apart files made from one run.
MADE = frozenset({"sub", "ses", "space", "cohort", "res", "den", "desc", "label", "echo", "part",
                  "variant", "hemi"})  # fmt: skip


@dataclass(frozen=True)
class NamedFile:
    """A file whose name follows BIDS.

    Parameters
    ----------
    entities
        pybids' entity names and values as text, zero padding kept.
    pairs
        Key and value as written in the file name, in its order.
    words
        Parts of the name that are neither pairs nor the suffix, for example the ``bold`` of
        ``…_bold_space-X_preproc.nii.gz``.
    """

    path: Path
    entities: Mapping[str, str]
    pairs: tuple[tuple[str, str], ...]
    words: tuple[str, ...]
    suffix: str
    extension: str

    def get(self, key: str) -> str | None:
        """Value of a key as written in the name, or None."""
        return dict(self.pairs).get(key)

    @property
    def run_identity(self) -> frozenset[tuple[str, str]]:
        """What all files made from one run share; ``run-01`` and ``run-1`` are one run."""
        named = {(k, str(int(v)) if k == "run" and v.isdecimal() else v)
                 for k, v in self.pairs if k not in MADE}  # fmt: skip
        return frozenset(named | {("", word) for word in self.words if word != "bold"})


@cache
def _entities() -> tuple[Entity, ...]:
    known: dict[str, Entity] = {}
    for name in ("bids", "derivatives"):
        known.update(Config.load(name).entities)
    return tuple(known.values())


def name_file(root: Path, path: Path) -> NamedFile:
    """Parse one file name.

    Only the path below the dataset root is parsed: pybids takes the first ``sub-`` of what it
    is given, wherever that stands.
    """
    relative = "/" + path.relative_to(root).as_posix()
    parsed = {k: str(v) for k, v in parse_file_entities(relative, entities=_entities()).items()}
    match = EXTENSION.search(path.name)
    extension = match.group(1) if match else ""
    *parts, suffix = path.name.removesuffix(extension).split("_")
    split = [tuple(part.split("-", 1)) for part in parts]
    pairs = tuple((p[0], p[1]) for p in split if len(p) == 2)
    words = tuple(p[0] for p in split if len(p) == 1)
    parsed |= {"suffix": suffix, "extension": extension}
    if "cohort" in dict(pairs):  # not among pybids' entities
        parsed["cohort"] = dict(pairs)["cohort"]
    return NamedFile(path, parsed, pairs, words, suffix, extension)


def list_files(root: Path, folder: Path, key: SessionKey, notes: list[str]) -> list[NamedFile]:
    """Files of a session in one folder, sorted by name.

    Parameters
    ----------
    root
        Dataset root.
    notes
        Receives what was left out, in plain words.
    """
    try:
        with os.scandir(folder) as entries:
            names = sorted(e.name for e in entries if e.is_symlink() or e.is_file())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        notes.append(f"{folder.name} cannot be listed ({error.strerror or error})")
        return []
    names = [name for name in names if not name.startswith(".")]
    kept = [n for n in names if n.startswith(f"{key.stem}_") and n == printable(n)]
    if not key.session:
        kept = [n for n in kept if not n.startswith(f"{key.stem}_ses-")]
    strange = [printable(n) for n in names if n not in kept]
    strange = [n for n in strange if n.endswith(NIFTI)]
    if strange:
        shown = ", ".join(strange[:3]) + (" …" if len(strange) > 3 else "")
        count = f"{counted(len(strange), 'image')} in {folder.name}"
        notes.append(f"{count} not named for {key.stem}: {shown}")
    return [name_file(root, folder / name) for name in kept]


def content_problem(path: Path) -> str:
    """Why a file has no content to read, in plain words; empty if it has."""
    try:
        size = path.stat().st_size
        if size == 0:
            return "is empty (0 bytes)"
        if size > POINTER_BYTES:
            return "" if os.access(path, os.R_OK) else "cannot be read (permission denied)"
        with path.open("rb") as file:
            start = file.read(64)
    except FileNotFoundError:
        if path.is_symlink():
            return "is a broken link (with DataLad: datalad get)"
        return "does not exist"
    except OSError as error:
        return f"cannot be read ({(error.strerror or str(error)).lower()})"
    return pointer_problem(start)
