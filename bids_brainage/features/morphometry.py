"""Cortical thickness and volumes of one FreeSurfer or FastSurfer subject folder."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from bids_brainage.bids.outputs import write_json, write_tsv
from bids_brainage.errors import InputError
from bids_brainage.features.freesurfer_version import software_version
from bids_brainage.features.stats_files import StatsFile, read_stats
from bids_brainage.records.features import Morphometry

HEMISPHERES = ("lh", "rh")
_MEAN = "meanthickness"
_SEGMENTATIONS = ("aseg.stats", "aseg+DKT.stats", "aseg+DKT.VINN.stats")


@dataclass(frozen=True)
class MeasureNames:
    """The measures models know, and how versions spell them.

    Parameters
    ----------
    units
        Measure name, in the order of the training table, to ``mm``, ``mm3`` or ``count``.
    lookup
        Folded spelling to measure name.
    counts
        Measures of which zero is a value; elsewhere zero means missing.
    plausible
        Unit to the range beyond which a number must be in another unit or broken.
    revisions
        Revision of ``mri_segstats.c`` to FreeSurfer release.
    """

    units: dict[str, str]
    lookup: dict[str, str]
    counts: frozenset[str]
    plausible: dict[str, tuple[float, float]]
    revisions: dict[str, str]

    def find(self, spelling: str) -> str | None:
        """Measure name of any version's spelling, or None."""
        return self.lookup.get(fold(spelling))


def fold(name: str) -> str:
    """Spelling without what differs between FreeSurfer versions: case, ``_and_`` for ``&``."""
    return name.strip().lower().replace("_and_", "&")


@lru_cache(maxsize=1)
def measure_names() -> MeasureNames:
    """Load the name table of the package."""
    path = files("bids_brainage") / "data" / "freesurfer_names.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    lookup = {fold(alias): name for alias, name in content["aliases"].items()}
    lookup.update({fold(name): name for name in content["measures"]})
    return MeasureNames(
        units=content["measures"],
        lookup=lookup,
        counts=frozenset(content["zero_is_a_count"]),
        plausible={unit: (low, high) for unit, (low, high) in content["plausible"].items()},
        revisions=content["program_versions"],
    )


@dataclass
class _Reading:
    """What has been collected so far; the first usable source of a measure wins."""

    names: MeasureNames
    values: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def add(self, name: str, text: str, unit: str, place: Path) -> None:
        if name in self.values:
            return
        expected = self.names.units[name]
        if unit and unit != expected:
            self.notes.append(f"{name}: unit is '{unit}', not {expected} ({place.name})")
            return
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            self.notes.append(f"{name}: '{text}' is not a number ({place.name})")
            return
        if value == 0 and name not in self.names.counts:
            self.notes.append(f"{name}: zero means missing ({place.name})")
            return
        low, high = self.names.plausible[expected]
        if not low <= value <= high:
            self.notes.append(f"{name}: {text} {expected} is implausible ({place.name})")
            return
        self.values[name] = value


def read_morphometry(subject_dir: Path) -> Morphometry:
    """Read Destrieux thickness, subcortical and global volumes from ``stats``.

    Cortical parcellation: Destrieux et al. 2010, doi:10.1016/j.neuroimage.2010.06.010.
    Segmentation: Fischl et al. 2002, doi:10.1016/S0896-6273(02)00569-X.

    Parameters
    ----------
    subject_dir
        Folder of one participant (or session) that holds ``stats``.

    Returns
    -------
        A value for every measure that models know; NaN, and a note, where it is missing.

    Raises
    ------
    InputError
        If not one measure can be read.
    """
    names = measure_names()
    reading = _Reading(names)
    found: list[StatsFile] = []

    segmentation = _open_first(subject_dir, _SEGMENTATIONS, reading.notes, found)
    if segmentation:
        _take_volumes(segmentation, reading)
        _take_globals(segmentation, reading)
    if total := _open_first(subject_dir, ("brainvol.stats",), reading.notes, found, optional=True):
        _take_globals(total, reading)
    for hemisphere in HEMISPHERES:
        _take_hemisphere(subject_dir, hemisphere, reading, found)

    if not reading.values:
        raise InputError(
            "no measure can be read from the stats files",
            place=subject_dir / "stats",
            hint="check that recon-all ended without an error, or leave this participant out",
        )
    values = {name: reading.values.get(name, math.nan) for name in names.units}
    software, version = software_version(subject_dir, found, names.revisions)
    missing = [name for name, value in values.items() if math.isnan(value)]
    if missing:
        reading.notes.append(
            f"{len(missing)} of {len(values)} measures are missing: {_shorten(missing)}"
        )
    sources = tuple(str(file.path) for file in found)
    return Morphometry(values, software, version, tuple(reading.notes), sources)


def write_morphometry(
    path_tsv: Path, morphometry: Morphometry, sidecar_extra: Mapping[str, Any]
) -> Path:
    """Write the measures with units, and a JSON sidecar.

    Parameters
    ----------
    path_tsv
        Path of the table; the sidecar stands beside it.
    sidecar_extra
        Entries added to the sidecar, such as ``Sources`` as BIDS URIs.
    """
    units = measure_names().units
    rows = [
        {"measure": name, "value": float(value), "unit": units.get(name, "")}
        for name, value in morphometry.values.items()
    ]
    sidecar = {
        "Description": "Cortical thickness (Destrieux atlas) and volumes of the stats files",
        "measure": {"Description": "Name of the measure, spelled as in FreeSurfer 6 tables"},
        "value": {"Description": "Measured value; n/a where missing (zero means missing)"},
        "unit": {"Levels": {"mm": "millimetre", "mm3": "cubic millimetre", "count": "number"}},
        "Software": morphometry.software,
        "SoftwareVersion": morphometry.version,
        "Sources": [Path(source).name for source in morphometry.sources],
        "Notes": list(morphometry.notes),
        **sidecar_extra,
    }
    write_json(path_tsv.with_suffix(".json"), sidecar)
    return write_tsv(path_tsv, rows, ("measure", "value", "unit"))


def _open_first(
    subject_dir: Path,
    candidates: tuple[str, ...],
    notes: list[str],
    found: list[StatsFile],
    *,
    optional: bool = False,
) -> StatsFile | None:
    """First of the files that holds anything; what is wrong with others is noted."""
    problems = []
    for name in candidates:
        path = subject_dir / "stats" / name
        if not path.is_file():
            continue
        try:
            stats = read_stats(path)
        except OSError as error:
            problems.append(f"{name} cannot be read: {error.strerror}")
            continue
        if stats.broken:
            problems.append(f"{name}: {stats.broken} table rows cut off or without a header")
        if not stats.rows and not stats.measures:
            problems.append(f"{name} is empty or not a stats file")
            continue
        notes.extend(problems)
        found.append(stats)
        return stats
    if problems or not optional:
        notes.extend(problems or [f"{candidates[0]} is missing"])
    return None


def _take_volumes(stats: StatsFile, reading: _Reading) -> None:
    unit = stats.units.get("Volume_mm3", "")
    for structure, row in stats.rows.items():
        name = reading.names.find(structure)
        if name and "Volume_mm3" in row:
            reading.add(name, row["Volume_mm3"], unit, stats.path)


def _take_globals(stats: StatsFile, reading: _Reading) -> None:
    """Take the ``# Measure`` lines that models know; other totals stay unused."""
    for spelling, (text, unit) in stats.measures.items():
        name = reading.names.find(spelling)
        if name:
            reading.add(name, text, unit, stats.path)


def _take_hemisphere(
    subject_dir: Path, hemisphere: str, reading: _Reading, found: list[StatsFile]
) -> None:
    parcellation = f"{hemisphere}.aparc.a2009s.stats"
    stats = _open_first(subject_dir, (parcellation,), reading.notes, found)
    mean = f"{hemisphere}_MeanThickness_thickness"
    if stats:
        unit = stats.units.get("ThickAvg", "")
        for structure, row in stats.rows.items():
            name = reading.names.find(f"{hemisphere}_{structure}_thickness")
            if name and "ThickAvg" in row:
                reading.add(name, row["ThickAvg"], unit, stats.path)
        _take_globals(stats, reading)
        if _MEAN in stats.measures:
            reading.add(mean, *stats.measures[_MEAN], stats.path)
    if mean in reading.values:
        return
    others = (f"{hemisphere}.aparc.stats", f"{hemisphere}.aparc.DKTatlas.mapped.stats")
    other = _open_first(subject_dir, others, reading.notes, found, optional=True)
    if other and _MEAN in other.measures:
        reading.add(mean, *other.measures[_MEAN], other.path)


def _shorten(items: list[str], limit: int = 6) -> str:
    text = ", ".join(items[:limit])
    return text + (f" and {len(items) - limit} more" if len(items) > limit else "")
