from bids_brainage.evaluation.covariates import is_continuous


def test_codes_are_groups_and_measures_are_numbers():
    assert not is_continuous(["1", "2", "n/a", "3"])
    assert is_continuous(["0.5", "1.5"])
    assert is_continuous([str(i) for i in range(9)])
    assert not is_continuous([*map(str, range(9)), "x"])
