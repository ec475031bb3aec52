"""What the figures of generative models share: colours, text, grids."""

from matplotlib.axes import Axes

from bids_brainage.report import canvas

PURPLE = "#75539b"
PER_ROW = 3
NAME = 34


def printable(text: str, longest: int = NAME) -> str:
    """Give text in letters that the font has, and not longer than its place."""
    shown = text.encode("latin-1", "replace").decode("latin-1")
    shown = "".join(c if c.isprintable() else " " for c in shown)
    return shown if len(shown) <= longest else f"{shown[: longest - 1]}\N{HORIZONTAL ELLIPSIS}"


def tidy(axes: Axes, grid: str) -> None:
    """Draw a grid behind along ``x``, ``y`` or ``both``, and no frame above and right."""
    axes.grid(axis=grid)  # type: ignore[arg-type]
    axes.set_axisbelow(True)
    canvas.bare(axes)
