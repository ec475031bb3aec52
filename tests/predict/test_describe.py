import numpy as np

from bids_brainage.predict.describe import extreme_measures, missing_blocks

NAMES = tuple(f"{side}_{i}_thickness" for side in ("lh", "rh") for i in range(6)) + tuple(
    f"{side}-{name}" for side in ("Left", "Right") for name in ("Caudate", "Putamen", "Pallidum")
)


def test_the_furthest_comes_first_with_its_range():
    found = extreme_measures("abc", np.array([5.0, -100.0, 0.5]), np.zeros(3), np.ones(3))
    assert found == ("b -100 (training 0 to 1)", "a 5 (training 0 to 1)")


def test_missing_and_unlimited_measures_are_not_extreme():
    values, low, high = np.array([np.nan, 3.0]), np.array([0, -np.inf]), np.array([1, np.inf])
    assert extreme_measures("ab", values, low, high) == ()


def test_a_missing_hemisphere_and_missing_thickness_are_named():
    left = np.array([name.startswith(("lh", "Left")) for name in NAMES])
    assert missing_blocks(NAMES, left) == ("measures of the left hemisphere",)
    thickness = np.array([name.endswith("_thickness") for name in NAMES])
    assert missing_blocks(NAMES, thickness) == ("cortical thickness",)


def test_a_missing_cortical_hemisphere_is_named():
    left = np.array([name.startswith("lh") for name in NAMES])
    assert missing_blocks(NAMES, left) == ("cortical measures of the left hemisphere",)


def test_nothing_and_everything_missing_are_no_blocks():
    assert missing_blocks(NAMES, np.zeros(len(NAMES), bool)) == ()
    assert missing_blocks(NAMES, np.ones(len(NAMES), bool)) == ()
