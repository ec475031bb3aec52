import numpy as np
import pytest

from bids_brainage.training.baselines import FAMILIES, feature_matrix, fit_predict
from bids_brainage.training.stacking import stack

TRAIN, TEST = np.arange(0, 120), np.arange(120, 160)


@pytest.mark.parametrize("family", list(FAMILIES))
def test_every_reference_model_beats_the_median(table, family):
    features = feature_matrix(table, "morphometry")
    log_age, score = fit_predict(family, features, table, TRAIN, TEST)
    guess = np.abs(np.median(table.age[TRAIN]) - table.age[TEST]).mean()
    assert np.abs(np.exp(log_age) - table.age[TEST]).mean() < guess
    assert np.isfinite(score).all()


def test_both_inputs_stand_side_by_side(table):
    width = sum(values.shape[1] for values in table.measures.values())
    assert feature_matrix(table, "both").shape == (len(table), width)


@pytest.mark.parametrize("tuned", [False, True])
def test_the_stack_predicts_from_each_input(table, tuned):
    train = TRAIN[table.has("connectivity")[TRAIN]]
    found = stack(table, train, TEST, tuned=tuned)
    guess = np.abs(np.median(table.age[train]) - table.age[TEST])
    for name, (log_age, _) in found.items():
        known = ~np.isnan(log_age)
        assert known.any(), name
        assert np.abs(np.exp(log_age) - table.age[TEST])[known].mean() < guess[known].mean()
    both = table.has_both()[TEST]
    assert np.array_equal(~np.isnan(found["both"][0]), both)


def test_the_stack_takes_more_people_with_morphometry_only(table):
    connected = table.has("connectivity")
    single = TRAIN[~connected[TRAIN]]
    alone = stack(table, TRAIN[connected[TRAIN]], TEST)["morphometry"][0]
    more = stack(table, TRAIN[connected[TRAIN]], TEST, single=single)["morphometry"][0]
    assert not np.allclose(alone, more)
