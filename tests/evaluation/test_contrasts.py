import pytest
from statsmodels.stats.multitest import multipletests

from bids_brainage.evaluation.contrasts import Comparison, Contrast, holm


def test_holm_is_that_of_statsmodels():
    raw = [0.01, 0.04, 0.03, 0.005, 0.9]
    contrasts = [Contrast("", "", 9, 9, *[0.0] * 6, p) for p in raw]
    both = [Comparison("m", "a", "groups", contrasts=tuple(contrasts[:2])),
            Comparison("m", "b", "groups", contrasts=tuple(contrasts[2:]))]  # fmt: skip
    found = [c.p_adjusted for comparison in holm(both) for c in comparison.contrasts]
    assert found == pytest.approx(multipletests(raw, method="holm")[1].tolist())
    assert holm([]) == []
