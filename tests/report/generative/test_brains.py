import io

import numpy as np
import pytest
from PIL import Image

from bids_brainage.report.canvas import PICTURE_BYTES
from bids_brainage.report.generative.brains import WIDTH, Brain, generated, mean_brains

DPI = 140
SHAPE = (29, 35, 29)


@pytest.fixture
def volume():
    x, y, z = np.ogrid[tuple(slice(-1, 1, n * 1j) for n in SHAPE)]
    return (x**2 + y**2 + z**2 < 0.6) * (1.0 + 0.3 * x)


def pixels(picture):
    return np.asarray(Image.open(io.BytesIO(picture)).convert("RGB")).astype(int)


def grid(volume, rows, columns, **more):
    return [
        Brain(volume, f"row {r}, {c}", r, c, **more) for r in range(rows) for c in range(columns)
    ]


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (2, 3), (9, 5)])
def test_pictures_of_any_number_of_brains_fit_a_page(volume, rows, columns):
    picture = mean_brains(grid(volume, rows, columns))
    assert picture == mean_brains(grid(volume, rows, columns))
    assert len(picture) < PICTURE_BYTES
    assert pixels(picture).shape[1] <= WIDTH * DPI + 1


def test_brains_are_grey_and_differences_coloured_with_a_scale(volume):
    grey = pixels(mean_brains(grid(volume, 1, 2)))
    assert np.ptp(grey, axis=2).max() < 12
    both = [*grid(volume, 1, 2), Brain(volume * 0.1, "women minus men", 0, 2, difference=True)]
    assert np.ptp(pixels(mean_brains(both)), axis=2).max() > 100


def test_nothing_is_drawn_of_a_difference_outside_of_the_brain(volume):
    noise = np.full(SHAPE, 0.5)
    both = [Brain(volume, "women", 0, 0), Brain(noise, "difference", 0, 1, difference=True)]
    told = pixels(mean_brains(both))
    assert (told[told.shape[0] // 2, -12:] < 40).all()


def test_an_empty_brain_and_a_difference_of_nothing_are_drawn(volume):
    empty = np.zeros(SHAPE)
    told = mean_brains([Brain(empty, "a"), Brain(empty, "b", 0, 1, difference=True)])
    assert told.startswith(b"\x89PNG")


@pytest.mark.parametrize("count", [1, 5, 20])
def test_generated_brains_stand_below_real_ones(volume, count):
    rows = {"real": np.stack([volume] * count), "generated": np.zeros((count, *SHAPE)),
            "nearest\nin training": np.stack([volume] * count)}  # fmt: skip
    found = pixels(generated(rows))
    third = found.shape[0] // 3
    bright = [found[i * third : (i + 1) * third, 140:].max() for i in range(3)]
    assert bright[0] > 200 > 20 > bright[1]
    assert bright[2] > 200
