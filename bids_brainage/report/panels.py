"""Draw one session's figures into ``sub-X/figures`` and say what each shows."""

import logging
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bids_brainage.report import figures
from bids_brainage.report.carpet_panel import carpet_panel
from bids_brainage.report.morphometry_figure import morphometry
from bids_brainage.report.pages import decimals, percent
from bids_brainage.report.panel import Panel, save_figure
from bids_brainage.report.reading import NumericTable, SessionDerivatives, number

logger = logging.getLogger(__name__)

KINDS = ("connectome", "glassbrain", "carpet", "morphometry")
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
class SessionPanels:
    """Figures and tables of one session; empty where there is nothing to show.

    Parameters
    ----------
    volumes
        Rows of name, left and right or single volume in cm3.
    """

    connectivity: list[Panel] = field(default_factory=list)
    carpets: list[Panel] = field(default_factory=list)
    morphometry: list[Panel] = field(default_factory=list)
    volumes: list[tuple[str, str, str]] = field(default_factory=list)
    thickness: list[tuple[str, str]] = field(default_factory=list)


def draw_session(output_dir: Path, session: SessionDerivatives) -> SessionPanels:
    """Draw everything a session has.

    Raises
    ------
    OutputError
        If a figure cannot be written.
    """
    folder = output_dir / session.key.participant_id / "figures"
    panels = SessionPanels()
    for table in session.connectivity:
        panels.connectivity.extend(_connectivity(output_dir, folder, table, session))
    for table in (t for t in session.timeseries if len(t.values)):
        panels.carpets.append(carpet_panel(output_dir, folder, table, session))
    if session.morphometry:
        _morphometry(output_dir, folder, session, panels)
    return panels


def remove_stale(output_dir: Path, participant_id: str, kept: set[str]) -> None:
    """Remove figures of earlier reports whose source is gone."""
    folder = output_dir / participant_id / "figures"
    for kind in KINDS:
        for path in folder.glob(f"{participant_id}*_desc-{kind}_*.svg"):
            if path.relative_to(output_dir).as_posix() not in kept:
                path.unlink(missing_ok=True)


def _connectivity(
    output_dir: Path, folder: Path, table: NumericTable, session: SessionDerivatives
) -> list[Panel]:
    matrix = table.values
    if matrix.shape[0] != matrix.shape[1]:
        logger.warning("%s is not square and is left out of the report", table.path)
        return []
    stem = table.stem.replace("_desc-denoised", "")
    pairs = matrix[np.triu_indices_from(matrix, 1)]
    missing = [
        region.replace("_", " ")
        for region, row in zip(table.regions, matrix, strict=True)
        if np.isnan(row).all()
    ]
    finite = pairs[np.isfinite(pairs)]
    mean = float(finite.mean()) if finite.size else float("nan")
    caption = (
        f"{len(table.regions)} regions, by lobe, left before right within each; "
        f"mean correlation {decimals(mean)}."
    )
    if missing:
        caption += f" Missing (grey): {', '.join(missing[:8])}"
        caption += f" and {len(missing) - 8} more." if len(missing) > 8 else "."
    source = save_figure(
        output_dir,
        folder,
        f"{stem}_desc-connectome_relmat.svg",
        figures.connectome(matrix, table.regions),
    )
    alt = (
        f"Matrix of correlations between {len(table.regions)} brain regions, blue for -1, white "
        f"for 0, red for 1; mean {decimals(mean)}; {len(missing)} regions missing."
    )
    panels = [Panel(source, "Connectome", alt, caption)]
    coordinates = _coordinates(table, session)
    if coordinates is not None and np.count_nonzero(finite) > 50:
        threshold = figures.strongest(matrix)
        source = save_figure(
            output_dir,
            folder,
            f"{stem}_desc-glassbrain_relmat.svg",
            figures.glass_brain(matrix, coordinates, threshold),
        )
        caption = (
            f"The 2 % strongest connections, from {decimals(threshold)} either way; "
            "colours as in the matrix."
        )
        alt = "Glass brain from the left, above and the right with the strongest connections."
        panels.append(Panel(source, "Strongest connections", alt, caption))
    return panels


def _coordinates(table: NumericTable, session: SessionDerivatives) -> np.ndarray | None:
    for other in (table, *session.timeseries):
        centres = other.sidecar.get("RegionCentroids")
        if isinstance(centres, dict):
            places = np.full((len(table.regions), 3), np.nan)
            for i, name in enumerate(table.regions):
                place = centres.get(name)
                if isinstance(place, list) and len(place) == 3:
                    places[i] = [number(v) for v in place]
            if np.isfinite(places).all(axis=1).sum() > 10:
                return places
    return None


def _morphometry(
    output_dir: Path, folder: Path, session: SessionDerivatives, panels: SessionPanels
) -> None:
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
        panels.thickness.append(
            (
                f"Mean thickness, {name} (mm)",
                decimals(values.get(mean, float("nan"))),
            )
        )
        if regional:
            share = f"{found.size} of {len(regional)}"
            panels.thickness.append((f"Regions measured, {name}", share))
    paired = {
        name: (_cm3(values, f"Left-{key}"), _cm3(values, f"Right-{key}"))
        for name, key in _PAIRED.items()
    }
    for name, key in _SINGLE.items():
        panels.volumes.append((name, decimals(_cm3(values, key), 1), ""))
    for name, (left, right) in paired.items():
        panels.volumes.append((name, decimals(left), decimals(right)))
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
    panels.morphometry.append(Panel(source, "Morphometry", alt, caption))


def _cm3(values: dict[str, float], measure: str) -> float:
    return values.get(measure, float("nan")) / 1000
