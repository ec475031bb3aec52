"""Figures of the functional part: connectome, glass brain, time-series carpet."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap

from bids_brainage.report import canvas
from bids_brainage.report.regions import Block, lobe_order

_LOBE_COLOURS = (
    "#3b6fb6",
    "#7a5aa6",
    "#2f9e8f",
    "#c4581a",
    "#5f8f2f",
    "#b03a5b",
    "#8a6d3b",
    "#4c7f99",
    "#a64ca6",
    "#6b7280",
    "#d08c1f",
    "#3f8f5f",
    "#9a4a3a",
    "#596fb0",
    "#777777",
)
CARPET_LIMIT = 2.0


def connectome(matrix: np.ndarray, regions: tuple[str, ...]) -> str:
    """Draw a correlation matrix with its regions ordered by lobe.

    Parameters
    ----------
    matrix
        Regions x regions Pearson correlations; NaN is drawn grey.

    Returns
    -------
    str
        SVG text.
    """
    order, blocks = lobe_order(regions)
    shown = np.array(matrix, dtype=float)[np.ix_(order, order)]
    with canvas.drawing(8.2, 6.6) as figure:
        axes = figure.add_subplot()
        axes.set_facecolor(canvas.MISSING)
        image = axes.imshow(
            np.ma.masked_invalid(shown), cmap="RdBu_r", vmin=-1, vmax=1, interpolation="nearest"
        )
        _frame_blocks(axes, blocks, len(order))
        bar = figure.colorbar(image, ax=axes, shrink=0.7, pad=0.02)
        bar.set_label("Pearson correlation")
        bar.outline.set_visible(False)
        return canvas.svg(figure)


def _frame_blocks(axes: Axes, blocks: list[Block], size: int) -> None:
    if not blocks:
        axes.set_xlabel(f"{size} regions in the order of the atlas")
        axes.set_ylabel("Regions")
        return
    middles = [(block.start + block.stop - 1) / 2 for block in blocks]
    names = [block.name for block in blocks]
    axes.set_yticks(middles, names)
    axes.set_xticks(middles, names, rotation=35, ha="right", rotation_mode="anchor")
    axes.tick_params(length=0)
    for block in blocks[1:]:
        axes.axhline(block.start - 0.5, color=canvas.INK, linewidth=0.6)
        axes.axvline(block.start - 0.5, color=canvas.INK, linewidth=0.6)


def strongest(matrix: np.ndarray, share: float = 0.02) -> float:
    """Absolute correlation that only a share of all connections exceeds."""
    strengths = np.abs(matrix[np.triu_indices_from(matrix, 1)])
    return float(np.nanquantile(strengths, 1 - share))


def glass_brain(
    matrix: np.ndarray, coordinates: np.ndarray, threshold: float, limit: float = 1.0
) -> str:
    """Draw the strongest connections in a glass brain.

    Parameters
    ----------
    coordinates
        Region centres in MNI space, regions x 3, mm; NaN rows are left out.
    threshold
        Absolute correlation from which a connection is drawn.
    limit
        Absolute value of the deepest colours.

    Returns
    -------
    str
        SVG text.
    """
    from nilearn import plotting

    usable = np.isfinite(coordinates).all(axis=1) & np.isfinite(matrix).any(axis=1)
    edges = np.nan_to_num(np.array(matrix, dtype=float)[np.ix_(usable, usable)])
    edges = (edges + edges.T) / 2
    np.fill_diagonal(edges, 0)
    with canvas.drawing(9.0, 3.4) as figure:
        figure.set_layout_engine("none")
        plotting.plot_connectome(
            edges,
            coordinates[usable],
            edge_threshold=threshold,
            edge_cmap="RdBu_r",
            edge_vmin=-limit,
            edge_vmax=limit,
            node_color=canvas.INK,
            node_size=7,
            edge_kwargs={"linewidth": 1.1},
            display_mode="lzr",
            colorbar=False,
            figure=figure,
        )
        return canvas.svg(figure)


def carpet(
    series: np.ndarray,
    regions: tuple[str, ...],
    kept: np.ndarray,
    n_volumes: int,
    displacement: np.ndarray | None = None,
    threshold: float | None = None,
    repetition_time: float | None = None,
) -> str:
    """Draw cleaned series as a carpet, below the framewise displacement where it is known.

    Parameters
    ----------
    series
        Kept volumes x regions; NaN where a region is missing.
    kept
        Position of each row of ``series`` in the run.
    n_volumes
        Volumes of the run.
    displacement
        Framewise displacement of every volume of the run, mm; NaN for the first.
    threshold
        Displacement above which volumes were censored, mm.
    repetition_time
        Seconds; None gives an axis in volumes.

    Returns
    -------
    str
        SVG text.
    """
    order, blocks = lobe_order(regions)
    rows = np.full((len(order), n_volumes), np.nan)
    rows[:, kept] = _standardise(series)[:, order].T
    censored = np.setdiff1d(np.arange(n_volumes), kept)
    step = repetition_time or 1.0
    extent = (0.0, n_volumes * step, len(order) - 0.5, -0.5)
    with canvas.drawing(9.6, 5.4 if displacement is not None else 4.2) as figure:
        layout = "T" if displacement is None else "FT"
        ratios = [1.0] if displacement is None else [1.0, 4.0]
        parts = figure.subplot_mosaic(
            [[part] for part in layout], sharex=True, height_ratios=ratios
        )
        axes = parts["T"]
        axes.set_facecolor(canvas.MISSING)
        image = axes.imshow(
            np.ma.masked_invalid(rows),
            cmap="gray",
            vmin=-CARPET_LIMIT,
            vmax=CARPET_LIMIT,
            aspect="auto",
            interpolation="nearest",
            extent=extent,
        )
        for volume in censored:
            axes.axvspan(volume * step, (volume + 1) * step, color=canvas.CENSORED, linewidth=0)
        _colour_lobes(axes, blocks, len(order))
        axes.set_xlabel("Time (s)" if repetition_time else "Volume")
        bar = figure.colorbar(image, ax=axes, pad=0.01, aspect=30)
        bar.set_label("Signal (z)")
        bar.outline.set_visible(False)
        if displacement is not None:
            _displacement(parts["F"], displacement, step, censored, threshold)
        return canvas.svg(figure)


def _standardise(series: np.ndarray) -> np.ndarray:
    centred = series - series.mean(axis=0)
    spread = series.std(axis=0)
    spread[~(spread > 0)] = np.nan
    return centred / spread


def _colour_lobes(axes: Axes, blocks: list[Block], size: int) -> None:
    if not blocks:
        axes.set_yticks([])
        axes.set_ylabel(f"{size} regions")
        return
    strip = axes.inset_axes((-0.016, 0.0, 0.011, 1.0))
    codes = np.concatenate([np.full(b.stop - b.start, i) for i, b in enumerate(blocks)])
    strip.imshow(
        codes[:, None],
        cmap=ListedColormap(_LOBE_COLOURS[: len(blocks)]),
        vmin=-0.5,
        vmax=len(blocks) - 0.5,
        aspect="auto",
        interpolation="nearest",
    )
    strip.set_yticks([(b.start + b.stop - 1) / 2 for b in blocks], [b.name for b in blocks])
    strip.set_xticks([])
    strip.tick_params(length=0)
    strip.spines[:].set_visible(False)
    axes.set_yticks([])
    for block in blocks[1:]:
        axes.axhline(block.start - 0.5, color="white", linewidth=0.8)


def _displacement(
    axes: Axes,
    displacement: np.ndarray,
    step: float,
    censored: np.ndarray,
    threshold: float | None,
) -> None:
    times = (np.arange(len(displacement)) + 0.5) * step
    for volume in censored:
        axes.axvspan(
            volume * step, (volume + 1) * step, color=canvas.CENSORED, alpha=0.25, linewidth=0
        )
    axes.plot(times, displacement, color=canvas.ACCENT, linewidth=0.9)
    if threshold is not None:
        axes.axhline(threshold, color=canvas.CENSORED, linewidth=0.8, linestyle="--")
    finite = displacement[np.isfinite(displacement)]
    top = max(float(finite.max()) if finite.size else 0.0, threshold or 0.0, 0.2)
    axes.set_ylim(0, top * 1.1)
    axes.set_ylabel("FD (mm)")
    axes.grid(axis="y")
    axes.tick_params(labelbottom=False)
    canvas.bare(axes)
