import numpy as np
import pytest

from benchmarks.explanation import compare


def test_the_same_contributions_agree_fully():
    years = np.random.default_rng(0).normal(size=(6, 30))
    assert compare(years, years) == pytest.approx((1.0, 1.0, 10.0))


def test_unrelated_contributions_do_not():
    rng = np.random.default_rng(1)
    within, size, shared = compare(rng.normal(size=(20, 200)), rng.normal(size=(20, 200)))
    assert abs(within) < 0.1 and abs(size) < 0.3 and shared < 2
