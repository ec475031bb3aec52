"""What the figures of generative models share: colours, text, grids."""

from matplotlib.axes import Axes

from bids_brainage.report import canvas

PURPLE = "#75539b"
PER_ROW = 3
NAME = 34
_CUT = "\N{HORIZONTAL ELLIPSIS}"
_MORE = f"{_CUT}\N{EN DASH}\N{MINUS SIGN}\N{SUPERSCRIPT THREE}"


def printable(text: str, longest: int = NAME) -> str:
    """Give text in letters that the font has, and not longer than its place."""
    known = (c if ord(c) < 256 or c in _MORE else "?" for c in text)
    shown = "".join(c if c.isprintable() else " " for c in known)
    return shown if len(shown) <= longest else f"{shown[: longest - 1]}{_CUT}"


def tidy(axes: Axes, grid: str) -> None:
    """Draw a grid behind along ``x``, ``y`` or ``both``, and no frame above and right."""
    axes.grid(axis=grid)  # type: ignore[arg-type]
    axes.set_axisbelow(True)
    canvas.bare(axes)
