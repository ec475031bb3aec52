"""The table of confounds, with fMRIPrep's column names and sidecar."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bids_brainage.preprocessing.confounds import MOTION, power_displacement
from bids_brainage.preprocessing.functional.compcor import Components, components, cosines
from bids_brainage.preprocessing.functional.noise import (
    NoiseMasks,
    dvars,
    noisiest,
    series_of,
)
from bids_brainage.preprocessing.tissues import thin_out

FD_OUTLIER_MM = 0.5
DVARS_OUTLIER = 1.5


@dataclass
class ConfoundColumns:
    """Columns of one run.

    Parameters
    ----------
    columns
        Name to one value per volume; NaN where undefined.
    metadata
        Content of the sidecar.
    notes
        What could not be computed.
    """

    columns: dict[str, np.ndarray] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def confound_columns(
    bold: np.ndarray,
    mask: np.ndarray,
    masks: NoiseMasks,
    motion: np.ndarray,
    rmsd: np.ndarray,
    first: int,
    repetition_time: float,
) -> ConfoundColumns:
    """Compute all confounds of a run.

    Parameters
    ----------
    bold
        4D, in standard space.
    mask
        Brain mask.
    motion
        Volumes x (mm, mm, mm, rad, rad, rad).
    rmsd
        Distance moved since the volume before, mm.
    first
        First steady volume.
    """
    table = ConfoundColumns()
    _add_means(table, bold, {"csf": masks.csf, "white_matter": masks.white_matter,
                             "global_signal": mask})  # fmt: skip
    plain, standard = dvars(bold, mask, first)
    displacement = power_displacement(motion)
    displacement[0] = np.nan
    table.columns |= {
        "std_dvars": standard,
        "dvars": plain,
        "framewise_displacement": displacement,
        "rmsd": rmsd,
    }
    _describe_artefacts(table)
    drift = cosines(bold.shape[3] - first, repetition_time)
    _add_compcor(table, bold, masks, drift, first)
    for index in range(drift.shape[1]):
        column = np.zeros(bold.shape[3])
        column[first:] = drift[:, index]
        table.columns[f"cosine{index:02d}"] = column
    _add_marked(table, "non_steady_state_outlier", np.arange(first), bold.shape[3])
    for name, values in zip(MOTION, motion.T, strict=True):
        _add_expanded(table, name, values)
    moving = np.nan_to_num(displacement) > FD_OUTLIER_MM
    changing = np.nan_to_num(standard) > DVARS_OUTLIER
    outliers = np.flatnonzero(moving | changing)
    _add_marked(table, "motion_outlier", outliers[outliers >= first], bold.shape[3])
    return table


def _add_means(table: ConfoundColumns, bold: np.ndarray, masks: dict[str, np.ndarray]) -> None:
    for name, mask in masks.items():
        if mask.any():
            _add_expanded(table, name, bold[mask].mean(axis=0, dtype=np.float64))
            table.metadata[name] = {
                "Description": "Mean signal of the mask in standard space",
                "NumberOfVoxels": int(mask.sum()),
            }
        else:
            table.notes.append(f"no voxel of pure {name.replace('_', ' ')}: its signal is missing")


def _add_expanded(table: ConfoundColumns, name: str, values: np.ndarray) -> None:
    """Add a column, its difference in time, and the squares of both."""
    change = np.append(np.nan, np.diff(values))
    table.columns |= {
        name: values,
        f"{name}_derivative1": change,
        f"{name}_power2": values**2,
        f"{name}_derivative1_power2": change**2,
    }


def _add_marked(table: ConfoundColumns, name: str, volumes: np.ndarray, n_volumes: int) -> None:
    """One column per marked volume, one there and zero elsewhere."""
    for index, volume in enumerate(volumes):
        column = np.zeros(n_volumes)
        column[volume] = 1
        table.columns[f"{name}{index:02d}"] = column


def _add_compcor(
    table: ConfoundColumns, bold: np.ndarray, masks: NoiseMasks, drift: np.ndarray, first: int
) -> None:
    """Temporal components, then anatomical ones of both tissues, of CSF, and of white matter."""
    temporal = noisiest(bold, masks.brain, drift, first)
    wanted = {
        "t_comp_cor_": ("tCompCor", "", temporal),
        "a_comp_cor_": ("aCompCor", "combined", masks.white_matter | masks.csf),
        "c_comp_cor_": ("aCompCor", "CSF", masks.csf),
        "w_comp_cor_": ("aCompCor", "WM", masks.white_matter),
    }
    for prefix, (method, mask_name, mask) in wanted.items():
        thin = np.zeros(mask.shape, dtype=bool)
        thin.ravel()[thin_out(mask)] = True
        found = components(series_of(bold, thin), drift, first) if thin.any() else None
        if found is None:
            table.notes.append(f"too few voxels for {method} {mask_name}".rstrip())
            continue
        for index in range(found.series.shape[1]):
            table.columns[f"{prefix}{index:02d}"] = found.series[:, index]
            table.metadata[f"{prefix}{index:02d}"] = _component(found, index, method, mask_name)


def _component(found: Components, index: int, method: str, mask: str) -> dict[str, Any]:
    entry = {
        "Method": method,
        "Retained": True,
        "SingularValue": float(found.singular_values[index]),
        "VarianceExplained": float(found.explained[index]),
        "CumulativeVarianceExplained": float(found.explained[: index + 1].sum()),
    }
    return {**entry, "Mask": mask} if mask else entry


def _describe_artefacts(table: ConfoundColumns) -> None:
    table.metadata |= {
        "framewise_displacement": {
            "Description": "Sum of absolute changes of the motion parameters, rotations on a "
            "sphere of 50 mm (Power et al. 2012)",
            "Units": "mm",
        },
        "rmsd": {
            "Description": "Root mean square displacement over a sphere of 80 mm since the volume "
            "before (Jenkinson et al. 2002)",
            "Units": "mm",
        },
        "dvars": {"Description": "Root mean square change of the brain, median scaled to 1000"},
        "std_dvars": {"Description": "dvars over its expectation (Nichols 2013)"},
        "motion_outlier": {
            "Description": f"framewise_displacement > {FD_OUTLIER_MM} mm or std_dvars > "
            f"{DVARS_OUTLIER}"
        },
    }
    frame = (
        "of the transform that brings the volume onto the reference, along the image axes, the "
        "first to the left, about the centre of the grid (FSL's convention)"
    )
    for name in MOTION:
        translation = name.startswith("trans")
        table.metadata[name] = {
            "Description": f"{'Translation' if translation else 'Rotation'} {frame}",
            "Units": "mm" if translation else "rad",
        }
