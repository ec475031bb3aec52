"""fMRIPrep's confounds table, with the column names of version 1.0 and of later ones."""

import csv
import io
import json
import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from bids_brainage.errors import InputError

MOTION = ("trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z")
HEAD_RADIUS_MM = 50.0
_OLD_NAMES = {
    "X": "trans_x",
    "Y": "trans_y",
    "Z": "trans_z",
    "RotX": "rot_x",
    "RotY": "rot_y",
    "RotZ": "rot_z",
    "CSF": "csf",
    "WhiteMatter": "white_matter",
    "GlobalSignal": "global_signal",
    "FramewiseDisplacement": "framewise_displacement",
    "stdDVARS": "std_dvars",
    "non-stdDVARS": "dvars",
}
_OLD_NUMBERED = {
    "aCompCor": "a_comp_cor_",
    "tCompCor": "t_comp_cor_",
    "Cosine": "cosine",
    "NonSteadyStateOutlier": "non_steady_state_outlier",
}


@dataclass(frozen=True)
class ConfoundsTable:
    """Columns of one run under their newer names.

    Parameters
    ----------
    columns
        Name to values, one per volume; NaN where the file says n/a.
    path
        The file, for messages.
    masks
        Component name to tissue mask (``combined``, ``CSF``, ``WM``), from the JSON beside it.
    notes
        What was renamed or filled.
    """

    columns: dict[str, np.ndarray]
    path: Path
    masks: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def has(self, *names: str) -> bool:
        """Whether all these columns are there."""
        return all(name in self.columns for name in names)

    def get(self, name: str) -> np.ndarray:
        """Column without missing values: the first value of a difference becomes zero.

        Raises
        ------
        InputError
            If the column is absent, empty, or has gaps elsewhere.
        """
        if name not in self.columns:
            raise InputError(
                f"no column '{name}'",
                place=self.path,
                hint="choose another --denoising preset, or run a newer fMRIPrep",
            )
        values = self.columns[name]
        missing = np.flatnonzero(~np.isfinite(values))
        if len(missing) == len(values):
            raise InputError(
                f"column '{name}' has no value at all",
                place=self.path,
                hint="choose another --denoising preset, or run fMRIPrep again",
            )
        if np.any(missing > 0) or (len(missing) and not _is_difference(name)):
            raise InputError(
                f"column '{name}' has {len(missing)} missing values, one of them in line "
                f"{int(missing[-1]) + 2}",
                place=self.path,
                hint="run fMRIPrep again for this run",
            )
        return np.where(np.isfinite(values), values, 0.0)

    def motion(self) -> np.ndarray:
        """Six rigid-body parameters, volumes x (mm, mm, mm, rad, rad, rad).

        Raises
        ------
        InputError
            If one is absent or not one of them varies.
        """
        values = np.column_stack([self.get(name) for name in MOTION])
        if np.all(np.ptp(values, axis=0) == 0):
            raise InputError(
                "all six motion parameters are constant",
                place=self.path,
                hint="motion was not estimated: run fMRIPrep again for this run",
            )
        return values

    def framewise_displacement(self) -> np.ndarray:
        """Framewise displacement in mm, zero for the first volume (Power et al. 2012).

        doi:10.1016/j.neuroimage.2011.10.018
        """
        if (
            self.has("framewise_displacement")
            and np.isfinite(self.columns["framewise_displacement"]).any()
        ):
            return self.get("framewise_displacement")
        return power_displacement(self.motion())

    def non_steady_state(self) -> list[int]:
        """Volumes marked as taken before the steady state."""
        marked = [
            values
            for name, values in self.columns.items()
            if name.startswith("non_steady_state_outlier")
        ]
        if not marked:
            return []
        return np.flatnonzero(np.nansum(marked, axis=0) > 0).tolist()

    def components(self, mask: str) -> list[str]:
        """Anatomical CompCor columns of a mask, those that explain most first.

        Parameters
        ----------
        mask
            ``combined``, ``white_matter`` or ``csf``.
        """
        prefix = {"white_matter": "w_comp_cor_", "csf": "c_comp_cor_"}.get(mask)
        if prefix and (own := self._numbered(prefix)):
            return own
        stated = {"combined": "combined", "white_matter": "WM", "csf": "CSF"}[mask]
        names = self._numbered("a_comp_cor_")
        if any(name in self.masks for name in names):
            return [name for name in names if self.masks.get(name) == stated]
        # Without the JSON: combined components come first in every version.
        return names if mask == "combined" else []

    def cosines(self) -> list[str]:
        """Columns of the discrete cosine basis."""
        return self._numbered("cosine")

    def _numbered(self, prefix: str) -> list[str]:
        found = [name for name in self.columns if re.fullmatch(re.escape(prefix) + r"\d+", name)]
        return sorted(found, key=lambda name: int(name.removeprefix(prefix)))


def power_displacement(motion: np.ndarray) -> np.ndarray:
    """Framewise displacement of six motion parameters.

    Parameters
    ----------
    motion
        Volumes x (3 translations in mm, 3 rotations in rad).

    Returns
    -------
        Sum of absolute changes in mm on a sphere of 50 mm; zero for the first volume.
    """
    change = np.abs(np.diff(motion, axis=0, prepend=motion[:1]))
    change[:, 3:] *= HEAD_RADIUS_MM
    return change.sum(axis=1)


def read_confounds(path: Path, n_volumes: int) -> ConfoundsTable:
    """Read a confounds table.

    Parameters
    ----------
    n_volumes
        Volumes of the BOLD run it must belong to.

    Raises
    ------
    InputError
        If it cannot be read or does not have one row per volume.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        _check_width(text)
        table = pd.read_csv(io.StringIO(text), sep="\t", na_values=["n/a"], low_memory=False,
                            index_col=False, quoting=csv.QUOTE_NONE)  # fmt: skip
    except (OSError, ValueError) as error:
        raise InputError(
            f"the confounds table cannot be read: {error}",
            place=path,
            hint="run fMRIPrep again for this run",
        ) from error
    if len(table) != n_volumes:
        raise InputError(
            f"{len(table)} rows of confounds for {n_volumes} volumes",
            place=path,
            hint="give the confounds that belong to this BOLD run",
        )
    columns: dict[str, np.ndarray] = {}
    old = 0
    for original in table.columns:
        name = _new_name(str(original))
        old += name != original
        if name not in columns:
            values = pd.to_numeric(table[original], errors="coerce")
            columns[name] = values.to_numpy(dtype=np.float64)
    notes = (f"{old} columns have the names of fMRIPrep 1.0",) if old else ()
    return ConfoundsTable(columns, path, _component_masks(path), notes)


def _check_width(text: str) -> None:
    """Refuse rows longer than the header: it is not clear which cell belongs to which column."""
    widths = [line.rstrip().count("\t") for line in text.splitlines() if line.strip()]
    longer = [number for number, width in enumerate(widths, start=1) if width > widths[0]]
    if longer:
        raise ValueError(f"line {longer[0]} has more cells than the header")


def _is_difference(name: str) -> bool:
    """Whether a column is a change between volumes, which the first volume does not have."""
    return "derivative" in name or name in ("framewise_displacement", "dvars", "std_dvars", "rmsd")


def _new_name(name: str) -> str:
    if name in _OLD_NAMES:
        return _OLD_NAMES[name]
    match = re.fullmatch(r"([A-Za-z]+?)(\d+)", name)
    if match and match.group(1) in _OLD_NUMBERED:
        return _OLD_NUMBERED[match.group(1)] + match.group(2)
    return name


def _component_masks(path: Path) -> dict[str, str]:
    """Tissue mask of each component; a broken JSON beside the table is as good as none."""
    sidecar = path.with_suffix(".json")
    try:
        content = json.loads(sidecar.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(content, dict):
        return {}
    return {
        name: str(entry["Mask"])
        for name, entry in content.items()
        if isinstance(entry, dict) and "Mask" in entry
    }
