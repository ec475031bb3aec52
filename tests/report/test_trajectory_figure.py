import numpy as np
import pytest

from bids_brainage.report.trajectory_figure import (
    NARROW,
    Curve,
    Likelihood,
    band,
    by_age,
    older_or_younger,
    titled,
)

AGES = np.array([20.0, 40.0, 60.0])


def curve(name="Left hippocampus", **changes):
    given = {
        "unit": "cm³", "ages": AGES, "expected": np.array([4.0, 3.9, 3.6]),
        "spread": np.full(3, 0.4), "age": 33.0, "value": 3.2, "own": np.array([3.8, 3.7, 3.4]),
        "keeping": np.array([3.3, 3.2, 2.9]),
    } | changes  # fmt: skip
    return Curve(name, **given)


def test_thickness_spreads_evenly_and_volumes_in_logarithms():
    lower, upper = band(curve(), 2)
    np.testing.assert_allclose((lower + upper) / 2, [4.0, 3.9, 3.6])
    wide = curve(spread=np.full(3, 4.0), logarithmic=True)
    lower, upper = band(wide, 2)
    assert (lower > 0).all()
    np.testing.assert_allclose(lower * upper, wide.expected**2)
    one = band(wide, 1)
    np.testing.assert_allclose(one[1] - one[0], 2 * wide.spread)


def test_figures_are_the_same_bytes_for_the_same_data():
    added = [("Left hippocampus", 1.5), ("Third ventricle", -0.5)]
    curves = [curve(str(i)) for i in range(6)]
    likelihood = Likelihood(AGES, np.array([-80.0, -1.0, -3.0]), 44.0, 33.0)
    assert len({older_or_younger(added, curves) for _ in range(3)}) == 1
    assert len({by_age(curves, likelihood) for _ in range(3)}) == 1


def test_a_title_is_broken_into_lines_that_fit_above_a_curve():
    title = titled("Left medial occipito-temporal and lingual sulcus", NARROW)
    lines = title.split("\n")
    assert len(lines) == 2
    assert max(map(len, lines)) <= NARROW


@pytest.mark.parametrize("count", [0, 1, 4])
def test_any_number_of_curves_is_drawn(count):
    curves = [curve(age=float("nan"), own=np.array([]), keeping=np.array([]))] * count
    assert older_or_younger([("A", 0.1)], curves).lstrip().startswith("<?xml")
    assert by_age(curves).lstrip().startswith("<?xml")


def test_an_age_that_is_not_known_has_no_line():
    known = Likelihood(AGES, np.array([-8.0, -1.0, -3.0]), 44.0, 33.0)
    unknown = Likelihood(AGES, known.values, 44.0, float("nan"))
    assert len(by_age([], unknown)) < len(by_age([], known))
