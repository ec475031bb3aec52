"""FreeSurfer's morphometry as a figure and a table."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bids_brainage.report.morphometry_figure import morphometry
from bids_brainage.report.pages import decimals, percent
from bids_brainage.report.panel import Panel, save_figure
from bids_brainage.report.reading import SessionDerivatives, number

_PAIRED = {
    "Lateral ventricle": "Lateral-Ventricle",
    "Thalamus": "Thalamus-Proper",
    "Putamen": "Putamen",
    "Hippocampus": "Hippocampus",
    "Caudate": "Caudate",
    "Pallidum": "Pallidum",
    "Amygdala": "Amygdala",
    "Accumbens": "Accumbens-area",
}
_SINGLE = {
    "Intracranial volume (estimated)": "EstimatedTotalIntraCranialVol",
    "Brain without ventricles": "BrainSegVolNotVent",
    "Cortical grey matter": "CortexVol",
    "Cerebral white matter": "CerebralWhiteMatterVol",
    "Subcortical grey matter": "SubCortGrayVol",
    "Brain stem": "Brain-Stem",
    "White matter hypointensities": "WM-hypointensities",
}


@dataclass(frozen=True)
class MorphometryPanel:
    """Figure and rows of one session.

    Parameters
    ----------
    volumes
        Rows of name, left and right or single volume in cm3.
    thickness
        Rows of name and text.
    """

    panel: Panel
    volumes: list[tuple[str, str, str]]
    thickness: list[tuple[str, str]]


def morphometry_panel(
    output_dir: Path, folder: Path, session: SessionDerivatives
) -> MorphometryPanel:
    """Draw FreeSurfer's measures and list the global ones.

    Raises
    ------
    OutputError
        If a figure cannot be written.
    """
    thickness: list[tuple[str, str]] = []
    volumes: list[tuple[str, str, str]] = []
    values = {row.get("measure", ""): number(row.get("value")) for row in session.morphometry}
    sides = []
    for side, name in (("lh", "left"), ("rh", "right")):
        mean = f"{side}_MeanThickness_thickness"
        regional = [
            v
            for k, v in values.items()
            if k.startswith(f"{side}_") and k.endswith("_thickness") and k != mean
        ]
        found = np.array([v for v in regional if np.isfinite(v)])
        sides.append(found)
        thickness.append(
            (
                f"Mean thickness, {name} (mm)",
                decimals(values.get(mean, float("nan"))),
            )
        )
        if regional:
            share = f"{found.size} of {len(regional)}"
            thickness.append((f"Regions measured, {name}", share))
    paired = {
        name: (_cm3(values, f"Left-{key}"), _cm3(values, f"Right-{key}"))
        for name, key in _PAIRED.items()
    }
    for name, key in _SINGLE.items():
        volumes.append((name, decimals(_cm3(values, key), 1), ""))
    for name, (left, right) in paired.items():
        volumes.append((name, decimals(left), decimals(right)))
    missing = sum(1 for v in values.values() if not np.isfinite(v))
    source = save_figure(
        output_dir,
        folder,
        f"{session.key.stem}_desc-morphometry_morph.svg",
        morphometry((sides[0], sides[1]), paired),
    )
    caption = f"{len(values) - missing} of {len(values)} measures found"
    caption += f" ({percent(missing / len(values))} missing)." if missing else "."
    alt = (
        f"Histogram of cortical thickness of {sides[0].size} left and {sides[1].size} right "
        "regions, and left and right volumes of deep structures, also listed in the table."
    )
    panel = Panel(source, "Morphometry", alt, caption)
    return MorphometryPanel(panel, volumes, thickness)


def _cm3(values: dict[str, float], measure: str) -> float:
    return values.get(measure, float("nan")) / 1000
