"""Head motion of a run and its signal before cleaning, voxel by voxel."""

from pathlib import Path

import nibabel as nib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bids_brainage.preprocessing.confounds import MOTION
from bids_brainage.preprocessing.images import open_nifti
from bids_brainage.report import canvas
from bids_brainage.report.pages import decimals, percent
from bids_brainage.report.panel import Panel, save_figure
from bids_brainage.report.reading_images import Files, load_series, load_volume

LIMIT_MM = 0.5
CARPET_LIMIT = 2.0
MAX_VALUES = 600_000_000
_SHOWN = {"GM": (1, 260), "WM": (2, 110), "CSF": (3, 60)}
_TISSUE_COLOURS = {"GM": "#6f8f7d", "WM": "#c9d3da", "CSF": "#7fb2d6"}
_AXES = ("#0b6a88", "#c4581a", "#5f8f2f")


def motion_panels(
    output_dir: Path, folder: Path, stem: str, run: Files, anatomy: Files | None
) -> list[Panel]:
    """Draw motion parameters, displacement and DVARS above a carpet of the run's voxels.

    Power 2017, doi:10.1016/j.neuroimage.2016.08.009.

    Raises
    ------
    InputError
        If the confounds or an image are damaged.
    OutputError
        If the figure cannot be written.
    """
    if "confounds" not in run.paths:
        return []
    columns = run.columns()
    carpet = _carpet(run, anatomy)
    step = _seconds(run)
    displacement = columns.get("framewise_displacement", np.empty(0))
    known = displacement[np.isfinite(displacement)]
    source = save_figure(
        output_dir,
        folder,
        f"{stem}_{run.label}_desc-motion_bold.svg",
        _draw(columns, carpet, step),
    )
    caption = (
        f"Head motion of {len(displacement)} volumes: mean framewise displacement (FD) "
        f"{_mean(known)} mm, {percent(float((known > LIMIT_MM).mean())) if known.size else 'n/a'} "
        f"above {LIMIT_MM} mm (dashed). DVARS is the change of the whole brain's signal, 1 for "
        "noise alone."
    )
    if carpet:
        caption += (
            " Below, the preprocessed signal of single voxels before cleaning: dark and bright "
            "columns that go through all tissues and stand below peaks of FD are motion."
        )
    alt = f"Head motion over {len(displacement)} volumes; mean displacement {_mean(known)} mm."
    return [Panel(source, run.label, alt, caption)]


def _draw(columns: dict[str, np.ndarray], carpet: dict[str, np.ndarray], step: float) -> str:
    rows = [name for name in ("FD", "DVARS") if _COLUMNS[name] in columns]
    if all(name in columns for name in MOTION):
        rows += ["shift", "turn"]
    rows += ["carpet"] if carpet else []
    ratios = [3.4 if name == "carpet" else 1.0 for name in rows]
    length = max((len(values) for values in columns.values()), default=0)
    with canvas.drawing(9.6, 0.5 + 0.95 * sum(ratios)) as figure:
        parts = figure.subplot_mosaic([[r] for r in rows], sharex=True, height_ratios=ratios)
        times = (np.arange(length) + 0.5) * (step or 1.0)
        for name, axes in parts.items():
            if name == "carpet":
                _draw_carpet(figure, axes, carpet, (0.0, length * (step or 1.0)))
            elif name in _COLUMNS:
                _line(axes, name, times, columns[_COLUMNS[name]])
            else:
                _parameters(axes, name, times, columns)
        last = parts[rows[-1]]
        last.set_xlabel("Time (s)" if step else "Volume")
        last.set_xlim(0, max(length * (step or 1.0), 1e-6))
        return canvas.svg(figure)


_COLUMNS = {"FD": "framewise_displacement", "DVARS": "std_dvars"}


def _line(axes: Axes, name: str, times: np.ndarray, values: np.ndarray) -> None:
    axes.plot(times, values, color=canvas.ACCENT, linewidth=0.9)
    axes.set_ylabel("FD (mm)" if name == "FD" else "DVARS\n(std.)")
    if name == "FD":
        axes.axhline(LIMIT_MM, color=canvas.CENSORED, linewidth=0.8, linestyle="--")
        known = values[np.isfinite(values)]
        axes.set_ylim(0, max(float(known.max(initial=0)), LIMIT_MM) * 1.1)
    axes.grid(axis="y")
    canvas.bare(axes)


def _parameters(axes: Axes, name: str, times: np.ndarray, columns: dict[str, np.ndarray]) -> None:
    prefix, factor, unit = ("trans", 1.0, "mm") if name == "shift" else ("rot", 57.29578, "°")
    for axis, colour in zip("xyz", _AXES, strict=True):
        values = columns[f"{prefix}_{axis}"] * factor
        axes.plot(times, values, color=colour, linewidth=0.9, label=axis)
    axes.set_ylabel(f"{'Shift' if name == 'shift' else 'Turn'} ({unit})")
    axes.grid(axis="y")
    canvas.bare(axes)
    axes.legend(
        frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5), handlelength=1.2
    )


def _draw_carpet(
    figure: Figure, axes: Axes, carpet: dict[str, np.ndarray], span: tuple[float, float]
) -> None:
    values = np.concatenate(list(carpet.values()))
    image = axes.imshow(
        values,
        cmap="gray",
        vmin=-CARPET_LIMIT,
        vmax=CARPET_LIMIT,
        aspect="auto",
        interpolation="nearest",
        extent=(*span, len(values) - 0.5, -0.5),
    )
    middles, start = [], 0.0
    for name, part in carpet.items():
        axes.axhspan(start - 0.5, start + len(part) - 0.5, xmin=-0.012, xmax=-0.003,
                     color=_TISSUE_COLOURS[name], clip_on=False, linewidth=0)  # fmt: skip
        middles.append(start + len(part) / 2)
        start += len(part)
        axes.axhline(start - 0.5, color="white", linewidth=1)
    axes.set_yticks(middles, list(carpet))
    axes.tick_params(axis="y", length=0, pad=9)
    bar = figure.colorbar(image, ax=axes, pad=0.01, aspect=30, shrink=0.9)
    bar.set_label("Signal (z)")
    bar.outline.set_visible(False)


def _carpet(run: Files, anatomy: Files | None) -> dict[str, np.ndarray]:
    """Standardised series of some voxels of each tissue; empty without images."""
    tissues = anatomy.volume("standard_tissues") if anatomy else None
    if tissues is None or not {"bold", "mask"} <= set(run.paths):
        return {}
    grid = open_nifti(run.paths["bold"], "BOLD", "run the session again")
    if float(np.prod(grid.shape)) > MAX_VALUES:
        return {}
    mask = load_volume(run.paths["mask"])
    places = mask.points
    kinds = {name: tissues.equals(number).sample(places) > 0.9 for name, (number, _) in
             _SHOWN.items()}  # fmt: skip
    chosen = {name: _thinned(places[kind], _SHOWN[name][1]) for name, kind in kinds.items()}
    chosen = {name: points for name, points in chosen.items() if len(points)}
    if not chosen:
        return {}
    points = np.concatenate(list(chosen.values()))
    voxels = np.rint(nib.affines.apply_affine(np.linalg.inv(grid.affine), points)).astype(int)
    series = _standardise(load_series(run.paths["bold"], voxels).astype(np.float64))
    ends = np.cumsum([len(part) for part in chosen.values()])[:-1]
    return dict(zip(chosen, np.split(series, ends), strict=True))


def _thinned(points: np.ndarray, most: int) -> np.ndarray:
    """At most so many points, evenly taken."""
    return points[np.unique(np.linspace(0, len(points) - 1, min(most, len(points))).astype(int))]


def _standardise(series: np.ndarray) -> np.ndarray:
    """Take out mean and straight line, in units of the standard deviation."""
    time = np.linspace(-1, 1, series.shape[1])
    design = np.stack([np.ones_like(time), time], axis=1)
    rest = series - (design @ np.linalg.lstsq(design, series.T, rcond=None)[0]).T
    spread = rest.std(axis=1, keepdims=True)
    return np.divide(rest, spread, out=np.zeros_like(rest), where=spread > 0)


def _seconds(run: Files) -> float:
    """Repetition time in s; 0 where it is not recorded."""
    try:
        value = float(run.sidecars.get("bold", {}).get("RepetitionTime", 0))
    except (TypeError, ValueError):
        return 0.0
    return value if 0 < value < 100 else 0.0


def _mean(values: np.ndarray) -> str:
    return decimals(float(values.mean())) if values.size else "n/a"
