"""Figures without global state: same look, same bytes for the same data, no text of the user."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from PIL import Image

INK = "#1d2a35"
MUTED = "#5b6b78"
GRID = "#d9e0e6"
ACCENT = "#0b6a88"
SECOND = "#c4581a"
MISSING = "#b9c0c7"
CENSORED = "#d64545"
PICTURE_BYTES = 390_000

_STYLE = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.linewidth": 0.8,
    "axes.unicode_minus": True,
    "text.color": INK,
    "text.usetex": False,
    "text.parse_math": False,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "figure.facecolor": "white",
    "svg.fonttype": "path",
    "svg.hashsalt": "bids_brainage",
    "svg.image_inline": True,
}


@contextmanager
def drawing(width: float, height: float) -> Iterator[Figure]:
    """Give an empty figure in the style of the reports.

    Parameters
    ----------
    width, height
        Size in inches.
    """
    with rc_context(_STYLE):  # type: ignore[arg-type]
        figure = Figure(figsize=(width, height), dpi=140, layout="constrained")
        FigureCanvasAgg(figure)
        yield figure


def svg(figure: Figure) -> str:
    """SVG text of a figure, without a date."""
    text = io.StringIO()
    # The same bytes as by savefig, which would draw everything twice.
    FigureCanvasSVG(figure).print_svg(text, metadata={"Date": None, "Creator": None})
    return text.getvalue()


def bare(axes: Axes) -> None:
    """Remove the frame's upper and right side."""
    axes.spines[["top", "right"]].set_visible(False)


def png(figure: Figure) -> bytes:
    """PNG of a figure with a limited palette, a third of the size of full colour.

    A noisy picture gets fewer colours, so that its file stays small.
    """
    agg = cast(FigureCanvasAgg, figure.canvas)
    agg.draw()
    picture = Image.fromarray(np.asarray(agg.buffer_rgba())[..., :3])
    data = b""
    for colours in (160, 64, 32):
        file = io.BytesIO()
        picture.quantize(colours, dither=Image.Dither.NONE).save(file, format="PNG", optimize=True)
        data = file.getvalue()
        if len(data) < PICTURE_BYTES:
            break
    return data
