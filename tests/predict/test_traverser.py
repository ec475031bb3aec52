"""Measures at other ages, by a small untrained model of the family."""

import numpy as np
import pytest
import torch

from bids_brainage.errors import ModelError
from bids_brainage.models.cards import InputSpec, names_hash
from bids_brainage.models.cvae import Cvae
from bids_brainage.models.cvae_core import CvaeConfig
from bids_brainage.models.store import save_model
from bids_brainage.predict.traverser import load_traverser
from tests.aging import MadeUpTraverser
from tests.models.test_cards import make_card

NAMES = ("lh_G_rectus_thickness", "Left-Hippocampus", "3rd-Ventricle")
AGES = (20.0, 40.0, 60.0)
PERSON = np.array([2.4, 4100.0, 900.0])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    config = CvaeConfig(3, (1, 2), members=2, n_latent=2, hidden=8, n_ages=12)
    model = Cvae(config, seed=1)
    with torch.no_grad():
        model.transform.centre.copy_(torch.tensor([2.5, np.log(4000.0), np.log(1000.0)]))
        model.transform.scale.copy_(torch.tensor([0.2, 0.1, 0.3]))
    card = make_card(
        name="tiny", family="cvae", config=config.as_dict(),
        inputs={"morphometry": InputSpec(NAMES, names_hash(NAMES))},
    )  # fmt: skip
    place = tmp_path_factory.mktemp("tiny")
    save_model(model, card, place)
    return place


@pytest.fixture(scope="module")
def tiny(folder):
    return load_traverser(folder)


def test_a_trajectory_is_whole_and_in_the_measures_units(tiny):
    found = tiny.traverse(PERSON, 30.0, "M", AGES)
    assert (found.own_age, found.age_known, found.sex, found.sex_known) == (30, True, "M", True)
    for matrix in (found.most_likely, found.keeping_residual, found.expected, found.spread):
        assert matrix.shape == (3, 3) and matrix.dtype == np.float64
        assert np.isfinite(matrix).all() and (matrix > 0).all()
    assert found.ages.tolist() == list(AGES) and found.likelihood.shape == (3,)
    np.testing.assert_array_equal(found.value, PERSON)
    assert (found.expected[0] > (1, 1000, 100)).all()


def test_the_curve_of_a_person_goes_through_its_values_at_its_own_age(tiny):
    found = tiny.traverse(PERSON, 40.0, "F", AGES)
    np.testing.assert_allclose(found.keeping_residual[1], PERSON, rtol=1e-6)


def test_what_is_not_known_is_told(tiny):
    found = tiny.traverse(np.array([2.4, np.nan, 900.0]), None, None, AGES)
    assert not found.age_known and not found.sex_known
    assert found.own_age == found.inverted_age and found.sex in ("F", "M")
    assert np.isnan(found.deviation[1]) and np.isfinite(found.expected).all()


def test_contributions_add_up(tiny):
    added = tiny.attribute(PERSON)
    assert added.years["morphometry"].shape == (3,)
    assert abs(added.residual) < 0.1


def test_people_are_told_the_same_alone_and_after_others(tiny):
    first = tiny.traverse(PERSON, 40.0, "F", AGES)
    tiny.traverse(PERSON * 1.1, None, None, AGES)
    again = tiny.traverse(PERSON, 40.0, "F", AGES)
    np.testing.assert_array_equal(first.most_likely, again.most_likely)


def test_models_of_other_families_are_refused():
    with pytest.raises(ModelError, match="family mavae"):
        load_traverser("mavae")


def test_ages_of_the_table_are_those_the_model_knows():
    assert MadeUpTraverser(age_range=(22.0, 36.4)).grid() == (25, 30, 35)
    assert MadeUpTraverser(age_range=(22.2, 24.4)).grid() == (23, 24)
    assert MadeUpTraverser(age_range=(22.2, 22.4)).grid() == (22.2, 22.4)
