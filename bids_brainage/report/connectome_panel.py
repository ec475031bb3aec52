"""The connectome's matrix and its strongest connections."""

import logging
from pathlib import Path

import numpy as np

from bids_brainage.report import figures
from bids_brainage.report.pages import decimals
from bids_brainage.report.panel import Panel, save_figure
from bids_brainage.report.reading import NumericTable, SessionDerivatives, number

logger = logging.getLogger(__name__)


def connectome_panels(
    output_dir: Path, folder: Path, table: NumericTable, session: SessionDerivatives
) -> list[Panel]:
    """Draw a connectivity matrix, and its strongest edges where region centres are known.

    Raises
    ------
    OutputError
        If a figure cannot be written.
    """
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
    coordinates = region_centres(table, session)
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


def region_centres(table: NumericTable, session: SessionDerivatives) -> np.ndarray | None:
    """Places of a table's regions in MNI space, regions x 3, mm; None where few are known."""
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
