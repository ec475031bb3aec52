import io

import numpy as np

from bids_brainage.report import canvas


def test_svg_has_the_bytes_that_savefig_gives():
    with canvas.drawing(4, 3) as figure:
        axes = figure.add_subplot()
        axes.hist(np.arange(20.0), label="ages")
        axes.scatter(np.arange(5), np.arange(5), rasterized=True)
        axes.legend()
        once = canvas.svg(figure)
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    assert once == text.getvalue()
