import numpy as np
import pytest

from bids_brainage.evaluation.agreement import bland_altman, icc, repeats

# Shrout & Fleiss (1979), table 2: six targets, four judges.
JUDGES = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9],
                   [6, 2, 4, 7]])  # fmt: skip
# Bland & Altman (1986), table 1: peak flow by a large and by a mini meter, l/min.
LARGE = np.array([494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423,
                  427])  # fmt: skip
MINI = np.array([512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350,
                 451])  # fmt: skip


def test_icc_of_shrout_and_fleiss():
    value, lower, upper = icc(JUDGES)
    assert value == pytest.approx(0.29, abs=0.005)
    assert (lower, upper) == pytest.approx((0.019, 0.761), abs=0.001)


def test_limits_of_bland_and_altman():
    found = bland_altman(MINI, LARGE)
    assert found.n == 17
    assert found.mean[0] == pytest.approx(-2.1, abs=0.05)
    assert found.sd == pytest.approx(38.8, abs=0.05)
    assert found.mean[1:] == pytest.approx((-22.0, 17.8), abs=0.1)
    assert found.low[0] == pytest.approx(-2.1 - 1.96 * 38.8, abs=0.1)
    # Their rule of thumb for the limit's standard error, sqrt(3 / n) SD, is within a tenth.
    assert np.ptp(found.low[1:]) == pytest.approx(2 * 2.12 * np.sqrt(3 / 17) * 38.8, rel=0.1)


def test_agreement_of_made_up_repeats_is_what_was_put_in():
    rng = np.random.default_rng(0)
    person, noise = rng.normal(0, 3, 4000), rng.normal(0, 1, (4000, 2))
    sessions = person[:, None] + noise + [0, 0.5]
    value, lower, upper = icc(sessions)
    # A shift between sessions counts as disagreement: its variance is 0.5 ** 2 / 2.
    assert value == pytest.approx(9 / (9 + 1 + 0.125), abs=0.01)
    assert lower < value < upper
    found = bland_altman(sessions[:, 0], sessions[:, 1])
    assert found.mean[0] == pytest.approx(0.5, abs=0.06)
    assert found.sd == pytest.approx(np.sqrt(2), abs=0.05)


def test_perfect_agreement_and_too_few_people():
    assert icc(np.tile(np.arange(5.0)[:, None], 2))[0] == 1
    assert np.isnan(icc(np.ones((5, 2)))[0])
    assert np.isnan(icc(np.array([[1.0, 2.0], [2.0, 3.0]]))).all()
    assert np.isnan(bland_altman(np.arange(2.0), np.arange(2.0)).sd)


def test_the_first_sessions_that_all_have_are_repeats():
    people = ["a", "b", "a", "b", "c", "b"]
    assert repeats(people, np.array([2, 0, 1, 3, 5, 4])).tolist() == [[2, 0], [1, 3]]
    assert repeats(["a", "b"], np.arange(2)).size == 0
